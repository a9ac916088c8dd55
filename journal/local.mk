noinst_LIBRARIES += journal/libjournal.a
journal_libjournal_a_SOURCES = \
	journal/journal.h \
	journal/audit.c journal/audit.h \
	journal/batch.c journal/batch.h \
	journal/frame.c journal/frame.h \
	journal/merkle.c journal/merkle.h \
	journal/reader.c \
	journal/record.c \
	journal/recover.c \
	journal/scan.c \
	journal/segment.c journal/segment.h \
	journal/text.c journal/text.h \
	journal/verify.c \
	journal/walk.c journal/walk.h \
	journal/writer.c journal/writer.h
