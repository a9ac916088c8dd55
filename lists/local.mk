noinst_LIBRARIES += lists/liblists.a
lists_liblists_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h
lists_liblists_a_SOURCES = \
	lists/lists.h lists/internal.h lists/marks.h lists/held.h lists/round.h \
	lists/check.h lists/check.c lists/rules.c lists/judge.c lists/labels.c lists/fix.c \
	lists/directories.h lists/directories.c lists/keys.h lists/keys.c \
	lists/make.h lists/class_map.c lists/gather.c lists/parts.c \
	lists/edit.h lists/edit.c \
	lists/diff.h lists/diff.c lists/merge.h lists/merge.c lists/novel.c \
	lists/tally.h lists/tally.c lists/picture.h lists/picture.c \
	lists/manifest.h lists/manifest.c \
	lists/channels.h lists/channels.c lists/training.c \
	lists/record.h lists/record.c lists/record_image.c \
	lists/pack.h lists/pack.c lists/pack_relabel.c lists/pack_check.c \
	lists/pack_files.h lists/pack_files.c \
	lists/images.c lists/file.h lists/file.c \
	lists/row.c lists/changes.c lists/rewrite.c lists/undo.c \
	lists/held.c lists/names.c lists/attributes.c lists/install.c lists/rescue.c \
	lists/apply.c lists/recover.c lists/each_path.c \
	lists/glance.h lists/glance.c lists/mentions.h lists/mentions.c
EXTRA_DIST += lists/DESIGN.md

lists_tests = \
	tests/unit/test_lst_calls \
	tests/unit/test_lst_room \
	tests/unit/test_lst_rows \
	tests/unit/test_lst_check \
	tests/unit/test_lst_diff \
	tests/unit/test_lst_edges \
	tests/unit/test_lst_edit \
	tests/unit/test_lst_images \
	tests/unit/test_lst_keys \
	tests/unit/test_lst_labels \
	tests/unit/test_lst_pack \
	tests/unit/test_lst_make \
	tests/unit/test_lst_marks \
	tests/unit/test_lst_mentions \
	tests/unit/test_lst_model \
	tests/unit/test_lst_merge \
	tests/unit/test_picture \
	tests/unit/test_channels \
	tests/unit/test_manifest \
	tests/unit/test_record \
	tests/unit/test_lst_policy \
	tests/unit/test_lst_rewrite \
	tests/unit/test_lst_apply \
	tests/unit/test_lst_race \
	tests/unit/test_lst_crash \
	tests/unit/test_lst_stress
check_PROGRAMS += $(lists_tests)
TESTS += $(lists_tests)
lists_tests_LIBS = lists/liblists.a base/libbase.a $(CMOCKA_LIBS) $(CRYPTO_LIBS)

tests_unit_test_lst_calls_SOURCES = tests/unit/test_lst_calls.c tests/unit/lst_bed.h \
	tests/unit/lst_texts.h tests/unit/unit.h $(failing_calls)
tests_unit_test_lst_calls_LDADD = $(lists_tests_LIBS) $(ZSTD_LIBS) -lpthread
tests_unit_test_lst_calls_LDFLAGS = $(AM_LDFLAGS) $(failing_calls_WRAP)
tests_unit_test_lst_room_SOURCES = tests/unit/test_lst_room.c tests/unit/lst_texts.h tests/unit/unit.h \
	$(failing_calls)
tests_unit_test_lst_room_LDADD = $(lists_tests_LIBS) $(ZSTD_LIBS) -lpthread
tests_unit_test_lst_room_LDFLAGS = $(AM_LDFLAGS) $(failing_calls_WRAP)
tests_unit_test_lst_rows_SOURCES = tests/unit/test_lst_rows.c tests/unit/unit.h
tests_unit_test_lst_rows_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_check_SOURCES = tests/unit/test_lst_check.c tests/unit/unit.h
tests_unit_test_lst_check_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_images_SOURCES = tests/unit/test_lst_images.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_images_LDADD = $(lists_tests_LIBS) -lpthread
tests_unit_test_lst_labels_SOURCES = tests/unit/test_lst_labels.c tests/unit/unit.h
tests_unit_test_lst_labels_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_pack_SOURCES = tests/unit/test_lst_pack.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_pack_LDADD = $(lists_tests_LIBS) -lpthread
tests_unit_test_lst_diff_SOURCES = tests/unit/test_lst_diff.c tests/unit/unit.h
tests_unit_test_lst_diff_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_make_SOURCES = tests/unit/test_lst_make.c tests/unit/unit.h
tests_unit_test_lst_make_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_edges_SOURCES = tests/unit/test_lst_edges.c tests/unit/edge_bed.h tests/unit/unit.h
tests_unit_test_lst_edges_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_marks_SOURCES = tests/unit/test_lst_marks.c tests/unit/edge_bed.h tests/unit/unit.h
tests_unit_test_lst_marks_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_mentions_SOURCES = tests/unit/test_lst_mentions.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_mentions_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_model_SOURCES = tests/unit/test_lst_model.c tests/unit/unit.h
tests_unit_test_lst_model_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_merge_SOURCES = tests/unit/test_lst_merge.c tests/unit/unit.h
tests_unit_test_lst_merge_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_edit_SOURCES = tests/unit/test_lst_edit.c tests/unit/unit.h
tests_unit_test_lst_edit_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_keys_SOURCES = tests/unit/test_lst_keys.c tests/unit/unit.h
tests_unit_test_lst_keys_LDADD = $(lists_tests_LIBS)
tests_unit_test_picture_SOURCES = tests/unit/test_picture.c tests/unit/unit.h
tests_unit_test_picture_LDADD = $(lists_tests_LIBS)
tests_unit_test_record_SOURCES = tests/unit/test_record.c tests/unit/unit.h
tests_unit_test_record_LDADD = $(lists_tests_LIBS)
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c tests/unit/unit.h
tests_unit_test_manifest_LDADD = $(lists_tests_LIBS)
tests_unit_test_channels_SOURCES = tests/unit/test_channels.c tests/unit/unit.h
tests_unit_test_channels_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_policy_SOURCES = tests/unit/test_lst_policy.c tests/unit/unit.h
tests_unit_test_lst_policy_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_rewrite_SOURCES = tests/unit/test_lst_rewrite.c tests/unit/unit.h
tests_unit_test_lst_rewrite_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_apply_SOURCES = tests/unit/test_lst_apply.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_apply_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_race_SOURCES = tests/unit/test_lst_race.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_race_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_race_LDFLAGS = $(AM_LDFLAGS) -pthread \
	-Wl,--wrap=renameat2 -Wl,--wrap=renameat -Wl,--wrap=fcntl -Wl,--wrap=write
tests_unit_test_lst_crash_SOURCES = tests/unit/test_lst_crash.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_crash_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_crash_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=renameat2 -Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=write \
	-Wl,--wrap=fsync -Wl,--wrap=fchmod -Wl,--wrap=fcntl -Wl,--wrap=nanosleep -Wl,--wrap=close
tests_unit_test_lst_stress_SOURCES = tests/unit/test_lst_stress.c tests/unit/lst_bed.h tests/unit/unit.h
tests_unit_test_lst_stress_LDADD = $(lists_tests_LIBS)
tests_unit_test_lst_stress_LDFLAGS = $(AM_LDFLAGS) -pthread

noinst_PROGRAMS += tests/bench/bench_lists
tests_bench_bench_lists_SOURCES = tests/bench/bench_lists.c
tests_bench_bench_lists_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_lst_rows
tests_fuzz_fuzz_lst_rows_SOURCES = tests/fuzz/fuzz_lst_rows.c
tests_fuzz_fuzz_lst_rows_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_lst_rows_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_picture tests/fuzz/fuzz_lst_check tests/fuzz/fuzz_class_map
tests_fuzz_fuzz_class_map_SOURCES = tests/fuzz/fuzz_class_map.c
tests_fuzz_fuzz_class_map_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_class_map_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_picture_SOURCES = tests/fuzz/fuzz_picture.c
tests_fuzz_fuzz_picture_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_picture_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_lst_check_SOURCES = tests/fuzz/fuzz_lst_check.c
tests_fuzz_fuzz_lst_check_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_lst_check_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_mentions
tests_fuzz_fuzz_mentions_SOURCES = tests/fuzz/fuzz_mentions.c
tests_fuzz_fuzz_mentions_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_mentions_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c
tests_fuzz_fuzz_record_LDADD = lists/liblists.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += \
	tests/fuzz/corpus/class_map/three \
	tests/fuzz/corpus/picture/frame.jpg \
	tests/fuzz/corpus/picture/header.png \
	tests/fuzz/corpus/record/images \
	tests/fuzz/corpus/record/parts \
	tests/fuzz/corpus/record/row \
	tests/fuzz/corpus/lst_check/odd \
	tests/fuzz/corpus/mentions/odd.lst \
	tests/fuzz/corpus/lst_rows/mixed.lst \
	tests/fuzz/corpus/lst_rows/odd.lst \
	tests/fuzz/corpus/lst_rows/detection.lst \
	tests/fuzz/corpus/lst_rows/undo
