/* SPDX-License-Identifier: GPL-2.0-only */
/* The metrics file: complete at every moment, whatever happens to the disk. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics.h"

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written ? -errno : -EIO;
		text += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Ours from a run that was killed goes; whatever else stands there under that name is never followed nor kept. */
static int open_temporary(const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags, 0644);

	if (fd < 0 && errno == EEXIST) {
		if (unlink(path))
			return -EEXIST;
		fd = open(path, flags, 0644);
	}
	return fd < 0 ? -errno : fd;
}

static int put_in_place(const char *path, const char *text, size_t length)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (strlen(path) + sizeof(METRICS_TEMPORARY) > sizeof(temporary))
		return -ENAMETOOLONG;
	strcpy(temporary, path);
	strcat(temporary, METRICS_TEMPORARY);
	fd = open_temporary(temporary);
	if (fd < 0)
		return fd;
	error = write_all(fd, text, length);
	/* readable for the exporter, whatever the umask */
	if (!error && fchmod(fd, 0644))
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	if (!error && rename(temporary, path))
		error = -errno;
	if (error)
		unlink(temporary);
	return error;
}

/*
 * Two runs beside each other would write series of the same names, of which an
 * exporter that reads both files keeps one and says nothing. So a run can have
 * a name, and each line of the text that is a sample gets it as a label.
 */
static void print_with_watcher(FILE *out, const char *text, const char *watcher)
{
	for (; *text; text += strcspn(text, "\n") + 1) {
		int end = (int)strcspn(text, "\n"), name = (int)strcspn(text, "{ ");
		int labels = text[name] == '{';

		if (*text == '#') {
			fprintf(out, "%.*s\n", end, text);
			continue;
		}
		fprintf(out, "%.*s{watcher=\"", name, text);
		metrics_print_label(out, watcher);
		fprintf(out, "\"%s%.*s\n", labels ? "," : "}", end - name - labels, text + name + labels);
	}
}

/* All of it in memory before the file is touched. To be freed; NULL: no memory. */
static char *print_to_memory(const struct metrics *metrics, const char *unnamed, size_t *length)
{
	char *text = NULL;
	FILE *memory = open_memstream(&text, length);

	if (!memory)
		return NULL;
	if (unnamed)
		print_with_watcher(memory, unnamed, metrics->options->watcher);
	else
		metrics_print(metrics, memory);
	if (ferror(memory) | fclose(memory)) {
		free(text);
		return NULL;
	}
	return text;
}

int metrics_write(const struct metrics *metrics, const char *path)
{
	size_t length;
	char *text = print_to_memory(metrics, NULL, &length);
	int error;

	if (text && metrics->options->watcher) {
		char *named = print_to_memory(metrics, text, &length);

		free(text);
		text = named;
	}
	if (!text)
		return -ENOMEM;
	error = put_in_place(path, text, length);
	free(text);
	return error;
}
