noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/buf.c base/buf.h \
	base/clock.c base/clock.h \
	base/crc.c base/crc.h \
	base/digest.c base/digest.h \
	base/err.c base/err.h \
	base/json.h base/json_read.c base/json_write.c \
	base/log.c base/log.h \
	base/mailbox.c base/mailbox.h \
	base/map.c base/map.h \
	base/path.c base/path.h base/path_glob.c \
	base/replace.c base/replace.h \
	base/text_code.c \
	base/tree.c base/tree.h \
	base/utf8.c base/utf8.h
