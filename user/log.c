/* SPDX-License-Identifier: GPL-2.0-only */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"

#define PREFIX "tcpshake: "
#define INDENT "          "

static int verbosity;

void log_set_verbose(int verbose)
{
	verbosity = verbose;
}

int log_enabled(enum log_level level)
{
	return (int)level <= LEVEL_NOTE + verbosity;
}

/* One write a message: it is not torn apart by what others print to the same place. */
void log_va(enum log_level level, const char *format, va_list args)
{
	char message[1024], text[4 * sizeof(message) + 64];
	struct put put = put_into(text, sizeof(text) - 1);
	const char *line = message;
	int kept = errno;

	if (!log_enabled(level))
		return;
	vsnprintf(message, sizeof(message), format, args);
	PUT(&put, PREFIX);
	for (;;) {
		size_t n = strcspn(line, "\n");

		put_text_escaped(&put, line, n);
		line += n;
		if (!*line || !line[1])
			break;
		line++;
		PUT(&put, "\n" INDENT);
	}
	*put.at++ = '\n';
	if (write(STDERR_FILENO, text, put_length(&put)) < 0) {
		/* there is nowhere left to tell it */
	}
	errno = kept;
}

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(level, format, args);
	va_end(args);
}
