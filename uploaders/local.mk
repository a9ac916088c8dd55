noinst_LIBRARIES += uploaders/libuploaders.a
uploaders_libuploaders_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h
uploaders_libuploaders_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(EXPAT_CFLAGS)
uploaders_libuploaders_a_SOURCES = \
	uploaders/caller.h uploaders/caller.c uploaders/call_build.c \
	uploaders/chunked.h uploaders/chunked.c \
	uploaders/streams.h uploaders/streams.c \
	uploaders/abort.c \
	uploaders/addresses.h uploaders/addresses.c \
	uploaders/attributes.h uploaders/attributes.c \
	uploaders/counts.h uploaders/counts.c \
	uploaders/copy.h uploaders/copy.c uploaders/copy_headers.c uploaders/copy_parts.c \
	uploaders/ahead.h uploaders/ahead.c \
	uploaders/bodies.h uploaders/bodies.c \
	uploaders/earlier.h uploaders/earlier.c \
	uploaders/engine.h uploaders/engine.c \
	uploaders/head.h uploaders/head.c \
	uploaders/flow.h uploaders/flow.c \
	uploaders/lanes.h uploaders/lanes.c \
	uploaders/list.c \
	uploaders/listing.c \
	uploaders/listing_page.h uploaders/listing_page.c \
	uploaders/multipart.c \
	uploaders/parts.h uploaders/parts.c \
	uploaders/put.c \
	uploaders/requests.c \
	uploaders/readers.h uploaders/readers.c \
	uploaders/remove.c \
	uploaders/simple.c \
	uploaders/site.h uploaders/site.c \
	uploaders/connections.h uploaders/connections.c \
	uploaders/http.h uploaders/http_request.c uploaders/http_answer.c \
	uploaders/proxies.h uploaders/proxies.c \
	uploaders/source.h uploaders/source.c \
	uploaders/task.h uploaders/task.c \
	uploaders/transfer.c \
	uploaders/upload.h uploaders/upload.c \
	uploaders/wire.h uploaders/wire.c uploaders/wire_head.c uploaders/wire_proxy.c uploaders/wire_list.h \
	uploaders/worker.h uploaders/worker.c \
	uploaders/uploaders.h \
	uploaders/answer.h uploaders/answer.c \
	uploaders/answers.h uploaders/answers.c uploaders/answers_build.c uploaders/answers_list.c \
	uploaders/answers_tags.c uploaders/answers_uploads.c \
	uploaders/credentials.h uploaders/credentials.c \
	uploaders/credentials_answer.h uploaders/credentials_answer.c \
	uploaders/credentials_fetch.h uploaders/credentials_fetch.c uploaders/credentials_host.c \
	uploaders/credentials_process.c uploaders/credentials_sts.c uploaders/credentials_web.c \
	uploaders/credentials_plan.h uploaders/credentials_plan.c \
	uploaders/credentials_rules.h uploaders/credentials_rules.c \
	uploaders/keeper.h uploaders/keeper.c \
	uploaders/endpoint.h uploaders/endpoint.c \
	uploaders/access_point.h uploaders/access_point.c \
	uploaders/partition.h uploaders/partition.c \
	uploaders/headers.h uploaders/headers.c \
	uploaders/patience.h uploaders/patience.c \
	uploaders/profile.h uploaders/profile.c \
	uploaders/redirect.h uploaders/redirect.c \
	uploaders/retry.h uploaders/retry.c \
	uploaders/spares.h uploaders/spares.c \
	uploaders/spread.h uploaders/spread.c \
	uploaders/stray.h uploaders/stray.c uploaders/strays.c uploaders/versioning.c \
	uploaders/sources.h uploaders/sources.c uploaders/sources_read.c \
	uploaders/sigv4.h uploaders/sigv4.c uploaders/sigv4_encode.c \
	uploaders/throttle.h uploaders/throttle.c \
	uploaders/tokens.h uploaders/tokens.c \
	uploaders/undo.h \
	uploaders/window.h uploaders/window.c \
	uploaders/xml.h uploaders/xml.c uploaders/xml_plain.h uploaders/xml_plain.c

uploaders_tests = \
	tests/unit/test_call_build \
	tests/unit/test_answers \
	tests/unit/test_xml \
	tests/unit/test_attributes \
	tests/unit/test_bodies \
	tests/unit/test_credentials \
	tests/unit/test_credentials_answer \
	tests/unit/test_endpoint \
	tests/unit/test_flow \
	tests/unit/test_headers \
	tests/unit/test_parts \
	tests/unit/test_patience \
	tests/unit/test_profile \
	tests/unit/test_counts \
	tests/unit/test_redirect \
	tests/unit/test_retry \
	tests/unit/test_sigv4 \
	tests/unit/test_chunked \
	tests/unit/test_http \
	tests/unit/test_proxies \
	tests/unit/test_wire \
	tests/unit/test_source \
	tests/unit/test_spares \
	tests/unit/test_spread \
	tests/unit/test_stray \
	tests/unit/test_uploaders_faults
check_PROGRAMS += $(uploaders_tests)
TESTS += $(uploaders_tests)
uploaders_test_libs = uploaders/libuploaders.a base/libbase.a \
	$(EXPAT_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xml_SOURCES = tests/unit/test_xml.c
tests_unit_test_xml_LDADD = $(uploaders_test_libs)
tests_unit_test_answers_SOURCES = tests/unit/test_answers.c
tests_unit_test_answers_LDADD = $(uploaders_test_libs)
tests_unit_test_attributes_SOURCES = tests/unit/test_attributes.c
tests_unit_test_attributes_LDADD = $(uploaders_test_libs)
tests_unit_test_bodies_SOURCES = tests/unit/test_bodies.c
tests_unit_test_bodies_LDADD = $(uploaders_test_libs)
tests_unit_test_credentials_SOURCES = tests/unit/test_credentials.c
tests_unit_test_credentials_LDADD = $(uploaders_test_libs)
tests_unit_test_credentials_answer_SOURCES = tests/unit/test_credentials_answer.c
tests_unit_test_credentials_answer_LDADD = $(uploaders_test_libs)
tests_unit_test_endpoint_SOURCES = tests/unit/test_endpoint.c
tests_unit_test_endpoint_LDADD = $(uploaders_test_libs)
tests_unit_test_flow_SOURCES = tests/unit/test_flow.c
tests_unit_test_flow_LDADD = $(uploaders_test_libs)
tests_unit_test_headers_SOURCES = tests/unit/test_headers.c
tests_unit_test_headers_LDADD = $(uploaders_test_libs)
tests_unit_test_parts_SOURCES = tests/unit/test_parts.c
tests_unit_test_parts_LDADD = $(uploaders_test_libs)
tests_unit_test_patience_SOURCES = tests/unit/test_patience.c
tests_unit_test_patience_LDADD = $(uploaders_test_libs)
tests_unit_test_profile_SOURCES = tests/unit/test_profile.c
tests_unit_test_profile_LDADD = $(uploaders_test_libs)
tests_unit_test_redirect_SOURCES = tests/unit/test_redirect.c
tests_unit_test_redirect_LDADD = $(uploaders_test_libs)
tests_unit_test_counts_SOURCES = tests/unit/test_counts.c tests/unit/unit.h
tests_unit_test_counts_LDADD = $(uploaders_test_libs)
tests_unit_test_retry_SOURCES = tests/unit/test_retry.c
tests_unit_test_retry_LDADD = $(uploaders_test_libs)
tests_unit_test_call_build_SOURCES = tests/unit/test_call_build.c
tests_unit_test_call_build_LDADD = $(uploaders_test_libs)
tests_unit_test_http_SOURCES = tests/unit/test_http.c
tests_unit_test_http_LDADD = $(uploaders_test_libs)
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
tests_unit_test_wire_LDADD = $(uploaders_test_libs)
tests_unit_test_proxies_SOURCES = tests/unit/test_proxies.c
tests_unit_test_proxies_LDADD = $(uploaders_test_libs)
tests_unit_test_source_SOURCES = tests/unit/test_source.c tests/unit/scratch.c tests/unit/scratch.h \
	tests/unit/unit.h
tests_unit_test_source_LDADD = $(uploaders_test_libs)
tests_unit_test_spares_SOURCES = tests/unit/test_spares.c
tests_unit_test_spares_LDADD = $(uploaders_test_libs)
tests_unit_test_spread_SOURCES = tests/unit/test_spread.c
tests_unit_test_spread_LDADD = $(uploaders_test_libs)
tests_unit_test_stray_SOURCES = tests/unit/test_stray.c
tests_unit_test_stray_LDADD = $(uploaders_test_libs)
tests_unit_test_sigv4_SOURCES = tests/unit/test_sigv4.c
tests_unit_test_sigv4_LDADD = $(uploaders_test_libs)
tests_unit_test_chunked_SOURCES = tests/unit/test_chunked.c
tests_unit_test_chunked_LDADD = $(uploaders_test_libs)
tests_unit_test_uploaders_faults_SOURCES = tests/unit/test_uploaders_faults.c
tests_unit_test_uploaders_faults_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc \
	-Wl,--wrap=calloc \
	-Wl,--wrap=realloc \
	-Wl,--wrap=strdup \
	-Wl,--wrap=strndup
tests_unit_test_uploaders_faults_LDADD = $(uploaders_test_libs)

noinst_PROGRAMS += tests/system/s3probe
tests_system_s3probe_SOURCES = tests/system/s3probe.c
tests_system_s3probe_LDADD = uploaders/libuploaders.a base/libbase.a \
	$(CURL_LIBS) $(EXPAT_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += tests/bench/bench_engine
tests_bench_bench_engine_SOURCES = tests/bench/bench_engine.c \
	tests/bench/sink.h tests/bench/sink.c
tests_bench_bench_engine_LDADD = uploaders/libuploaders.a base/libbase.a \
	$(CURL_LIBS) $(EXPAT_LIBS) $(CRYPTO_LIBS)
EXTRA_DIST += uploaders/DESIGN.md tests/system/test_engine.py

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_s3_xml tests/fuzz/fuzz_credentials_file \
	tests/fuzz/fuzz_credentials_answer tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c
tests_fuzz_fuzz_http_LDADD = uploaders/libuploaders.a base/libbase.a
tests_fuzz_fuzz_http_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_credentials_answer_SOURCES = tests/fuzz/fuzz_credentials_answer.c
tests_fuzz_fuzz_credentials_answer_LDADD = uploaders/libuploaders.a base/libbase.a $(EXPAT_LIBS) \
	$(CRYPTO_LIBS)
tests_fuzz_fuzz_credentials_answer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_s3_xml_SOURCES = tests/fuzz/fuzz_s3_xml.c
tests_fuzz_fuzz_s3_xml_LDADD = uploaders/libuploaders.a base/libbase.a $(EXPAT_LIBS) $(CRYPTO_LIBS)
tests_fuzz_fuzz_s3_xml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_credentials_file_SOURCES = tests/fuzz/fuzz_credentials_file.c
tests_fuzz_fuzz_credentials_file_LDADD = uploaders/libuploaders.a base/libbase.a $(CRYPTO_LIBS)
tests_fuzz_fuzz_credentials_file_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += \
	tests/fuzz/corpus/credentials_answer/command \
	tests/fuzz/corpus/credentials_answer/container \
	tests/fuzz/corpus/credentials_answer/error \
	tests/fuzz/corpus/credentials_answer/instance \
	tests/fuzz/corpus/credentials_answer/process \
	tests/fuzz/corpus/credentials_answer/sts \
	tests/fuzz/corpus/http/chunks \
	tests/fuzz/corpus/http/head \
	tests/fuzz/corpus/http/length \
	tests/fuzz/corpus/http/stream \
	tests/fuzz/corpus/s3_xml/complete \
	tests/fuzz/corpus/s3_xml/copy \
	tests/fuzz/corpus/s3_xml/delete \
	tests/fuzz/corpus/s3_xml/doctype \
	tests/fuzz/corpus/s3_xml/error \
	tests/fuzz/corpus/s3_xml/initiate \
	tests/fuzz/corpus/s3_xml/list \
	tests/fuzz/corpus/s3_xml/location \
	tests/fuzz/corpus/s3_xml/parts \
	tests/fuzz/corpus/credentials_file/config \
	tests/fuzz/corpus/credentials_file/credentials \
	tests/fuzz/corpus/credentials_file/fault \
	tests/fuzz/corpus/credentials_file/process
