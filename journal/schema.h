/*
 * What a database of the journal has besides its records: indexes, and views for the questions that
 * people ask. Pure.
 */
#ifndef LOCKSTEP_JOURNAL_SCHEMA_H
#define LOCKSTEP_JOURNAL_SCHEMA_H

/* SQL: what is made before the records are there, and after. */
extern const char journal_schema_views[];
extern const char journal_schema_indexes[];

#endif
