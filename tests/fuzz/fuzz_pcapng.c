/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a pcapng file, each packet of it on through its link header to
 * the parser: what is said to be captured is there to be read, and it ends.
 */
#include <stdlib.h>
#include <string.h>

#include "link_layer.h"
#include "pcapng.h"

static void must(int condition)
{
	if (!condition)
		abort();
}

static void parse(const struct raw_packet *packet)
{
	link_reader read_link = link_reader_of(packet->link_type);
	struct link_start start = {0};
	struct segment seg;
	struct frame f;
	u8 *bytes;

	/* an allocation of its own size, so that the sanitizer sees one byte too far */
	bytes = malloc(packet->captured + !packet->captured);
	must(bytes != NULL);
	memcpy(bytes, packet->bytes, packet->captured);
	if (read_link && read_link(bytes, packet->captured, &start) == PARSE_TCP) {
		must(start.at <= packet->captured);
		f.base = bytes + start.at;
		f.end = bytes + packet->captured;
		f.reach = f.wire_len = packet->captured - start.at;
		must(parse_packet(&f, FRAME_PACKET, start.first, &seg) != PARSE_BEYOND);
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct raw_packet packet;
	struct pcapng *ng;
	FILE *file;
	int got;

	if (!size)
		return 0;
	file = fmemopen((void *)data, size, "rb");
	must(file != NULL);
	ng = pcapng_new(file);
	must(ng != NULL);
	while ((got = pcapng_next(ng, &packet)) == 1) {
		must(packet.nsec >= 0 && packet.nsec < (s64)NSEC_PER_SEC);
		parse(&packet);
	}
	must(got == 0 || *pcapng_error(ng));
	pcapng_free(ng);
	fclose(file);
	return 0;
}
