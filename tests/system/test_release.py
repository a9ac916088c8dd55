"""What a release brings: the same bytes, wherever and whenever it is made of a commit; packages for
others than Debian; and what the program is linked with."""

import glob
import hashlib
import json
import os
import re
import subprocess

from harness import Skip, deadline, lockstep_binary, long_test, on, process, read

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def shell(folder, script):
    """Run it there, with an environment in which git and make are nobody's."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SOURCE_DATE_EPOCH")}
    done = subprocess.run(["sh", "-ec", script], cwd=folder, env=env, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-4000:]


def sums(folder):
    """The releases that lie there, by name."""
    found = {os.path.basename(path): hashlib.sha256(read(path)).hexdigest()
             for path in glob.glob(f"{folder}/lockstep-*.tar.*")}
    assert len(found) == 2, found
    return found


@on("s3d")
@long_test
@deadline(900)
def test_two_releases_of_a_commit_are_equal(ctx):
    if not os.path.exists(os.path.join(TOP, ".git")):
        raise Skip("this is no clone")
    shell(ctx.dir, f"umask 077; git clone -q {TOP} one; umask 002; git clone -q {TOP} two")
    one, two = ctx.path("one"), ctx.path("two")
    shell(one, "umask 077; autoreconf -i; ./configure -q; make -s dist")
    shell(two, "umask 002; autoreconf -i; mkdir out; cd out; ../configure -q; touch ../README.md;"
               "make -s dist")
    assert sums(one) == sums(f"{two}/out")
    # A release makes itself again.
    third = ctx.folder("third")
    shell(third, f"tar -xf {one}/lockstep-*.tar.xz --strip-components=1; ./configure -q; make -s dist")
    assert sums(one) == sums(third)


# Libraries by the names that the linker has for them: package, module of pkg-config, licence.
LIBRARIES = {"libcurl": ("curl", "libcurl", "curl"), "libexpat": ("expat", "expat", "MIT"),
             "libconfig": ("libconfig", "libconfig", "LGPL-2.1-or-later"),
             "liblmdb": ("lmdb", "lmdb", "OLDAP-2.8"),
             "libsystemd": ("systemd", "libsystemd", "LGPL-2.1-or-later"),
             "libsqlite3": ("sqlite", "sqlite3", "blessing"),
             "libzstd": ("zstd", "libzstd", "BSD-3-Clause"),
             "libcrypto": ("openssl", "libcrypto", "Apache-2.0"),
             "libc": ("glibc", None, "LGPL-2.1-or-later")}
OF_SANITIZERS = re.compile(r"lib([atl]|ub)san|libgcc_s|libm|libstdc|ld-linux")


def check_shape(bill):
    """As SPDX 2.3 wants a document in JSON to be."""
    assert bill["spdxVersion"] == "SPDX-2.3" and bill["dataLicense"] == "CC0-1.0"
    assert bill["SPDXID"] == "SPDXRef-DOCUMENT" and bill["name"]
    assert re.fullmatch(r"[a-z]+:[^#\s]+", bill["documentNamespace"])
    made = bill["creationInfo"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created"])
    assert made["creators"] and all(
        re.match("(Tool|Person|Organization): ", who) for who in made["creators"])
    names = [bill["SPDXID"]] + [package["SPDXID"] for package in bill["packages"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)
    for package in bill["packages"]:
        assert package["name"] and package["downloadLocation"] == "NOASSERTION"
        assert package["filesAnalyzed"] is False and package["licenseDeclared"]
    for line in bill["relationships"]:
        assert line["spdxElementId"] in names and line["relatedSpdxElement"] in names
    texts = {info["licenseId"]: info["extractedText"] for info in bill["hasExtractedLicensingInfos"]}
    used = {package["licenseDeclared"] for package in bill["packages"]}
    assert {name for name in used if name.startswith("LicenseRef-")} == set(texts)
    assert "OpenSSL" in "".join(texts.values())


def pkg_config(module):
    return subprocess.run(["pkg-config", "--modversion", module], check=True, capture_output=True,
                          text=True).stdout.strip()


@on("s3d")
def test_bill_of_materials(ctx):
    del ctx
    bill = json.loads(read(os.path.join(process.build_dir(), "packaging/lockstep.spdx.json")))
    check_shape(bill)
    packages = {package["name"]: package for package in bill["packages"]}
    links = {(line["relationshipType"], line["relatedSpdxElement"][len("SPDXRef-"):])
             for line in bill["relationships"]}
    dynamic = subprocess.run(["readelf", "-W", "-d", lockstep_binary()], check=True,
                             capture_output=True, text=True).stdout
    wanted = set()
    for library in re.findall(r"\(NEEDED\).*\[([^.\]]+)", dynamic):
        if library not in LIBRARIES and OF_SANITIZERS.match(library):
            continue
        name, module, licence = LIBRARIES[library]
        wanted.add(("DYNAMIC_LINK", name))
        assert packages[name]["licenseDeclared"] == licence
        assert module is None or packages[name]["versionInfo"] == pkg_config(module)
        assert packages[name]["versionInfo"]
    assert len(wanted) >= 8
    wanted |= {("DESCRIBES", "lockstep"), ("STATIC_LINK", "inotify-tools")}
    assert wanted <= links and all(OF_SANITIZERS.match(name) for _, name in links - wanted), links
