noinst_LIBRARIES += conf/libconf.a
conf_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h $(LIBCONFIG_CFLAGS)
conf_libconf_a_SOURCES = \
	conf/attribute.c conf/attribute.h \
	conf/check.c conf/check_objects.c conf/check_policies.c conf/check_s3.c \
	conf/conf.c conf/conf.h \
	conf/faults.c conf/faults.h \
	conf/field.c conf/field.h \
	conf/lexical.c conf/lexical.h \
	conf/load.c \
	conf/manifests.c \
	conf/node.c conf/node.h \
	conf/number.c \
	conf/print.c \
	conf/read.c conf/reading.h \
	conf/read_objects.c conf/read_policies.c \
	conf/reload.c \
	conf/setting.c conf/setting.h conf/setting_objects.c conf/setting_policies.c \
	conf/value.c conf/value_arn.c conf/value_listen.c conf/value.h
EXTRA_DIST += conf/lockstep.conf.sample conf/DESIGN.md

check_PROGRAMS += tests/unit/test_conf tests/unit/test_conf_deletes tests/unit/test_conf_journal \
	tests/unit/test_conf_limits tests/unit/test_conf_manifests tests/unit/test_conf_policies \
	tests/unit/test_conf_load tests/unit/test_conf_reload tests/unit/test_conf_value
conf_test_libs = conf/libconf.a base/libbase.a $(LIBCONFIG_LIBS) $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c tests/unit/conf_bed.h tests/unit/unit.h
tests_unit_test_conf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_LDADD = $(conf_test_libs)
tests_unit_test_conf_deletes_SOURCES = tests/unit/test_conf_deletes.c tests/unit/unit.h
tests_unit_test_conf_deletes_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_deletes_LDADD = $(conf_test_libs)
tests_unit_test_conf_journal_SOURCES = tests/unit/test_conf_journal.c tests/unit/conf_bed.h \
	tests/unit/unit.h
tests_unit_test_conf_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_journal_LDADD = $(conf_test_libs)
tests_unit_test_conf_load_SOURCES = tests/unit/test_conf_load.c
tests_unit_test_conf_load_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_load_LDADD = $(conf_test_libs)
tests_unit_test_conf_limits_SOURCES = tests/unit/test_conf_limits.c tests/unit/conf_bed.h \
	tests/unit/unit.h
tests_unit_test_conf_limits_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_limits_LDADD = $(conf_test_libs)
tests_unit_test_conf_policies_SOURCES = tests/unit/test_conf_policies.c tests/unit/conf_bed.h \
	tests/unit/unit.h
tests_unit_test_conf_policies_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_policies_LDADD = $(conf_test_libs)
tests_unit_test_conf_manifests_SOURCES = tests/unit/test_conf_manifests.c tests/unit/unit.h
tests_unit_test_conf_manifests_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_manifests_LDADD = $(conf_test_libs)
tests_unit_test_conf_reload_SOURCES = tests/unit/test_conf_reload.c tests/unit/unit.h \
	tests/unit/scratch.c tests/unit/scratch.h
tests_unit_test_conf_reload_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_reload_LDADD = $(conf_test_libs)
tests_unit_test_conf_value_SOURCES = tests/unit/test_conf_value.c
tests_unit_test_conf_value_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_value_LDADD = $(conf_test_libs)
TESTS += tests/unit/test_conf tests/unit/test_conf_deletes tests/unit/test_conf_journal \
	tests/unit/test_conf_limits tests/unit/test_conf_manifests tests/unit/test_conf_policies \
	tests/unit/test_conf_load tests/unit/test_conf_reload tests/unit/test_conf_value

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c
tests_fuzz_fuzz_conf_LDADD = conf/libconf.a base/libbase.a $(LIBCONFIG_LIBS) $(CRYPTO_LIBS)
tests_fuzz_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += tests/fuzz/fuzz_conf.c \
	tests/fuzz/corpus/conf/full.conf tests/fuzz/corpus/conf/faults.conf \
	tests/fuzz/corpus/conf/broken.conf
