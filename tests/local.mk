noinst_PROGRAMS += tests/s3d/s3d
tests_s3d_s3d_SOURCES = \
	tests/s3d/access_log.h tests/s3d/access_log.c \
	tests/s3d/auth.h tests/s3d/auth.c \
	tests/s3d/body.h tests/s3d/body.c \
	tests/s3d/chunks.h tests/s3d/chunks.c \
	tests/s3d/code.h tests/s3d/code.c \
	tests/s3d/control.h tests/s3d/control.c \
	tests/s3d/disk.h tests/s3d/disk.c \
	tests/s3d/exchange.h tests/s3d/exchange.c \
	tests/s3d/fault.h tests/s3d/fault.c \
	tests/s3d/hashes.h tests/s3d/hashes.c \
	tests/s3d/index.h tests/s3d/index.c \
	tests/s3d/keyring.h tests/s3d/keyring.c \
	tests/s3d/listing.h tests/s3d/listing.c \
	tests/s3d/lock.h tests/s3d/lock.c \
	tests/s3d/main.c \
	tests/s3d/object.h tests/s3d/object.c \
	tests/s3d/ops.h tests/s3d/ops.c \
	tests/s3d/ops_bucket.c \
	tests/s3d/carried.c tests/s3d/carried.h \
	tests/s3d/ops_copy.c \
	tests/s3d/ops_multipart.c \
	tests/s3d/ops_object.c \
	tests/s3d/ops_uploads.c \
	tests/s3d/reply.h tests/s3d/reply.c \
	tests/s3d/request.h tests/s3d/request.c \
	tests/s3d/server.h tests/s3d/server.c \
	tests/s3d/store.h tests/s3d/store.c \
	tests/s3d/text.h tests/s3d/text.c \
	tests/s3d/timers.h tests/s3d/timers.c \
	tests/s3d/uploads.h tests/s3d/uploads.c \
	tests/s3d/xml.h tests/s3d/xml.c
tests_s3d_s3d_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS) $(CRYPTO_CFLAGS) $(EXPAT_CFLAGS)
tests_s3d_s3d_LDADD = base/libbase.a $(MICROHTTPD_LIBS) $(CRYPTO_LIBS) $(EXPAT_LIBS) -lpthread

noinst_PROGRAMS += tests/system/journal_make tests/system/storm
tests_system_journal_make_SOURCES = tests/system/journal_make.c
tests_system_journal_make_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
noinst_PROGRAMS += tests/faults/journal_write tests/faults/journal_write_careless
tests_faults_journal_write_SOURCES = tests/faults/journal_write.c
tests_faults_journal_write_LDADD = journal/libjournal.a base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)
tests_faults_journal_write_careless_SOURCES = tests/faults/journal_write.c tests/faults/no_fsync.c
tests_faults_journal_write_careless_LDADD = $(tests_faults_journal_write_LDADD)
# Preloaded, not linked: no programs of automake's. A sanitizer has an allocator of its own.
fault_shims = tests/faults/alloc_fail.so tests/faults/clock_shift.so tests/faults/close_fail.so
if !SANITIZED
noinst_DATA = $(fault_shims)
endif
CLEANFILES += $(fault_shims)
EXTRA_DIST += tests/faults/alloc_fail.c tests/faults/leaks_of_libraries.supp tests/faults/clock_shift.c tests/faults/close_fail.c
tests/faults/alloc_fail.so: tests/faults/alloc_fail.c
tests/faults/clock_shift.so: tests/faults/clock_shift.c
tests/faults/close_fail.so: tests/faults/close_fail.c
$(fault_shims): tests/faults/$(am__dirstamp)
	$(AM_V_CCLD)$(CC) -std=gnu17 -O2 -g $(CPPFLAGS) -shared -fPIC -o $@ \
		$(top_srcdir)/$(@:.so=.c)
# The whole agent in a simulated world, and four that are wrong on purpose: its parts are compiled once.
check_LIBRARIES = tests/simulation/libsimulation.a
tests_simulation_libsimulation_a_SOURCES = \
	tests/simulation/bucket.c \
	tests/simulation/files.c \
	tests/simulation/files.h \
	tests/simulation/hints.c \
	tests/simulation/letters.c \
	tests/simulation/list.c \
	tests/simulation/rules.c \
	tests/simulation/sim.h \
	tests/simulation/simulate.c \
	tests/simulation/trace.c \
	tests/simulation/tree.c \
	tests/simulation/tree.h \
	tests/simulation/turns.c
tests_simulation_libsimulation_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
simulation_link = $(AM_LDFLAGS) $(WATCHERS_LINK) \
	-Wl,--wrap=clock_mono_ms,--wrap=clock_mono_us,--wrap=clock_real_us \
	-Wl,--wrap=control_free,--wrap=control_new \
	-Wl,--wrap=journal_append,--wrap=journal_open,--wrap=journal_segment_reserve \
	-Wl,--wrap=journal_sync_apart,--wrap=journal_sync_begin,--wrap=journal_sync_end \
	-Wl,--wrap=rows_any,--wrap=rows_changes \
	-Wl,--wrap=nap_ms,--wrap=work_answer,--wrap=work_next,--wrap=work_submit
# The first, so that its parts stand in the place of the rooms'.
simulation_LIBS = tests/simulation/libsimulation.a \
	agent/libservice.a agent/libcore.a conf/libconf.a journal/libjournal.a \
	lists/liblists.a watchers/libwatchers.a uploaders/libuploaders.a base/libbase.a \
	$(WATCHERS_LIBS) $(CURL_LIBS) $(EXPAT_LIBS) $(LIBCONFIG_LIBS) $(LMDB_LIBS) $(SYSTEMD_LIBS) \
	$(MICROHTTPD_LIBS) $(CRYPTO_LIBS) $(ZSTD_LIBS)
simulation_wrong = \
	tests/simulation/simulate_no_guard \
	tests/simulation/simulate_no_identity \
	tests/simulation/simulate_no_intent \
	tests/simulation/simulate_no_order
check_PROGRAMS += tests/simulation/simulate $(simulation_wrong)
TESTS += tests/simulation/simulate tests/simulation/again.py tests/simulation/caught.py
tests/simulation/again.log: tests/simulation/simulate
tests/simulation/caught.log: $(simulation_wrong)
EXTRA_DIST += tests/simulation/again.py tests/simulation/caught.py tests/simulation/DESIGN.md
tests_simulation_simulate_SOURCES =
tests_simulation_simulate_LDFLAGS = $(simulation_link)
tests_simulation_simulate_LDADD = $(simulation_LIBS)
tests_simulation_simulate_no_guard_SOURCES = tests/simulation/breaks.c
tests_simulation_simulate_no_guard_LDFLAGS = $(simulation_link) -Wl,--wrap=guard_ask
tests_simulation_simulate_no_guard_LDADD = $(simulation_LIBS)
tests_simulation_simulate_no_identity_SOURCES = tests/simulation/breaks.c
tests_simulation_simulate_no_identity_LDFLAGS = $(simulation_link) -Wl,--wrap=plan_is_other
tests_simulation_simulate_no_identity_LDADD = $(simulation_LIBS)
tests_simulation_simulate_no_intent_SOURCES = tests/simulation/breaks.c
tests_simulation_simulate_no_intent_LDFLAGS = $(simulation_link) -Wl,--wrap=journal_durable_seq
tests_simulation_simulate_no_intent_LDADD = $(simulation_LIBS)
tests_simulation_simulate_no_order_SOURCES = tests/simulation/breaks.c
tests_simulation_simulate_no_order_LDFLAGS = $(simulation_link) -Wl,--wrap=order_blocks
tests_simulation_simulate_no_order_LDADD = $(simulation_LIBS)

tests_system_storm_SOURCES = \
	tests/system/storm.h tests/system/storm.c \
	tests/system/storm_deeds.c

EXTRA_DIST += \
	tests/arm/cmocka.h \
	tests/arm/run.sh \
	tests/s3d/DESIGN.md \
	tests/s3d/test_s3d_carried.py \
	tests/s3d/test_s3d_clients.py \
	tests/s3d/test_s3d_faults.py \
	tests/s3d/test_s3d_multipart.py \
	tests/s3d/test_s3d_operations.py \
	tests/s3d/test_s3d_signing.py \
	tests/faults/DESIGN.md \
	tests/faults/README.md \
	tests/faults/images.py \
	tests/faults/oracle.py \
	tests/faults/test_calls.py \
	tests/faults/test_journal_io.py \
	tests/faults/test_journal_room.py \
	tests/faults/test_memory.py \
	tests/faults/test_mutations.py \
	tests/faults/test_power.py \
	tests/faults/rows.py \
	tests/faults/shims.py \
	tests/faults/make_state.py \
	tests/faults/states/README.md \
	tests/faults/states/format-1.tar.xz \
	tests/faults/states/format-2.tar.xz \
	tests/faults/mutants.py \
	tests/faults/mutants \
	tests/faults/bugs \
	tests/faults/test_mutants.py \
	tests/faults/test_clock.py \
	tests/faults/test_closes.py \
	tests/faults/test_endurance.py \
	tests/faults/test_versions.py \
	tests/faults/test_kills.py \
	tests/faults/test_model.py \
	tests/faults/test_lists_room.py \
	tests/faults/test_rows.py \
	tests/faults/test_unseen.py \
	tests/faults/test_power_agent.py \
	tests/system/DESIGN.md \
	tests/system/harness/__init__.py \
	tests/system/harness/agent.py \
	tests/system/harness/bare.py \
	tests/system/harness/arrivals.py \
	tests/system/harness/aws_endpoints.py \
	tests/system/harness/bindfs.py \
	tests/system/harness/ceph.py \
	tests/system/harness/client.py \
	tests/system/harness/context.py \
	tests/system/harness/fashion.py \
	tests/system/harness/guest.py \
	tests/system/harness/host.py \
	tests/system/harness/hostile.py \
	tests/system/harness/list_readers.py \
	tests/system/harness/guest_host.py \
	tests/system/harness/guest_systemd.py \
	tests/system/harness/listener.py \
	tests/system/harness/made_journal.py \
	tests/system/harness/mounts.py \
	tests/system/harness/observer.py \
	tests/system/harness/process.py tests/system/harness/prom.py tests/system/harness/schema.py \
	tests/system/harness/proxy.py \
	tests/system/harness/recordio.py \
	tests/system/harness/relay.py \
	tests/system/harness/replayed_bucket.py \
	tests/system/harness/rivals.py \
	tests/system/harness/s3d.py \
	tests/system/harness/samples.py \
	tests/system/harness/seeds.py \
	tests/system/harness/signed.py \
	tests/system/harness/storms.py \
	tests/system/harness/strays.py \
	tests/system/harness/swift.py \
	tests/system/harness/swift_process.py \
	tests/system/harness/tls.py \
	tests/system/harness/tree.py \
	tests/system/harness/uml.py \
	tests/system/harness/waiting.py \
	tests/system/harness/workload.py \
	tests/system/churn.py \
	tests/system/journal_verifier.py \
	tests/system/remote.py \
	tests/system/run.py \
	tests/system/soak.py \
	tests/system/soak_plot.py \
	tests/system/test_adopt.py \
	tests/system/test_against.py \
	tests/system/test_alerts.py \
	tests/system/test_anchors.py \
	tests/system/test_attributes.py \
	tests/system/test_book.py \
	tests/system/test_channels.py \
	tests/system/test_chaos.py \
	tests/system/test_completion.py \
	tests/system/test_compress.py \
	tests/system/test_conditions.py \
	tests/system/test_control.py \
	tests/system/test_crash.py \
	tests/system/test_credentials.py \
	tests/system/test_deletes.py \
	tests/system/test_endpoints.py \
	tests/system/test_events.py \
	tests/system/test_evidence.py \
	tests/system/test_export.py \
	tests/system/test_fashion.py \
	tests/system/test_faults.py \
	tests/system/test_flow.py \
	tests/system/test_glance.py \
	tests/system/test_guard.py \
	tests/system/test_harness.py \
	tests/system/test_holds.py \
	tests/system/test_hostile.py \
	tests/system/test_hosts.py \
	tests/system/test_hurry.py \
	tests/system/test_identity.py \
	tests/system/test_idle.py \
	tests/system/test_init.py \
	tests/system/test_invariants.py \
	tests/system/test_journal.py \
	tests/system/test_journal_index.py \
	tests/system/test_journal_large.py \
	tests/system/test_kept_manifests.py \
	tests/system/test_large_rename.py \
	tests/system/test_links.py \
	tests/system/test_listing.py \
	tests/system/test_lists.py \
	tests/system/test_live.py \
	tests/system/test_losses.py \
	tests/system/test_lst_check.py \
	tests/system/test_lst_diff.py \
	tests/system/test_lst_edit.py \
	tests/system/test_lst_labels.py \
	tests/system/test_lst_make.py \
	tests/system/test_lst_undo.py \
	tests/system/test_manifest.py \
	tests/system/test_many_lists.py \
	tests/system/test_metrics.py \
	tests/system/test_mounts.py \
	tests/system/test_names.py \
	tests/system/test_once.py \
	tests/system/test_order.py \
	tests/system/test_others.py \
	tests/system/test_outages.py \
	tests/system/test_pack.py \
	tests/system/test_package.py \
	tests/system/test_peers.py \
	tests/system/test_plan.py \
	tests/system/test_policies.py \
	tests/system/test_release.py \
	tests/system/test_reload.py \
	tests/system/test_remote.py \
	tests/system/test_report.py \
	tests/system/test_retention.py \
	tests/system/test_rivals.py \
	tests/system/test_runner.py \
	tests/system/test_service.py \
	tests/system/test_slow.py \
	tests/system/test_soak.py \
	tests/system/test_storms.py \
	tests/system/test_symlinks.py \
	tests/system/test_tls.py \
	tests/system/test_tools.py \
	tests/system/test_troubles.py \
	tests/system/test_uploads.py \
	tests/system/test_verify.py \
	tests/system/test_ways.py \
	tests/system/test_writers.py \
	tests/system/trend.py \
	tests/system/writers.py
