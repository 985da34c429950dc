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

/* node_exporter reads what ends in .prom, so this does not. */
#define TEMPORARY_SUFFIX ".tmp"

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

	if (fd < 0 && errno == EEXIST && !unlink(path))
		fd = open(path, flags, 0644);
	return fd < 0 ? -errno : fd;
}

static int put_in_place(const char *path, const char *text, size_t length)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (strlen(path) + sizeof(TEMPORARY_SUFFIX) > sizeof(temporary))
		return -ENAMETOOLONG;
	strcpy(temporary, path);
	strcat(temporary, TEMPORARY_SUFFIX);
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

int metrics_write(const struct metrics *metrics, const char *path)
{
	char *text = NULL;
	size_t length = 0;
	FILE *memory = open_memstream(&text, &length);
	int error;

	if (!memory)
		return -ENOMEM;
	metrics_print(metrics, memory);
	if (ferror(memory) | fclose(memory)) {
		free(text);
		return -ENOMEM;
	}
	error = put_in_place(path, text, length);
	free(text);
	return error;
}
