#!/bin/sh
# sbom.sh PROGRAM VERSION LICENCE-FILE: what the program is linked with, as SPDX 2.3 (JSON).
# Versions are those of pkg-config, that is of what it was built with. PKG_CONFIG, READELF and
# SOURCE_DATE_EPOCH count as everywhere; INOTIFYTOOLS_VERSION is that of libinotifytools, which tells
# nobody its own, where no package manager knows.
set -eu

PROGRAM=$1 VERSION=$2 LICENCE_FILE=$3
OURS=LicenseRef-GPL-2.0-only-with-OpenSSL-exception

# known SONAME: "name module licence" of a library that we know.
known() {
    case $1 in
    libcurl.so.*) echo curl libcurl curl ;;
    libexpat.so.*) echo expat expat MIT ;;
    libconfig.so.*) echo libconfig libconfig LGPL-2.1-or-later ;;
    liblmdb.so*) echo lmdb lmdb OLDAP-2.8 ;;
    libsystemd.so.*) echo systemd libsystemd LGPL-2.1-or-later ;;
    libzstd.so.*) echo zstd libzstd 'BSD-3-Clause' ;;
    libsqlite3.so.*) echo sqlite sqlite3 blessing ;;
    libcrypto.so.*) echo openssl libcrypto Apache-2.0 ;;
    libc.so.*) echo glibc - LGPL-2.1-or-later ;;
    *) echo "$1" - NOASSERTION ;;
    esac
}

# version_of NAME MODULE
version_of() {
    case $1 in
    glibc) getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //' ;;
    *) [ "$2" = - ] || "${PKG_CONFIG:-pkg-config}" --modversion "$2" ;;
    esac
}

inotifytools_version() {
    if [ -n "${INOTIFYTOOLS_VERSION:-}" ]; then
        echo "$INOTIFYTOOLS_VERSION"
    elif command -v dpkg-query >/dev/null; then
        # shellcheck disable=SC2016 # dpkg-query's own variable
        dpkg-query --show --showformat '${source:Upstream-Version}' libinotifytools0-dev 2>/dev/null || true
    fi
}

# package ID NAME VERSION LICENCE: one of the packages; "" is a version that nobody knows.
package() {
    printf '%s    {\n      "SPDXID": "SPDXRef-%s",\n      "name": "%s",\n' "$SEPARATOR" "$1" "$2"
    if [ -n "$3" ]; then
        printf '      "versionInfo": "%s",\n' "$3"
        printf '      "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",'
        printf ' "referenceLocator": "pkg:generic/%s@%s"}],\n' "$2" "$3"
    fi
    printf '      "downloadLocation": "NOASSERTION",\n      "filesAnalyzed": false,\n'
    printf '      "licenseConcluded": "%s",\n      "licenseDeclared": "%s",\n' "$4" "$4"
    printf '      "copyrightText": "NOASSERTION"\n    }'
    SEPARATOR=',
'
}

# relationship FROM TYPE TO
relationship() {
    printf '%s    {"spdxElementId": "SPDXRef-%s", "relationshipType": "%s",' "$SEPARATOR" "$1" "$2"
    printf ' "relatedSpdxElement": "SPDXRef-%s"}' "$3"
    SEPARATOR=',
'
}

# The text of a file as the inside of a JSON string.
json_text() {
    awk '{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); printf "%s\\n", $0 }' "$1"
}

libraries=$("${READELF:-readelf}" -W -d "$PROGRAM" |
    sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | grep -v '^ld-linux' | LC_ALL=C sort)
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%dT%H:%M:%SZ)
digest=$(sha256sum <"$PROGRAM" | cut -d ' ' -f 1)

printf '{\n  "spdxVersion": "SPDX-2.3",\n  "dataLicense": "CC0-1.0",\n  "SPDXID": "SPDXRef-DOCUMENT",\n'
printf '  "name": "lockstep-%s",\n  "documentNamespace": "urn:lockstep:spdx:%s:%s",\n' \
    "$VERSION" "$VERSION" "$digest"
printf '  "creationInfo": {"created": "%s", "creators": ["Tool: lockstep-sbom-%s"]},\n' \
    "$created" "$VERSION"
printf '  "packages": [\n'
SEPARATOR=
package lockstep lockstep "$VERSION" "$OURS"
package inotify-tools inotify-tools "$(inotifytools_version)" "GPL-2.0-only AND LGPL-2.1-or-later"
for library in $libraries; do
    # shellcheck disable=SC2046 # three words
    set -- $(known "$library")
    package "$1" "$1" "$(version_of "$1" "$2")" "$3"
done
printf '\n  ],\n  "relationships": [\n'
SEPARATOR=
relationship DOCUMENT DESCRIBES lockstep
relationship lockstep STATIC_LINK inotify-tools
for library in $libraries; do
    # shellcheck disable=SC2046 # three words
    set -- $(known "$library")
    relationship lockstep DYNAMIC_LINK "$1"
done
printf '\n  ],\n  "hasExtractedLicensingInfos": [\n    {"licenseId": "%s",\n' "$OURS"
printf '     "name": "GNU GPL, version 2, with an exception for OpenSSL",\n     "extractedText": "%s"}\n  ]\n}\n' \
    "$(json_text "$LICENCE_FILE")"
