/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture_file.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>

/* stdio's own buffer is a page: a system call for every few packets */
#define READ_BUFFER (256 * 1024)

struct capture_file {
	FILE *stream;
	pcap_t *pcap; /* one of these two; pcap closes the stream */
	struct pcapng *ng;
	char *name, *buffer;
};

/* A stream of its own even for standard input, so that all are closed alike. */
static FILE *open_stream(const char *path)
{
	FILE *stream;
	int fd;

	if (strcmp(path, "-"))
		return fopen(path, "rbe");
	fd = dup(STDIN_FILENO);
	if (fd < 0)
		return NULL;
	stream = fdopen(fd, "rb");
	if (!stream)
		close(fd);
	return stream;
}

/* libpcap reads its own format, pcapng.c the other. Sets `why` when neither can. */
static int open_format(struct capture_file *file, char *why)
{
	int first = getc(file->stream);

	if (first == PCAPNG_FIRST_BYTE) {
		ungetc(first, file->stream);
		file->ng = pcapng_new(file->stream);
		return file->ng ? 0 : -ENOMEM;
	}
	if (first == EOF) {
		strcpy(why, ferror(file->stream) ? strerror(errno) : "it is empty");
		return ferror(file->stream) ? -EIO : -EBADMSG;
	}
	ungetc(first, file->stream);
	file->pcap = pcap_fopen_offline_with_tstamp_precision(file->stream, PCAP_TSTAMP_PRECISION_NANO, why);
	return file->pcap ? 0 : -EBADMSG;
}

int capture_file_open(struct capture_file **out, const char *path, char *error, size_t size)
{
	struct capture_file *file = calloc(1, sizeof(*file));
	char why[PCAP_ERRBUF_SIZE] = "out of memory";
	int err = -ENOMEM;

	if (!file)
		goto fail;
	file->name = strdup(strcmp(path, "-") ? path : "standard input");
	file->buffer = malloc(READ_BUFFER);
	if (!file->name || !file->buffer)
		goto fail;
	file->stream = open_stream(path);
	if (!file->stream) {
		err = -errno;
		snprintf(error, size, "cannot open %s: %s", file->name, strerror(-err));
		capture_file_close(file);
		return err;
	}
	setvbuf(file->stream, file->buffer, _IOFBF, READ_BUFFER);
	/* two reads a packet, and the lock of each is an atomic operation: a sixth of the whole run */
	__fsetlocking(file->stream, FSETLOCKING_BYCALLER);
	err = open_format(file, why);
	if (err)
		goto fail;
	*out = file;
	return 0;
fail:
	snprintf(error, size,
		 "cannot read %s: %s\n"
		 "it must be a pcap or pcapng file; a compressed one goes through zcat FILE | tcpshake -r -",
		 file && file->name ? file->name : path, why);
	capture_file_close(file);
	return err;
}

static int next_of_pcap(struct capture_file *file, struct raw_packet *packet)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got = pcap_next_ex(file->pcap, &header, &bytes);

	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1)
		return ferror(file->stream) ? -EIO : -EBADMSG;
	packet->bytes = bytes;
	packet->captured = header->caplen;
	packet->length = header->len;
	packet->sec = header->ts.tv_sec;
	packet->nsec = header->ts.tv_usec; /* asked for */
	packet->interface = NO_INTERFACE;
	packet->link_type = (u32)pcap_datalink(file->pcap);
	return 1;
}

int capture_file_next(struct capture_file *file, struct raw_packet *packet, char *error, size_t size)
{
	int got = file->pcap ? next_of_pcap(file, packet) : pcapng_next(file->ng, packet);

	if (got < 0)
		snprintf(error, size, "%s cannot be read further: %s\nwhat came before stands", file->name,
			 file->pcap ? pcap_geterr(file->pcap) : pcapng_error(file->ng));
	return got;
}

void capture_file_extent(const struct capture_file *file, u64 *done, u64 *size)
{
	off_t at = ftello(file->stream);
	struct stat stat;

	*done = at < 0 ? 0 : (u64)at;
	*size = 0;
	if (!fstat(fileno(file->stream), &stat) && S_ISREG(stat.st_mode))
		*size = (u64)stat.st_size;
}

const char *capture_file_name(const struct capture_file *file)
{
	return file->name;
}

void capture_file_close(struct capture_file *file)
{
	if (!file)
		return;
	pcapng_free(file->ng);
	if (file->pcap)
		pcap_close(file->pcap);
	else if (file->stream)
		fclose(file->stream);
	free(file->name);
	free(file->buffer); /* in use until the stream is closed */
	free(file);
}
