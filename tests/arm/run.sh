#!/usr/bin/env bash
# Unit tests of what needs only the C library, built for ARM64 and run by an emulator: the ARM ways of
# the checksums are tested where there is no such processor.
#
#   tests/arm/run.sh BUILD_DIR [TEST...]
#
# Prints what each test prints; the last line is "N passed, N failed". Exit status 0 where none failed.
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CC=${ARM_CC:-aarch64-linux-gnu-gcc}
EMULATOR=${ARM_EMULATOR:-qemu-aarch64}
FLAGS=(-std=gnu17 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE "-I$TOP/tests/arm" "-I$TOP" -pthread)

# Each test with the sources that it is linked with.
CRC="base/crc.c base/crc_arm.c base/crc_table.c base/crc_x86.c"
TEXT="base/buf.c base/err.c base/text_code.c"
PATHS="base/path.c base/path_glob.c base/utf8.c"
declare -A SOURCES=(
    [test_crc]="$CRC $TEXT"
    [test_buf]="$TEXT"
    [test_clock]="base/clock.c $TEXT"
    [test_err]="$TEXT"
    [test_lst_marks]="$TEXT"
    [test_json]="base/json_read.c base/json_write.c base/utf8.c $TEXT"
    [test_map]="base/map.c $TEXT"
    [test_mix]="$TEXT"
    [test_path]="$PATHS $TEXT"
    [test_spread]="uploaders/spread.c"
    [test_utf8]="base/utf8.c $TEXT"
    [test_conf_value]="conf/value.c conf/value_arn.c conf/value_listen.c conf/number.c $PATHS $TEXT"
    [test_patience]="uploaders/patience.c"
    [test_retry]="uploaders/retry.c $TEXT"
)

dir=$1
shift
tests=("$@")
[ ${#tests[@]} -gt 0 ] || mapfile -t tests < <(printf '%s\n' "${!SOURCES[@]}" | sort)
mkdir -p "$dir"
failed=0
passed=0
for test in "${tests[@]}"; do
    sources=()
    for source in ${SOURCES[$test]}; do
        sources+=("$TOP/$source")
    done
    log=$dir/$test.log
    if "$CC" "${FLAGS[@]}" -static -o "$dir/$test" "$TOP/tests/unit/$test.c" "${sources[@]}" \
        >"$log" 2>&1 && "$EMULATOR" "$dir/$test" >>"$log" 2>&1; then
        passed=$((passed + $(awk '/^\[  PASSED  \]/ { print $4 }' "$log")))
        echo "PASS: $test"
        grep '^\[  SKIPPED' "$log" || true
    else
        failed=$((failed + 1))
        echo "FAIL: $test"
        tail -n 40 "$log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
