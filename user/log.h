/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one logger: standard error, a prefix, levels. Libraries return errors and
 * do not log; the program tells each failure once, naming the thing, the cause
 * and what to try. A message may hold one '\n' for its second line, which is
 * indented. Every other byte that a terminal would obey is escaped here, so
 * that no caller has to think of it.
 */
#ifndef TCPSHAKE_LOG_H
#define TCPSHAKE_LOG_H

#include <stdarg.h>

enum log_level {
	LEVEL_ERROR,  /* always */
	LEVEL_NOTE,   /* always: what a user did not ask for but should know */
	LEVEL_DETAIL, /* -v */
	LEVEL_DEBUG,  /* -vv: libbpf's own messages too */
};

/* verbose: how often -v was given. */
void log_set_verbose(int verbose);
int log_enabled(enum log_level level);

void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_va(enum log_level level, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#define log_error(...)	log_at(LEVEL_ERROR, __VA_ARGS__)
#define log_note(...)	log_at(LEVEL_NOTE, __VA_ARGS__)
#define log_detail(...) log_at(LEVEL_DETAIL, __VA_ARGS__)
#define log_debug(...)	log_at(LEVEL_DEBUG, __VA_ARGS__)

#endif
