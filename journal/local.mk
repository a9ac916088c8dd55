noinst_LIBRARIES += journal/libjournal.a
journal_libjournal_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h $(ZSTD_CFLAGS)
journal_libjournal_a_SOURCES = \
	journal/journal.h \
	journal/audit.c journal/audit.h \
	journal/batch.c journal/batch.h \
	journal/checkpoint.c journal/checkpoint.h journal/checkpoint_file.c \
	journal/closed.h \
	journal/columns.c journal/columns.h \
	journal/content.c journal/content.h \
	journal/evidence.c journal/evidence.h \
	journal/frame.c journal/frame.h \
	journal/glance.c journal/glance.h \
	journal/growing.c \
	journal/html.c journal/html.h \
	journal/identity.c journal/identity.h \
	journal/index.c journal/index.h journal/index_file.c journal/index_make.c \
	journal/key.c journal/key.h journal/key_file.c \
	journal/life.c journal/life.h \
	journal/merkle.c journal/merkle.h \
	journal/note.c journal/note.h \
	journal/pack.c journal/pack.h \
	journal/packed.c journal/packed.h journal/packed_file.c journal/packed_file.h \
	journal/past.c journal/past.h \
	journal/place.c journal/place.h \
	journal/proof.c journal/proof.h journal/prove.c \
	journal/reader.c \
	journal/record.c \
	journal/recover.c \
	journal/retire.c \
	journal/rollover.c \
	journal/scan.c \
	journal/schema.c journal/schema.h \
	journal/search.c journal/search.h \
	journal/segment.c journal/segment.h \
	journal/sieve.h \
	journal/signing.c \
	journal/standing.c \
	journal/syncing.c \
	journal/tally.c journal/tally.h \
	journal/text.c journal/text.h \
	journal/verify.c journal/verify.h journal/verify_keys.c journal/verify_parts.c \
	journal/walk.c journal/walk.h \
	journal/weave.c journal/weave.h \
	journal/worker.c journal/worker.h \
	journal/writer.c journal/writer.h
EXTRA_DIST += journal/DESIGN.md

journal_tests = \
	tests/unit/test_journal_apart \
	tests/unit/test_journal_calls \
	tests/unit/test_journal_closed \
	tests/unit/test_journal_columns \
	tests/unit/test_journal_faults \
	tests/unit/test_journal_follow \
	tests/unit/test_journal_forged \
	tests/unit/test_journal_frame \
	tests/unit/test_journal_headers \
	tests/unit/test_journal_key \
	tests/unit/test_journal_evidence \
	tests/unit/test_journal_html \
	tests/unit/test_journal_life \
	tests/unit/test_journal_named \
	tests/unit/test_journal_note \
	tests/unit/test_journal_pack \
	tests/unit/test_journal_packed \
	tests/unit/test_journal_parts \
	tests/unit/test_journal_past \
	tests/unit/test_journal_place \
	tests/unit/test_journal_proof \
	tests/unit/test_journal_record \
	tests/unit/test_journal_recover \
	tests/unit/test_journal_retire \
	tests/unit/test_journal_rollover \
	tests/unit/test_journal_search \
	tests/unit/test_journal_signing \
	tests/unit/test_journal_tally \
	tests/unit/test_journal_told \
	tests/unit/test_journal_torture \
	tests/unit/test_journal_verify \
	tests/unit/test_journal_weave \
	tests/unit/test_journal_writer
check_PROGRAMS += $(journal_tests)
TESTS += $(journal_tests)
journal_tests_LIBS = journal/libjournal.a base/libbase.a $(CMOCKA_LIBS) $(CRYPTO_LIBS) $(ZSTD_LIBS)
journal_tests_DIR = tests/unit/journal_dir.c tests/unit/journal_dir.h tests/unit/unit.h

journal_tests_DISK = tests/unit/failing_disk.c tests/unit/failing_disk.h
journal_tests_WRAP = \
	-Wl,--wrap=fdatasync,--wrap=fsync,--wrap=pwrite,--wrap=pread,--wrap=fallocate \
	-Wl,--wrap=realloc,--wrap=calloc
tests_unit_test_journal_apart_SOURCES = tests/unit/test_journal_apart.c \
	$(journal_tests_DIR) $(journal_tests_DISK)
tests_unit_test_journal_apart_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_apart_LDFLAGS = $(AM_LDFLAGS) $(journal_tests_WRAP)
tests_unit_test_journal_faults_SOURCES = tests/unit/test_journal_faults.c \
	$(journal_tests_DIR) $(journal_tests_DISK)
tests_unit_test_journal_faults_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_faults_LDFLAGS = $(AM_LDFLAGS) $(journal_tests_WRAP)
tests_unit_test_journal_torture_SOURCES = tests/unit/test_journal_torture.c \
	$(journal_tests_DIR) $(journal_tests_DISK)
tests_unit_test_journal_torture_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_torture_LDFLAGS = $(AM_LDFLAGS) $(journal_tests_WRAP)
tests_unit_test_journal_calls_SOURCES = tests/unit/test_journal_calls.c \
	$(journal_tests_DIR) $(failing_calls)
tests_unit_test_journal_calls_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_calls_LDFLAGS = $(AM_LDFLAGS) $(failing_calls_WRAP)
tests_unit_test_journal_told_SOURCES = tests/unit/test_journal_told.c \
	$(journal_tests_DIR) $(failing_calls)
tests_unit_test_journal_told_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_told_LDFLAGS = $(AM_LDFLAGS) $(failing_calls_WRAP)
tests_unit_test_journal_closed_SOURCES = tests/unit/test_journal_closed.c $(journal_tests_DIR)
tests_unit_test_journal_closed_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_columns_SOURCES = tests/unit/test_journal_columns.c tests/unit/unit.h
tests_unit_test_journal_columns_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_follow_SOURCES = tests/unit/test_journal_follow.c $(journal_tests_DIR)
tests_unit_test_journal_follow_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_forged_SOURCES = tests/unit/test_journal_forged.c tests/unit/unit.h
tests_unit_test_journal_forged_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_frame_SOURCES = tests/unit/test_journal_frame.c tests/unit/unit.h
tests_unit_test_journal_frame_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_headers_SOURCES = tests/unit/test_journal_headers.c $(journal_tests_DIR)
tests_unit_test_journal_headers_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_key_SOURCES = tests/unit/test_journal_key.c $(journal_tests_DIR)
tests_unit_test_journal_key_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_evidence_SOURCES = tests/unit/test_journal_evidence.c $(journal_tests_DIR)
tests_unit_test_journal_evidence_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_named_SOURCES = tests/unit/test_journal_named.c $(journal_tests_DIR)
tests_unit_test_journal_named_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_note_SOURCES = tests/unit/test_journal_note.c tests/unit/unit.h
tests_unit_test_journal_note_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_place_SOURCES = tests/unit/test_journal_place.c tests/unit/unit.h
tests_unit_test_journal_place_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_signing_SOURCES = tests/unit/test_journal_signing.c \
	$(journal_tests_DIR) $(journal_tests_DISK)
tests_unit_test_journal_signing_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_signing_LDFLAGS = $(AM_LDFLAGS) $(journal_tests_WRAP)
tests_unit_test_journal_proof_SOURCES = tests/unit/test_journal_proof.c $(journal_tests_DIR)
tests_unit_test_journal_proof_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_html_SOURCES = tests/unit/test_journal_html.c tests/unit/unit.h
tests_unit_test_journal_html_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_life_SOURCES = tests/unit/test_journal_life.c tests/unit/unit.h
tests_unit_test_journal_life_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_pack_SOURCES = tests/unit/test_journal_pack.c $(journal_tests_DIR)
tests_unit_test_journal_pack_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_packed_SOURCES = tests/unit/test_journal_packed.c \
	tests/unit/scratch.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_journal_packed_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_parts_SOURCES = tests/unit/test_journal_parts.c $(journal_tests_DIR)
tests_unit_test_journal_parts_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_past_SOURCES = tests/unit/test_journal_past.c tests/unit/unit.h
tests_unit_test_journal_past_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_tally_SOURCES = tests/unit/test_journal_tally.c tests/unit/unit.h
tests_unit_test_journal_tally_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_record_SOURCES = tests/unit/test_journal_record.c tests/unit/unit.h
tests_unit_test_journal_record_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_recover_SOURCES = tests/unit/test_journal_recover.c $(journal_tests_DIR)
tests_unit_test_journal_retire_SOURCES = tests/unit/test_journal_retire.c $(journal_tests_DIR)
tests_unit_test_journal_retire_LDADD = $(journal_tests_LIBS) -lpthread
tests_unit_test_journal_rollover_SOURCES = tests/unit/test_journal_rollover.c \
	$(journal_tests_DIR) $(journal_tests_DISK)
tests_unit_test_journal_rollover_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_rollover_LDFLAGS = $(AM_LDFLAGS) $(journal_tests_WRAP)
tests_unit_test_journal_search_SOURCES = tests/unit/test_journal_search.c $(journal_tests_DIR)
tests_unit_test_journal_search_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_recover_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_verify_SOURCES = tests/unit/test_journal_verify.c $(journal_tests_DIR)
tests_unit_test_journal_verify_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_weave_SOURCES = tests/unit/test_journal_weave.c $(journal_tests_DIR)
tests_unit_test_journal_weave_LDADD = $(journal_tests_LIBS)
tests_unit_test_journal_writer_SOURCES = tests/unit/test_journal_writer.c $(journal_tests_DIR)
tests_unit_test_journal_writer_LDADD = $(journal_tests_LIBS)

noinst_PROGRAMS += tests/bench/bench_journal
tests_bench_bench_journal_SOURCES = tests/bench/bench_journal.c \
	tests/bench/journal_records.h tests/bench/journal_records.c
tests_bench_bench_journal_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)

EXTRA_DIST += \
	tests/fuzz/corpus/journal_batch/bodies \
	tests/fuzz/corpus/journal_batch/segment \
	tests/fuzz/corpus/journal_index/small \
	tests/fuzz/corpus/journal_evidence/ahead \
	tests/fuzz/corpus/journal_evidence/kept \
	tests/fuzz/corpus/journal_evidence/named \
	tests/fuzz/corpus/journal_evidence/raw \
	tests/fuzz/corpus/journal_evidence/signed \
	tests/fuzz/corpus/journal_note/checkpoints \
	tests/fuzz/corpus/journal_note/key \
	tests/fuzz/corpus/journal_note/note \
	tests/fuzz/corpus/journal_note/proof \
	tests/fuzz/corpus/journal_note/secret \
	tests/fuzz/corpus/journal_packed/frames \
	tests/fuzz/corpus/journal_packed/trailing \
	tests/fuzz/corpus/journal_packed/whole \
	tests/fuzz/corpus/journal_proof/many \
	tests/fuzz/corpus/journal_proof/one \
	tests/fuzz/corpus/journal_proof/several \
	tests/fuzz/corpus/journal_record/full \
	tests/fuzz/corpus/journal_record/least \
	tests/fuzz/corpus/journal_record/names

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_journal_record tests/fuzz/fuzz_journal_batch \
	tests/fuzz/fuzz_journal_note tests/fuzz/fuzz_journal_packed tests/fuzz/fuzz_journal_proof \
	tests/fuzz/fuzz_journal_index tests/fuzz/fuzz_journal_evidence
tests_fuzz_fuzz_journal_evidence_SOURCES = tests/fuzz/fuzz_journal_evidence.c
tests_fuzz_fuzz_journal_evidence_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_evidence_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_journal_packed_SOURCES = tests/fuzz/fuzz_journal_packed.c
tests_fuzz_fuzz_journal_packed_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_packed_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_journal_index_SOURCES = tests/fuzz/fuzz_journal_index.c
tests_fuzz_fuzz_journal_index_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_index_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_journal_proof_SOURCES = tests/fuzz/fuzz_journal_proof.c
tests_fuzz_fuzz_journal_proof_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_proof_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_journal_note_SOURCES = tests/fuzz/fuzz_journal_note.c
tests_fuzz_fuzz_journal_note_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_note_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_journal_record_SOURCES = tests/fuzz/fuzz_journal_record.c
tests_fuzz_fuzz_journal_record_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_journal_batch_SOURCES = tests/fuzz/fuzz_journal_batch.c
tests_fuzz_fuzz_journal_batch_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_journal_batch_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
