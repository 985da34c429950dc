/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "link_layer.h"

/* stdio's own buffer is a page: a system call for every few packets */
#define READ_BUFFER (256 * 1024)

#define FIRST_AFTER_32_BITS (1LL << 32)
#define SECONDS_MAX	    (INT64_MAX / (s64)NSEC_PER_SEC - 10000)

struct capture {
	pcap_t *pcap;
	link_reader read_link;
	u64 now;    /* latest time so far */
	int failed; /* negative errno, once capture_next() failed */
	char *name;
	char *buffer;
	char error[PCAP_ERRBUF_SIZE + 512];
};

static const char *name_of(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

/* A stream of its own even for standard input, so that all are closed alike. */
static FILE *open_stream(const char *path)
{
	FILE *file;
	int fd;

	if (strcmp(path, "-"))
		return fopen(path, "rbe");
	fd = dup(STDIN_FILENO);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "rb");
	if (!file)
		close(fd);
	return file;
}

static int open_pcap(struct capture *capture, const char *path, char *error, size_t size)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *file = open_stream(path);
	int err = errno;

	if (!file) {
		snprintf(error, size, "cannot open %s: %s", capture->name, strerror(err));
		return -err;
	}
	setvbuf(file, capture->buffer, _IOFBF, READ_BUFFER);
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (capture->pcap)
		return 0;
	err = ferror(file) ? EIO : EBADMSG;
	fclose(file);
	snprintf(error, size,
		 "cannot read %s: %s\n"
		 "it must be a pcap or pcapng file; a compressed one goes through zcat FILE | tcpshake -r -",
		 capture->name, why);
	return -err;
}

static int check_link(struct capture *capture, char *error, size_t size)
{
	int dlt = pcap_datalink(capture->pcap);
	const char *name = pcap_datalink_val_to_name(dlt);

	capture->read_link = link_reader_of(dlt);
	if (capture->read_link)
		return 0;
	snprintf(error, size,
		 "cannot read %s: its link type %s (%d) is not known\n"
		 "capture on an Ethernet, tun or ppp interface, on loopback, or with tcpdump -i any",
		 capture->name, name ? name : "has no name", dlt);
	return -EPROTONOSUPPORT;
}

static int set_filter(struct capture *capture, const char *filter, char *error, size_t size)
{
	struct bpf_program program;
	int err;

	if (!filter)
		return 0;
	err = pcap_compile(capture->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);
	if (!err) {
		err = pcap_setfilter(capture->pcap, &program);
		pcap_freecode(&program);
	}
	if (!err)
		return 0;
	snprintf(error, size, "bad filter \"%s\": %s\nsee pcap-filter(7)", filter,
		 pcap_geterr(capture->pcap));
	return -EINVAL;
}

int capture_open(struct capture **out, const char *path, const char *filter, char *error, size_t size)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int err = -ENOMEM;

	if (capture) {
		capture->name = strdup(name_of(path));
		capture->buffer = malloc(READ_BUFFER);
	}
	if (!capture || !capture->name || !capture->buffer) {
		snprintf(error, size, "cannot read %s: out of memory", name_of(path));
		goto fail;
	}
	err = open_pcap(capture, path, error, size);
	if (err)
		goto fail;
	err = check_link(capture, error, size);
	if (err)
		goto fail;
	err = set_filter(capture, filter, error, size);
	if (err)
		goto fail;
	*out = capture;
	return 0;
fail:
	capture_close(capture);
	return err;
}

/*
 * What stands in files is not always a time: nanoseconds beyond a second are
 * added up, and seconds that libpcap took for negative are those after 2038
 * (the field is unsigned). The limit keeps differences within a signed number.
 */
static u64 time_of(const struct timeval *stamp)
{
	s64 sec = stamp->tv_sec, nsec = stamp->tv_usec;

	if (sec < 0 && sec >= INT32_MIN)
		sec += FIRST_AFTER_32_BITS;
	if (sec < 0)
		sec = 0;
	if (sec > SECONDS_MAX)
		sec = SECONDS_MAX;
	if (nsec < 0)
		nsec = 0;
	return (u64)sec * NSEC_PER_SEC + (u64)nsec;
}

static int failed(struct capture *capture)
{
	capture->failed = ferror(pcap_file(capture->pcap)) ? -EIO : -EBADMSG;
	snprintf(capture->error, sizeof(capture->error),
		 "%s cannot be read further: %s\nwhat came before stands", capture->name,
		 pcap_geterr(capture->pcap));
	return capture->failed;
}

static enum parse_result parse_bytes(link_reader read_link, const u8 *bytes, u32 captured, u32 length,
				     struct segment *seg)
{
	enum parse_result result;
	struct link_start start = {0};
	struct frame f;

	result = read_link(bytes, captured, &start);
	seg->ifindex = start.ifindex;
	seg->place = place_of(start.ifindex, start.hook);
	if (result != PARSE_TCP)
		return result;
	f.base = bytes + start.at;
	f.end = bytes + captured;
	f.reach = captured - start.at;
	f.wire_len = length - start.at;
	if (start.first == LINK_ETHERNET)
		return parse_packet(&f, FRAME_PACKET, LINK_ETHERNET, seg);
	return parse_packet(&f, FRAME_PACKET, LINK_IP, seg);
}

int capture_next(struct capture *capture, struct segment *seg, enum parse_result *result, u64 *time_ns)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	u64 time;
	int got;

	if (capture->failed)
		return capture->failed;
	got = pcap_next_ex(capture->pcap, &header, &bytes);
	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1)
		return failed(capture);

	time = time_of(&header->ts);
	if (time > capture->now)
		capture->now = time;
	if (!capture->now)
		capture->now = 1; /* 0 says that the time is not known yet */
	*seg = (struct segment){.time = capture->now, .numbers = NUMBERS_UNKNOWN};
	/* some writers give a length below what they captured */
	*result = parse_bytes(capture->read_link, bytes, header->caplen,
			      header->len > header->caplen ? header->len : header->caplen, seg);
	*time_ns = capture->now;
	return 1;
}

const char *capture_error(const struct capture *capture)
{
	return capture->error;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->name);
	free(capture->buffer); /* in use until the file is closed */
	free(capture);
}
