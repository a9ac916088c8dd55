noinst_LIBRARIES += uploaders/libuploaders.a
uploaders_libuploaders_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(EXPAT_CFLAGS)
uploaders_libuploaders_a_SOURCES = \
	uploaders/uploaders.h \
	uploaders/answers.h \
	uploaders/credentials.h \
	uploaders/endpoint.h \
	uploaders/headers.h \
	uploaders/profile.h \
	uploaders/retry.h \
	uploaders/sigv4.h
