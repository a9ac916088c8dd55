noinst_LIBRARIES += base/libbase.a
base_libbase_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h
base_libbase_a_SOURCES = \
	base/banned.h \
	base/buf.c base/buf.h \
	base/checksum.c base/checksum.h \
	base/clock.c base/clock.h \
	base/crc.c base/crc.h base/crc_arm.c base/crc_table.c base/crc_ways.h base/crc_x86.c \
	base/digest.c base/digest.h \
	base/ed25519.c base/ed25519.h \
	base/err.c base/err.h \
	base/json.h base/json_read.c base/json_write.c \
	base/journald.c base/journald.h \
	base/log.c base/log.h \
	base/mailbox.c base/mailbox.h \
	base/map.c base/map.h \
	base/mix.h \
	base/path.c base/path.h base/path_glob.c \
	base/priority.c base/priority.h \
	base/replace.c base/replace.h \
	base/sha256_avx512.c base/sha256_each.c base/sha256_ways.h base/sha256_x86.c \
	base/text_code.c \
	base/tree.c base/tree.h \
	base/utf8.c base/utf8.h \
	base/visible.c base/visible.h \
	base/waiters.c base/waiters.h \
	base/word.h

# Tests in which each call fails in turn.
failing_calls = tests/unit/failing_calls.c tests/unit/failing_calls.h
failing_calls_WRAP = \
	-Wl,--wrap=calloc,--wrap=close,--wrap=eventfd,--wrap=EVP_DigestSign,--wrap=EVP_MD_CTX_new \
	-Wl,--wrap=EVP_PKEY_get_raw_public_key,--wrap=EVP_PKEY_new_raw_private_key \
	-Wl,--wrap=EVP_PKEY_new_raw_public_key,--wrap=faccessat,--wrap=fallocate,--wrap=fchmod \
	-Wl,--wrap=fchown,--wrap=fcntl,--wrap=fdatasync,--wrap=fdopendir,--wrap=fgetxattr \
	-Wl,--wrap=flistxattr,--wrap=fsetxattr,--wrap=fstat,--wrap=fstatat,--wrap=fsync \
	-Wl,--wrap=ftruncate,--wrap=futimens,--wrap=getentropy,--wrap=getrandom,--wrap=linkat \
	-Wl,--wrap=lseek,--wrap=malloc,--wrap=mkdir,--wrap=nanosleep,--wrap=open,--wrap=open_memstream \
	-Wl,--wrap=openat \
	-Wl,--wrap=pread,--wrap=pthread_create,--wrap=pwrite,--wrap=read,--wrap=readdir,--wrap=realloc \
	-Wl,--wrap=reallocarray,--wrap=realpath,--wrap=renameat,--wrap=renameat2,--wrap=statx \
	-Wl,--wrap=strdup,--wrap=syscall,--wrap=unlink,--wrap=unlinkat,--wrap=write \
	-Wl,--wrap=ZSTD_compress2,--wrap=ZSTD_createCCtx,--wrap=ZSTD_createDCtx

base_tests = \
	tests/unit/test_buf \
	tests/unit/test_checksum \
	tests/unit/test_clock \
	tests/unit/test_crc \
	tests/unit/test_digest \
	tests/unit/test_ed25519 \
	tests/unit/test_err \
	tests/unit/test_faults \
	tests/unit/test_json \
	tests/unit/test_journald \
	tests/unit/test_log \
	tests/unit/test_mailbox \
	tests/unit/test_map \
	tests/unit/test_mix \
	tests/unit/test_path \
	tests/unit/test_priority \
	tests/unit/test_replace \
	tests/unit/test_tree \
	tests/unit/test_utf8 \
	tests/unit/test_visible
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
base_tests_LIBS = base/libbase.a $(CMOCKA_LIBS) $(CRYPTO_LIBS)
base_tests_scratch = tests/unit/scratch.c tests/unit/scratch.h

tests_unit_test_buf_SOURCES = tests/unit/test_buf.c tests/unit/unit.h
tests_unit_test_buf_LDADD = $(base_tests_LIBS)
tests_unit_test_ed25519_SOURCES = tests/unit/test_ed25519.c tests/unit/unit.h
tests_unit_test_ed25519_LDADD = $(base_tests_LIBS)
tests_unit_test_clock_SOURCES = tests/unit/test_clock.c tests/unit/unit.h
tests_unit_test_clock_LDADD = $(base_tests_LIBS)
tests_unit_test_crc_SOURCES = tests/unit/test_crc.c tests/unit/unit.h
tests_unit_test_crc_LDADD = $(base_tests_LIBS)
tests_unit_test_checksum_SOURCES = tests/unit/test_checksum.c tests/unit/unit.h
tests_unit_test_checksum_LDADD = $(base_tests_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c tests/unit/unit.h
tests_unit_test_digest_LDADD = $(base_tests_LIBS)
tests_unit_test_err_SOURCES = tests/unit/test_err.c tests/unit/unit.h
tests_unit_test_err_LDADD = $(base_tests_LIBS)
tests_unit_test_faults_SOURCES = tests/unit/test_faults.c tests/unit/unit.h $(base_tests_scratch)
tests_unit_test_faults_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc \
	-Wl,--wrap=calloc \
	-Wl,--wrap=realloc \
	-Wl,--wrap=fsync \
	-Wl,--wrap=close \
	-Wl,--wrap=fchmod \
	-Wl,--wrap=renameat \
	-Wl,--wrap=eventfd \
	-Wl,--wrap=getentropy \
	-Wl,--wrap=pthread_mutex_init
tests_unit_test_faults_LDADD = $(base_tests_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c tests/unit/unit.h
tests_unit_test_json_LDADD = $(base_tests_LIBS)
tests_unit_test_journald_SOURCES = tests/unit/test_journald.c tests/unit/unit.h
tests_unit_test_journald_LDADD = $(base_tests_LIBS)
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/unit.h $(base_tests_scratch)
tests_unit_test_log_LDADD = $(base_tests_LIBS)
tests_unit_test_mailbox_SOURCES = tests/unit/test_mailbox.c tests/unit/unit.h
tests_unit_test_mailbox_LDADD = $(base_tests_LIBS)
tests_unit_test_mix_SOURCES = tests/unit/test_mix.c tests/unit/edge_bed.h tests/unit/unit.h
tests_unit_test_mix_LDADD = $(base_tests_LIBS)
tests_unit_test_map_SOURCES = tests/unit/test_map.c tests/unit/unit.h
tests_unit_test_map_LDADD = $(base_tests_LIBS)
tests_unit_test_path_SOURCES = tests/unit/test_path.c tests/unit/unit.h
tests_unit_test_path_LDADD = $(base_tests_LIBS)
tests_unit_test_priority_SOURCES = tests/unit/test_priority.c tests/unit/unit.h
tests_unit_test_priority_LDADD = $(base_tests_LIBS)
tests_unit_test_replace_SOURCES = tests/unit/test_replace.c tests/unit/unit.h $(base_tests_scratch)
tests_unit_test_replace_LDADD = $(base_tests_LIBS)
tests_unit_test_tree_SOURCES = tests/unit/test_tree.c tests/unit/unit.h $(base_tests_scratch)
tests_unit_test_tree_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=syscall \
	-Wl,--wrap=preadv,--wrap=read \
	-Wl,--wrap=write
tests_unit_test_tree_LDADD = $(base_tests_LIBS)
tests_unit_test_utf8_SOURCES = tests/unit/test_utf8.c tests/unit/unit.h
tests_unit_test_utf8_LDADD = $(base_tests_LIBS)
tests_unit_test_visible_SOURCES = tests/unit/test_visible.c tests/unit/unit.h
tests_unit_test_visible_LDADD = $(base_tests_LIBS)

noinst_PROGRAMS += tests/bench/bench_base
tests_bench_bench_base_SOURCES = tests/bench/bench_base.c
tests_bench_bench_base_LDADD = base/libbase.a $(CRYPTO_LIBS)

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_json tests/fuzz/fuzz_text
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDADD = base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c
tests_fuzz_fuzz_text_LDADD = base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_text_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += base/DESIGN.md \
	tests/fuzz/fuzz_json.c tests/fuzz/fuzz_text.c \
	tests/fuzz/corpus/json/escapes.json \
	tests/fuzz/corpus/json/kinds.json \
	tests/fuzz/corpus/json/lone-surrogate.json \
	tests/fuzz/corpus/text/age \
	tests/fuzz/corpus/text/asctime \
	tests/fuzz/corpus/text/base64 \
	tests/fuzz/corpus/text/glob \
	tests/fuzz/corpus/text/hex \
	tests/fuzz/corpus/text/imf \
	tests/fuzz/corpus/text/iso \
	tests/fuzz/corpus/text/path \
	tests/fuzz/corpus/text/rfc850 \
	tests/fuzz/corpus/text/seconds
