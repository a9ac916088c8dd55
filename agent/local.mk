noinst_LIBRARIES += agent/libcore.a agent/libservice.a
agent_libcore_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h
agent_libcore_a_SOURCES = \
	agent/core/account.c agent/core/account.h agent/core/account_judge.c \
	agent/core/amount.c agent/core/amount.h \
	agent/core/cost.c agent/core/cost.h \
	agent/core/differ.c agent/core/differ.h \
	agent/core/gate.c agent/core/gate.h \
	agent/core/guard.c agent/core/guard.h \
	agent/core/moved.c agent/core/moved.h \
	agent/core/latency.c agent/core/latency.h \
	agent/core/metrics.c agent/core/metrics.h \
	agent/core/order.c agent/core/order.h \
	agent/core/page.c agent/core/page.h \
	agent/core/progress.c agent/core/progress.h \
	agent/core/recent.c agent/core/recent.h \
	agent/core/tint.c agent/core/tint.h \
	agent/core/pending.c agent/core/pending.h \
	agent/core/plan.c agent/core/plan.h \
	agent/core/policy.c agent/core/policy.h \
	agent/core/prom.c agent/core/prom.h \
	agent/core/proof.c agent/core/proof.h \
	agent/core/request.c agent/core/request.h \
	agent/core/proposal.c agent/core/proposal.h \
	agent/core/rows.c agent/core/rows.h agent/core/rows_adrift.c agent/core/rows_ask.c \
	agent/core/rows_pass.c agent/core/rows_replaced.c \
	agent/core/rows_table.h \
	agent/core/trash.c agent/core/trash.h \
	agent/core/trouble.c agent/core/trouble.h \
	agent/core/wait.c agent/core/wait.h \
	agent/core/ways.c agent/core/ways.h
agent_libservice_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h $(LMDB_CFLAGS) $(SYSTEMD_CFLAGS) \
	$(MICROHTTPD_CFLAGS)
agent_libservice_a_SOURCES = \
	agent/service/agent.c agent/service/agent.h \
	agent/service/adrift.c agent/service/adrift.h \
	agent/service/absent.c agent/service/absent.h \
	agent/service/adopt.c agent/service/adopt.h \
	agent/service/against.c agent/service/against.h \
	agent/service/anchors.c agent/service/anchors.h \
	agent/service/apply.c \
	agent/service/attributes.c agent/service/attributes.h \
	agent/service/birth.c agent/service/birth.h \
	agent/service/control.c \
	agent/service/decide.c \
	agent/service/deletions.c \
	agent/service/departed.c agent/service/departed.h \
	agent/service/desk.c agent/service/desk.h \
	agent/service/dry.c \
	agent/service/events.c agent/service/events.h \
	agent/service/exporter.c agent/service/exporter.h \
	agent/service/follow.c agent/service/follow.h agent/service/follow_settled.c \
	agent/service/follow_landed.c agent/service/follow_over.c \
	agent/service/follow_passed.c agent/service/follow_gone.c \
	agent/service/explain.c agent/service/explain.h \
	agent/service/finder.c agent/service/finder.h \
	agent/service/hashed.c agent/service/hashed.h \
	agent/service/list_holds.c agent/service/list_holds.h \
	agent/service/mentioned.c agent/service/mentioned.h \
	agent/service/manifests.c agent/service/manifests_begin.c \
	agent/service/manifest_file.c agent/service/manifest_file.h \
	agent/service/manifest_notes.c agent/service/manifest_notes.h \
	agent/service/glance.c agent/service/glance.h \
	agent/service/gone.c agent/service/gone.h \
	agent/service/holds.c agent/service/holds.h \
	agent/service/retention.c agent/service/retention.h \
	agent/service/index.c agent/service/index.h agent/service/index_empty.c \
	agent/service/index_cache.c agent/service/index_cache.h \
	agent/service/marker.c agent/service/marker.h \
	agent/service/metrics.c agent/service/metrics.h agent/service/metrics_take.c \
	agent/service/merge.c agent/service/merge.h \
	agent/service/noting.c agent/service/noting.h \
	agent/service/ordered.c agent/service/ordered.h \
	agent/service/probe.c agent/service/probe.h \
	agent/service/walk.c agent/service/walk.h \
	agent/service/check.c agent/service/check.h \
	agent/service/check_manifests.c agent/service/check_manifests.h \
	agent/service/repair.c agent/service/repair.h \
	agent/service/intake.c \
	agent/service/life.c \
	agent/service/limits.c \
	agent/service/listed.c agent/service/listed.h \
	agent/service/loop.c \
	agent/service/offline.c agent/service/offline_held.c \
	agent/service/orders.c agent/service/orders.h \
	agent/service/policies.c agent/service/policies.h \
	agent/service/permissions.c agent/service/permissions.h \
	agent/service/publish.c agent/service/publish.h \
	agent/service/pulse.c agent/service/pulse.h \
	agent/service/recover.c \
	agent/service/recover_open.c agent/service/recover_open.h \
	agent/service/recover_rows.c agent/service/recover_rows.h \
	agent/service/relist.c \
	agent/service/reload.c agent/service/reload.h \
	agent/service/removals.c \
	agent/service/rename.c \
	agent/service/rename_dirs.c \
	agent/service/rename_source.c agent/service/rename_source.h \
	agent/service/rename_told.c \
	agent/service/replay.c agent/service/replay.h \
	agent/service/report.c \
	agent/service/room.c agent/service/room.h \
	agent/service/aside.c agent/service/aside.h \
	agent/service/owner.c agent/service/owner.h \
	agent/service/scribe.c agent/service/scribe.h \
	agent/service/seek.c agent/service/seek.h \
	agent/service/service.h \
	agent/service/sight.c \
	agent/service/spill.c agent/service/spill.h \
	agent/service/stale.c agent/service/stale.h \
	agent/service/stored.c agent/service/stored.h \
	agent/service/orphans.c \
	agent/service/doubts.c \
	agent/service/sweep.c \
	agent/service/takeover.c agent/service/takeover.h \
	agent/service/tally.c agent/service/tally.h \
	agent/service/trash.c \
	agent/service/trash_expire.c \
	agent/service/trash_notes.c agent/service/trash_notes.h \
	agent/service/troubles.c \
	agent/service/undo.c agent/service/undo.h \
	agent/service/uploads.c agent/service/uploads.h \
	agent/service/vitals.c agent/service/vitals.h \
	agent/service/wait.c agent/service/wait.h \
	agent/service/work.c agent/service/work.h

bin_PROGRAMS += lockstep
lockstep_SOURCES = \
	agent/main.c \
	agent/commands/adopt.c \
	agent/commands/agent.c agent/commands/commands.h \
	agent/commands/channels.c \
	agent/commands/channels_wait.c agent/commands/channels_wait.h \
	agent/commands/common.c \
	agent/commands/config.c \
	agent/commands/journal.c \
	agent/commands/journal_export.c agent/commands/journal_export.h \
	agent/commands/journal_export_csv.c \
	agent/commands/journal_export_lines.c \
	agent/commands/journal_export_sqlite.c \
	agent/commands/journal_fetch.c agent/commands/journal_fetch.h \
	agent/commands/journal_key.c agent/commands/journal_key.h \
	agent/commands/journal_named.c agent/commands/journal_named.h \
	agent/commands/journal_older.c agent/commands/journal_older.h \
	agent/commands/journal_output.c agent/commands/journal_output.h \
	agent/commands/journal_past.c agent/commands/journal_past.h \
	agent/commands/journal_proof.c agent/commands/journal_proof.h \
	agent/commands/journal_index.c agent/commands/journal_index.h \
	agent/commands/journal_report.c agent/commands/journal_report.h \
	agent/commands/journal_report_page.c \
	agent/commands/journal_show.c agent/commands/journal_show.h \
	agent/commands/journal_sources.c agent/commands/journal_sources.h \
	agent/commands/journal_stat.c agent/commands/journal_stat.h \
	agent/commands/journal_undo.c agent/commands/journal_undo.h \
	agent/commands/journal_verify.c agent/commands/journal_verify.h \
	agent/commands/held.c agent/commands/held.h \
	agent/commands/init.c agent/commands/init_ask.c agent/commands/init_ask.h \
	agent/commands/lst.c agent/commands/lst.h agent/commands/lst_check.c \
	agent/commands/lst_common.c agent/commands/lst_diff.c agent/commands/lst_merge.c \
	agent/commands/lst_edit.c agent/commands/lst_labels.c \
	agent/commands/lst_lock.c agent/commands/lst_lock.h \
	agent/commands/lst_make.c agent/commands/lst_pick.c \
	agent/commands/lst_show.c agent/commands/lst_stat.c agent/commands/lst_undo.c \
	agent/commands/options.c agent/commands/options.h agent/commands/order.c \
	agent/commands/manifest.c \
	agent/commands/pack.c \
	agent/commands/pause.c \
	agent/commands/place.c agent/commands/place.h \
	agent/commands/plan.c \
	agent/commands/release.c \
	agent/commands/reload.c \
	agent/commands/rescan.c \
	agent/commands/screen.c agent/commands/screen.h \
	agent/commands/status.c \
	agent/commands/verify.c \
	agent/commands/verify_journal.c agent/commands/verify_journal.h \
	agent/commands/wait.c agent/commands/wait.h
lockstep_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h $(SQLITE_CFLAGS)
lockstep_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
lockstep_LDADD = agent/libservice.a agent/libcore.a conf/libconf.a journal/libjournal.a \
	lists/liblists.a watchers/libwatchers.a uploaders/libuploaders.a base/libbase.a \
	$(WATCHERS_LIBS) $(CURL_LIBS) $(EXPAT_LIBS) $(LIBCONFIG_LIBS) $(LMDB_LIBS) $(SYSTEMD_LIBS) \
	$(SQLITE_LIBS) $(MICROHTTPD_LIBS) $(CRYPTO_LIBS) $(ZSTD_LIBS)

agent_tests = \
	tests/unit/test_agent_account \
	tests/unit/test_agent_amount \
	tests/unit/test_agent_differ \
	tests/unit/test_agent_guard \
	tests/unit/test_agent_metrics \
	tests/unit/test_agent_order \
	tests/unit/test_agent_trouble \
	tests/unit/test_agent_page \
	tests/unit/test_agent_progress \
	tests/unit/test_agent_recent \
	tests/unit/test_agent_tint \
	tests/unit/test_agent_pending \
	tests/unit/test_adrift \
	tests/unit/test_deletions \
	tests/unit/test_explain \
	tests/unit/test_follow \
	tests/unit/test_intake \
	tests/unit/test_listed \
	tests/unit/test_publish \
	tests/unit/test_recover_rows \
	tests/unit/test_returned \
	tests/unit/test_seek \
	tests/unit/test_agent_plan \
	tests/unit/test_agent_policy \
	tests/unit/test_agent_proof \
	tests/unit/test_agent_proposal \
	tests/unit/test_agent_request \
	tests/unit/test_agent_rows \
	tests/unit/test_agent_rows_names \
	tests/unit/test_agent_ways \
	tests/unit/test_agent_trash \
	tests/unit/test_agent_wait \
	tests/unit/test_desk \
	tests/unit/test_finder \
	tests/unit/test_index \
	tests/unit/test_index_walk \
	tests/unit/test_replay \
	tests/unit/test_spill \
	tests/unit/test_departed \
	tests/unit/test_mentioned \
	tests/unit/test_manifest_notes \
	tests/unit/test_undo \
	tests/unit/test_uploads \
	tests/unit/test_vitals \
	tests/unit/test_walk
check_PROGRAMS += $(agent_tests)
TESTS += $(agent_tests)
agent_tests_LIBS = agent/libcore.a base/libbase.a $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_agent_account_SOURCES = tests/unit/test_agent_account.c tests/unit/unit.h
tests_unit_test_agent_account_LDADD = $(agent_tests_LIBS)
tests_unit_test_replay_SOURCES = tests/unit/test_replay.c $(journal_tests_DIR)
tests_unit_test_replay_LDADD = agent/libservice.a journal/libjournal.a $(agent_tests_LIBS) $(ZSTD_LIBS)
tests_unit_test_spill_SOURCES = tests/unit/test_spill.c tests/unit/scratch.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_spill_LDADD = agent/libservice.a $(agent_tests_LIBS)
tests_unit_test_agent_amount_SOURCES = tests/unit/test_agent_amount.c tests/unit/unit.h
tests_unit_test_agent_amount_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_differ_SOURCES = tests/unit/test_agent_differ.c tests/unit/unit.h
tests_unit_test_agent_differ_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_policy_SOURCES = tests/unit/test_agent_policy.c tests/unit/unit.h
tests_unit_test_agent_policy_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_proof_SOURCES = tests/unit/test_agent_proof.c tests/unit/unit.h
tests_unit_test_agent_proof_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_proposal_SOURCES = tests/unit/test_agent_proposal.c tests/unit/unit.h
tests_unit_test_agent_proposal_LDADD = agent/libcore.a conf/libconf.a base/libbase.a \
	$(LIBCONFIG_LIBS) $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_vitals_SOURCES = tests/unit/test_vitals.c tests/unit/scratch.c \
	tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_vitals_LDADD = agent/libservice.a base/libbase.a $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_walk_SOURCES = tests/unit/test_walk.c $(index_bed)
tests_unit_test_walk_LDADD = agent/libservice.a watchers/libwatchers.a $(agent_tests_LIBS) $(LMDB_LIBS)
tests_unit_test_agent_guard_SOURCES = tests/unit/test_agent_guard.c tests/unit/unit.h
tests_unit_test_agent_guard_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_trouble_SOURCES = tests/unit/test_agent_trouble.c tests/unit/unit.h
tests_unit_test_agent_trouble_LDADD = uploaders/libuploaders.a $(agent_tests_LIBS)
tests_unit_test_agent_metrics_SOURCES = tests/unit/test_agent_metrics.c tests/unit/unit.h
tests_unit_test_agent_metrics_LDADD = agent/libcore.a uploaders/libuploaders.a base/libbase.a \
	$(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_agent_order_SOURCES = tests/unit/test_agent_order.c tests/unit/unit.h
tests_unit_test_agent_order_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_pending_SOURCES = tests/unit/test_agent_pending.c tests/unit/unit.h
tests_unit_test_agent_pending_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_plan_SOURCES = tests/unit/test_agent_plan.c tests/unit/unit.h
tests_unit_test_agent_plan_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_request_SOURCES = tests/unit/test_agent_request.c tests/unit/unit.h
tests_unit_test_agent_request_LDADD = $(agent_tests_LIBS)
rows_bed = tests/unit/rows_bed.h tests/unit/unit.h
tests_unit_test_agent_rows_SOURCES = tests/unit/test_agent_rows.c $(rows_bed)
tests_unit_test_agent_rows_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_rows_names_SOURCES = tests/unit/test_agent_rows_names.c $(rows_bed)
tests_unit_test_agent_rows_names_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_ways_SOURCES = tests/unit/test_agent_ways.c tests/unit/unit.h
tests_unit_test_agent_ways_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_trash_SOURCES = tests/unit/test_agent_trash.c tests/unit/unit.h
tests_unit_test_agent_trash_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_page_SOURCES = tests/unit/test_agent_page.c tests/unit/unit.h
tests_unit_test_agent_page_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_progress_SOURCES = tests/unit/test_agent_progress.c tests/unit/unit.h
tests_unit_test_agent_progress_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_recent_SOURCES = tests/unit/test_agent_recent.c tests/unit/unit.h
tests_unit_test_agent_recent_LDADD = agent/libcore.a journal/libjournal.a base/libbase.a \
	$(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_agent_tint_SOURCES = tests/unit/test_agent_tint.c tests/unit/unit.h
tests_unit_test_agent_tint_LDADD = $(agent_tests_LIBS)
tests_unit_test_agent_wait_SOURCES = tests/unit/test_agent_wait.c tests/unit/unit.h
tests_unit_test_agent_wait_LDADD = $(agent_tests_LIBS)
tests_unit_test_deletions_SOURCES = tests/unit/test_deletions.c tests/unit/unit.h
tests_unit_test_deletions_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_deletions_LDFLAGS = $(lockstep_LDFLAGS) -Wl,--wrap=agent_sync -Wl,--wrap=strdup
tests_unit_test_deletions_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_intake_SOURCES = tests/unit/test_intake.c tests/unit/unit.h
tests_unit_test_intake_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_intake_LDFLAGS = $(lockstep_LDFLAGS)
tests_unit_test_intake_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_adrift_SOURCES = tests/unit/test_adrift.c $(index_bed)
tests_unit_test_adrift_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_adrift_LDFLAGS = $(lockstep_LDFLAGS)
tests_unit_test_adrift_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_recover_rows_SOURCES = tests/unit/test_recover_rows.c $(index_bed)
tests_unit_test_recover_rows_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_recover_rows_LDFLAGS = $(lockstep_LDFLAGS)
tests_unit_test_recover_rows_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_follow_SOURCES = tests/unit/test_follow.c $(index_bed)
tests_unit_test_follow_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_follow_LDFLAGS = $(lockstep_LDFLAGS)
tests_unit_test_follow_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
places_bed = tests/unit/places_bed.h $(index_bed)
tests_unit_test_explain_SOURCES = tests/unit/test_explain.c $(places_bed)
tests_unit_test_explain_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_explain_LDFLAGS = $(lockstep_LDFLAGS)
tests_unit_test_explain_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_listed_SOURCES = tests/unit/test_listed.c $(places_bed)
tests_unit_test_listed_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_listed_LDFLAGS = $(lockstep_LDFLAGS) -Wl,--wrap=watchers_observe,--wrap=watchers_stats
tests_unit_test_listed_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_publish_SOURCES = tests/unit/test_publish.c $(places_bed)
tests_unit_test_publish_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_publish_LDFLAGS = $(lockstep_LDFLAGS) -Wl,--wrap=agent_commit
tests_unit_test_publish_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_returned_SOURCES = tests/unit/test_returned.c $(places_bed)
tests_unit_test_returned_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_returned_LDFLAGS = $(lockstep_LDFLAGS)
tests_unit_test_returned_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
tests_unit_test_seek_SOURCES = tests/unit/test_seek.c $(places_bed)
tests_unit_test_seek_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_seek_LDFLAGS = $(lockstep_LDFLAGS) -Wl,--wrap=watchers_observe
tests_unit_test_seek_LDADD = $(lockstep_LDADD) $(CMOCKA_LIBS)
index_bed = tests/unit/index_bed.h tests/unit/scratch.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_desk_SOURCES = tests/unit/test_desk.c tests/unit/unit.h
tests_unit_test_desk_LDADD = agent/libservice.a agent/libcore.a uploaders/libuploaders.a base/libbase.a \
	$(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_finder_SOURCES = tests/unit/test_finder.c $(journal_tests_DIR)
tests_unit_test_finder_LDADD = agent/libservice.a $(agent_tests_LIBS) $(journal_tests_LIBS) -lpthread
tests_unit_test_index_SOURCES = tests/unit/test_index.c $(index_bed)
tests_unit_test_index_LDADD = agent/libservice.a $(agent_tests_LIBS) $(LMDB_LIBS)
tests_unit_test_undo_SOURCES = tests/unit/test_undo.c tests/unit/scratch.c tests/unit/scratch.h \
	tests/unit/unit.h
tests_unit_test_undo_LDADD = agent/libservice.a $(agent_tests_LIBS)
tests_unit_test_uploads_SOURCES = tests/unit/test_uploads.c $(index_bed)
tests_unit_test_uploads_LDADD = agent/libservice.a $(agent_tests_LIBS) $(LMDB_LIBS)
tests_unit_test_departed_SOURCES = tests/unit/test_departed.c $(index_bed)
tests_unit_test_departed_LDADD = agent/libservice.a lists/liblists.a $(agent_tests_LIBS) $(LMDB_LIBS)
tests_unit_test_mentioned_SOURCES = tests/unit/test_mentioned.c $(index_bed)
tests_unit_test_mentioned_LDADD = agent/libservice.a lists/liblists.a $(agent_tests_LIBS) $(LMDB_LIBS)
tests_unit_test_manifest_notes_SOURCES = tests/unit/test_manifest_notes.c $(index_bed)
tests_unit_test_manifest_notes_LDADD = agent/libservice.a lists/liblists.a $(agent_tests_LIBS) $(LMDB_LIBS)
tests_unit_test_index_walk_SOURCES = tests/unit/test_index_walk.c $(index_bed)
tests_unit_test_index_walk_LDADD = agent/libservice.a $(agent_tests_LIBS) $(LMDB_LIBS)

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_request
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c
tests_fuzz_fuzz_request_LDADD = agent/libcore.a base/libbase.a
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += \
	agent/DESIGN.md \
	tests/fuzz/corpus/request/odd \
	tests/fuzz/corpus/request/release \
	tests/fuzz/corpus/request/rescan \
	tests/fuzz/corpus/request/status \
	tests/fuzz/corpus/request/wait
