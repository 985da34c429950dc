/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "capture_file.h"
#include "link_layer.h"

#define FIRST_AFTER_32_BITS (1LL << 32)
#define SECONDS_MAX	    (INT64_MAX / (s64)NSEC_PER_SEC - 10000)

/* A link type that packets came with; pcapng may mix them. */
struct link {
	u32 type;
	link_reader read; /* NULL: not known */
	int filtered;
	struct bpf_program filter; /* in terms of this type */
};

#define LINKS_MAX 16 /* more than are known */

struct capture {
	struct capture_file *file;
	struct raw_packet first; /* read at the start, for its link type */
	int has_first;
	char *filter;
	struct link links[LINKS_MAX];
	u32 link_count;
	u64 now;    /* latest time so far */
	int failed; /* negative errno, once capture_next() failed */
	char error[PCAP_ERRBUF_SIZE + 512];
};

static int compile_filter(struct capture *capture, struct link *link)
{
	int dlt = link->type == LINKTYPE_RAW ? DLT_RAW : (int)link->type;
	pcap_t *pcap = pcap_open_dead(dlt, UINT16_MAX);
	int err = 0;

	if (!pcap) {
		snprintf(capture->error, sizeof(capture->error), "cannot compile the filter: out of memory");
		return -ENOMEM;
	}
	if (pcap_compile(pcap, &link->filter, capture->filter, 1, PCAP_NETMASK_UNKNOWN)) {
		snprintf(capture->error, sizeof(capture->error), "bad filter \"%s\": %s\nsee pcap-filter(7)",
			 capture->filter, pcap_geterr(pcap));
		err = -EINVAL;
	}
	pcap_close(pcap);
	link->filtered = !err;
	return err;
}

/* Sets *out to the link of this type, new or not, or to NULL: the type is not known. */
static int link_of(struct capture *capture, u32 type, struct link **out)
{
	struct link *link;
	int err;

	for (u32 i = 0; i < capture->link_count; i++) {
		if (capture->links[i].type == type) {
			*out = &capture->links[i];
			return 0;
		}
	}
	*out = NULL;
	if (!link_reader_of(type) || capture->link_count == LINKS_MAX)
		return 0;
	link = &capture->links[capture->link_count];
	link->type = type;
	link->read = link_reader_of(type);
	if (capture->filter) {
		err = compile_filter(capture, link);
		if (err)
			return err;
	}
	capture->link_count++;
	*out = link;
	return 0;
}

/* Reads a packet ahead: a file of a link type that is not known is better refused at once. */
static int read_first(struct capture *capture)
{
	struct link *link;
	const char *name;
	int got, err;

	got = capture_file_next(capture->file, &capture->first, capture->error, sizeof(capture->error));
	if (got != 1)
		return got;
	capture->has_first = 1;
	err = link_of(capture, capture->first.link_type, &link);
	if (err || link)
		return err;
	name = pcap_datalink_val_to_name((int)capture->first.link_type);
	snprintf(capture->error, sizeof(capture->error),
		 "cannot read %s: link type %s (%u) is not known\n"
		 "capture on an Ethernet, tun or ppp interface, on loopback, or with tcpdump -i any",
		 capture_file_name(capture->file), name ? name : "without a name", capture->first.link_type);
	return -EPROTONOSUPPORT;
}

int capture_open(struct capture **out, const char *path, const char *filter, char *error, size_t size)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int err = -ENOMEM;

	if (capture && filter)
		capture->filter = strdup(filter);
	if (!capture || (filter && !capture->filter)) {
		snprintf(error, size, "cannot read %s: out of memory", path);
		goto fail;
	}
	err = capture_file_open(&capture->file, path, error, size);
	if (err)
		goto fail;
	err = read_first(capture);
	if (err) {
		snprintf(error, size, "%s", capture->error);
		goto fail;
	}
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
static u64 time_of(s64 sec, s64 nsec)
{
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

/* The next packet that passes the filter, and its link. Returns like capture_next(). */
static int next_packet(struct capture *capture, struct raw_packet *packet, struct link **link)
{
	struct pcap_pkthdr header = {0};
	int got;

	for (;;) {
		if (capture->has_first) {
			*packet = capture->first;
			capture->has_first = 0;
		} else {
			got =
			    capture_file_next(capture->file, packet, capture->error, sizeof(capture->error));
			if (got != 1)
				return got;
		}
		got = link_of(capture, packet->link_type, link);
		if (got)
			return got;
		if (!*link || !(*link)->filtered)
			return 1;
		header.caplen = packet->captured;
		header.len = packet->length;
		if (pcap_offline_filter(&(*link)->filter, &header, packet->bytes))
			return 1;
	}
}

static enum parse_result parse_raw(const struct raw_packet *packet, const struct link *link,
				   struct segment *seg)
{
	u32 length = packet->length > packet->captured ? packet->length : packet->captured;
	struct link_start start = {0};
	enum parse_result result = PARSE_NOT_TCP;
	struct frame f;

	if (link)
		result = link->read(packet->bytes, packet->captured, &start);
	seg->ifindex = start.ifindex;
	if (!seg->ifindex && packet->interface != NO_INTERFACE)
		seg->ifindex = packet->interface + 1;
	seg->place = place_of(seg->ifindex, start.hook);
	if (result != PARSE_TCP)
		return result;
	f.base = packet->bytes + start.at;
	f.end = packet->bytes + packet->captured;
	f.reach = packet->captured - start.at;
	f.wire_len = length - start.at;
	if (start.first == LINK_ETHERNET)
		return parse_packet(&f, FRAME_PACKET, LINK_ETHERNET, seg);
	return parse_packet(&f, FRAME_PACKET, LINK_IP, seg);
}

int capture_next(struct capture *capture, struct segment *seg, enum parse_result *result, u64 *time_ns)
{
	struct raw_packet packet;
	struct link *link;
	u64 time;
	int got;

	if (capture->failed)
		return capture->failed;
	got = next_packet(capture, &packet, &link);
	if (got < 0)
		capture->failed = got;
	if (got != 1)
		return got;

	time = time_of(packet.sec, packet.nsec);
	if (time > capture->now)
		capture->now = time;
	if (!capture->now)
		capture->now = 1; /* 0 says that the time is not known yet */
	*seg = (struct segment){.time = capture->now, .numbers = NUMBERS_UNKNOWN};
	*result = parse_raw(&packet, link, seg);
	*time_ns = capture->now;
	return 1;
}

void capture_extent(const struct capture *capture, u64 *done, u64 *size)
{
	capture_file_extent(capture->file, done, size);
}

const char *capture_error(const struct capture *capture)
{
	return capture->error;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	for (u32 i = 0; i < capture->link_count; i++) {
		if (capture->links[i].filtered)
			pcap_freecode(&capture->links[i].filter);
	}
	capture_file_close(capture->file);
	free(capture->filter);
	free(capture);
}
