# What a program needs to link watchers/libwatchers.a: the wraps that make libinotifytools sound
# (watchers/notify.c) and the library's static archive, which is plain C.
#   program_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
#   program_LDADD = watchers/libwatchers.a base/libbase.a $(WATCHERS_LIBS) ...
WATCHERS_LINK = -Wl,--wrap=inotify_init,--wrap=ioctl -pthread
WATCHERS_LIBS = $(INOTIFYTOOLS_LIBS)

noinst_LIBRARIES += watchers/libwatchers.a
watchers_libwatchers_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h
watchers_libwatchers_a_SOURCES = \
	watchers/cookies.c watchers/cookies.h \
	watchers/fan.c watchers/fan.h \
	watchers/fan_event.c watchers/fan_event.h \
	watchers/filter.c watchers/filter.h \
	watchers/handles.c watchers/handles.h \
	watchers/hints.c watchers/hints.h \
	watchers/identity.c watchers/identity.h \
	watchers/marks.c watchers/marks.h \
	watchers/model.c watchers/model.h \
	watchers/notify.c watchers/notify.h \
	watchers/outbox.c watchers/outbox.h \
	watchers/observe.c watchers/observe.h \
	watchers/place.c watchers/place.h \
	watchers/pool.c watchers/pool.h \
	watchers/reader.c watchers/reader.h \
	watchers/roots.c watchers/roots.h \
	watchers/rounds.c watchers/rounds.h \
	watchers/stall.c watchers/stall.h \
	watchers/tracker.c watchers/tracker.h watchers/tracker_state.h \
	watchers/tracker_budget.c watchers/tracker_event.c watchers/tracker_look.c watchers/tracker_mend.c \
	watchers/tracker_scan.c \
	watchers/watchers.c watchers/watchers.h
EXTRA_DIST += watchers/DESIGN.md

watchers_tests = \
	tests/unit/test_watch_budget \
	tests/unit/test_watch_fan \
	tests/unit/test_watch_filter \
	tests/unit/test_watch_limits \
	tests/unit/test_watch_live \
	tests/unit/test_watch_mend \
	tests/unit/test_watch_mark \
	tests/unit/test_watch_marks \
	tests/unit/test_watch_model \
	tests/unit/test_watch_identity \
	tests/unit/test_watch_outbox \
	tests/unit/test_watch_place \
	tests/unit/test_watch_pool \
	tests/unit/test_watch_roots \
	tests/unit/test_watch_storm \
	tests/unit/test_watch_tracker
check_PROGRAMS += $(watchers_tests)
TESTS += $(watchers_tests)
watchers_tests_LIBS = watchers/libwatchers.a base/libbase.a $(WATCHERS_LIBS) $(CMOCKA_LIBS) $(CRYPTO_LIBS)
watchers_tests_bed = tests/unit/unit.h tests/unit/scratch.c tests/unit/scratch.h \
	tests/unit/watch_oracle.c tests/unit/watch_oracle.h

tests_unit_test_watch_storm_SOURCES = tests/unit/test_watch_storm.c $(watchers_tests_bed)
tests_unit_test_watch_storm_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_storm_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_limits_SOURCES = tests/unit/test_watch_limits.c $(watchers_tests_bed)
tests_unit_test_watch_limits_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_limits_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_roots_SOURCES = tests/unit/test_watch_roots.c tests/unit/watch_bed.h \
	$(watchers_tests_bed)
tests_unit_test_watch_roots_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_roots_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_live_SOURCES = tests/unit/test_watch_live.c tests/unit/watch_bed.h \
	$(watchers_tests_bed)
tests_unit_test_watch_live_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_live_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_place_SOURCES = tests/unit/test_watch_place.c tests/unit/unit.h \
	tests/unit/scratch.c tests/unit/scratch.h
tests_unit_test_watch_place_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_place_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_pool_SOURCES = tests/unit/test_watch_pool.c tests/unit/unit.h
tests_unit_test_watch_pool_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_pool_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_budget_SOURCES = tests/unit/test_watch_budget.c tests/unit/tracker_bed.h tests/unit/unit.h
tests_unit_test_watch_budget_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_budget_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_mend_SOURCES = tests/unit/test_watch_mend.c tests/unit/tracker_bed.h tests/unit/unit.h
tests_unit_test_watch_mend_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_mend_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_tracker_SOURCES = tests/unit/test_watch_tracker.c tests/unit/tracker_bed.h tests/unit/unit.h
tests_unit_test_watch_tracker_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK) -Wl,--wrap=malloc
tests_unit_test_watch_tracker_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_mark_SOURCES = tests/unit/test_watch_mark.c tests/unit/watch_bed.h \
	$(watchers_tests_bed)
tests_unit_test_watch_mark_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK) -Wl,--wrap=notify_place
tests_unit_test_watch_mark_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_marks_SOURCES = tests/unit/test_watch_marks.c tests/unit/unit.h
tests_unit_test_watch_marks_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_marks_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_fan_SOURCES = tests/unit/test_watch_fan.c tests/unit/unit.h
tests_unit_test_watch_fan_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_fan_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_filter_SOURCES = tests/unit/test_watch_filter.c tests/unit/unit.h
tests_unit_test_watch_filter_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_filter_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_model_SOURCES = tests/unit/test_watch_model.c tests/unit/unit.h
tests_unit_test_watch_model_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_model_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_identity_SOURCES = tests/unit/test_watch_identity.c tests/unit/unit.h
tests_unit_test_watch_identity_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK) -Wl,--wrap=fopen
tests_unit_test_watch_identity_LDADD = $(watchers_tests_LIBS)
tests_unit_test_watch_outbox_SOURCES = tests/unit/test_watch_outbox.c tests/unit/unit.h
tests_unit_test_watch_outbox_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_unit_test_watch_outbox_LDADD = $(watchers_tests_LIBS)

noinst_PROGRAMS += tests/bench/bench_watch
tests_bench_bench_watch_SOURCES = tests/bench/bench_watch.c tests/bench/walk.c tests/bench/walk.h
tests_bench_bench_watch_LDFLAGS = $(AM_LDFLAGS) $(WATCHERS_LINK)
tests_bench_bench_watch_LDADD = watchers/libwatchers.a base/libbase.a $(WATCHERS_LIBS) $(CRYPTO_LIBS)
