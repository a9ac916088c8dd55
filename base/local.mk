noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/err.h base/err.c
