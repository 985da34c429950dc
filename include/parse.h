/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the bytes of a frame to a TCP segment: Ethernet with VLAN tags or bare
 * IP; IPv4 with options, IPv6 with extension headers; TCP with the options of
 * a SYN. Tunnels are not entered, headers quoted by ICMP are not segments and
 * checksums are not verified: offload leaves them unfinished on the very hosts
 * that are watched.
 *
 * One text serves two memories. In FRAME_PACKET a header is readable when a
 * pointer comparison with the frame's end says so, which is the only proof that
 * the verifier takes for packet pointers. In FRAME_BUFFER it lies in a map value
 * of PARSE_BUFFER bytes, and the proof is an offset below a constant. The choice
 * must be a constant where parse_packet() is called; then all of it folds.
 *
 * A hook parses in place; on PARSE_BEYOND (a fragmented buffer whose first part
 * is short) it copies the first `reach` bytes into a buffer and parses again.
 */
#ifndef TCPSHAKE_PARSE_H
#define TCPSHAKE_PARSE_H

#include <stddef.h>

#include "offer.h"

#define PARSE_BUFFER   256
#define VLAN_TAGS_MAX  4
#define EXTENSIONS_MAX 8

enum frame_memory { FRAME_PACKET, FRAME_BUFFER };

enum link_first { LINK_ETHERNET, LINK_IP };

struct frame {
	const u8 *base;
	const u8 *end; /* FRAME_PACKET: behind the last byte that can be read here */
	u32 reach;     /* bytes that can be had at all: FRAME_PACKET: here or by a copy, that is
			* min(wire_len, PARSE_BUFFER) in a hook, the captured length in a file;
			* FRAME_BUFFER: those copied */
	u32 wire_len;  /* of the whole frame */
};

enum parse_result {
	PARSE_TCP,
	PARSE_NOT_TCP,	 /* also: more than 4 tags, more than 8 extension headers */
	PARSE_FRAGMENT,	 /* of TCP, or of what may be TCP, and not the first */
	PARSE_MALFORMED, /* headers contradict themselves: a wrong version, a header shorter than
			  * the shortest, or one that ends behind IP's own length */
	PARSE_TRUNCATED, /* the frame, the capture or the first fragment ended before the header did */
	PARSE_BEYOND,	 /* FRAME_PACKET only: not readable here, but within reach */
};

/* Between IP and TCP: who, and which bytes of the frame are TCP's. */
struct ip_part {
	struct address from, to;
	u32 at;	   /* offset of the header that comes next */
	u32 end;   /* offset behind the last byte, by IP's own length */
	u32 first; /* 1: first of several fragments, the header may go on in the next */
};

/* The n bytes at `at`, NULL when they cannot be read here. n is a constant. */
INLINE const void *frame_at(const struct frame *f, enum frame_memory memory, u32 at, u32 n)
{
	const u8 *p;

	if (memory == FRAME_BUFFER) {
		HIDE(at);
		return at > PARSE_BUFFER - n || at + n > f->reach ? NULL : f->base + at;
	}
	p = f->base + at;
	HIDE(p);
	if (!p)
		__builtin_unreachable();
	return p + n > f->end ? NULL : p;
}

/* Why the bytes before `end` could not be read. */
INLINE enum parse_result frame_lacks(const struct frame *f, enum frame_memory memory, u32 end)
{
	return memory == FRAME_PACKET && end <= f->reach ? PARSE_BEYOND : PARSE_TRUNCATED;
}

/* Of the bytes before `end` not all can be read here, and a copy would have more of them. */
INLINE int frame_has_more(const struct frame *f, enum frame_memory memory, u32 end)
{
	u32 here;

	if (memory == FRAME_BUFFER)
		return 0;
	here = (u32)(f->end - f->base);
	return here < end && here < f->reach;
}

/* A header that ends behind IP's own length. */
INLINE enum parse_result ip_lacks(const struct ip_part *ip)
{
	return ip->first ? PARSE_TRUNCATED : PARSE_MALFORMED;
}

INLINE int is_vlan(__be16 type)
{
	return type == BE16(ETHER_VLAN) || type == BE16(ETHER_VLAN_OUTER) ||
	       type == BE16(ETHER_VLAN_OUTER_OLD);
}

/* Sets *at behind the tags and *type to what comes there. */
INLINE enum parse_result parse_ethernet(const struct frame *f, enum frame_memory memory, u32 *at,
					__be16 *type)
{
	const struct wire_ether *ether = frame_at(f, memory, 0, sizeof(*ether));

	if (!ether)
		return frame_lacks(f, memory, sizeof(*ether));
	*at = sizeof(*ether);
	*type = ether->type;
	for (u32 i = 0; i < VLAN_TAGS_MAX && is_vlan(*type); i++) {
		const struct wire_vlan *vlan = frame_at(f, memory, *at, sizeof(*vlan));

		if (!vlan)
			return frame_lacks(f, memory, *at + sizeof(*vlan));
		*at += sizeof(*vlan);
		*type = vlan->type;
	}
	return PARSE_TCP;
}

/* A link without a header of its own: the version says which IP it is. */
INLINE enum parse_result parse_version(const struct frame *f, enum frame_memory memory, __be16 *type)
{
	const u8 *version = frame_at(f, memory, 0, 1);

	if (!version)
		return frame_lacks(f, memory, 1);
	*type = *version >> 4 == 4 ? BE16(ETHER_IPV4) : *version >> 4 == 6 ? BE16(ETHER_IPV6) : 0;
	return PARSE_TCP;
}

/* Copies the options of a SYN, `length` bytes at `at`, as far as they are there, and reads them. */
INLINE void parse_syn(const struct frame *f, enum frame_memory memory, u32 at, u32 length,
		      struct segment *seg)
{
	struct tcp_options options = {0};
	struct offered offered = {0};
	u32 i;

	for (i = 0; i < TCP_OPTIONS_MAX / 4 && i * 4 < length; i++) {
		const struct wire_word *from = frame_at(f, memory, at + i * 4, sizeof(*from));

		if (!from)
			break;
		options.word[i] = from->value;
	}
	options.length = i * 4;
	offered.offers = ecn_offer(seg->flags);
	parse_options(&options, &offered);
	seg->mss = offered.mss;
	seg->wscale = offered.wscale;
	seg->offers = offered.offers;
}

/*
 * Only a SYN needs its options. Where they cannot be had in full (a capture
 * with a short snap length), those that are there must do: better a handshake
 * without its window scale than none.
 */
INLINE enum parse_result parse_tcp(const struct frame *f, enum frame_memory memory,
				   const struct ip_part *part, struct segment *seg)
{
	const struct wire_tcp *tcp;
	u32 at = part->at, header;

	if (at + sizeof(*tcp) > part->end)
		return ip_lacks(part);
	tcp = frame_at(f, memory, at, sizeof(*tcp));
	if (!tcp)
		return frame_lacks(f, memory, at + sizeof(*tcp));
	header = (tcp->words >> 4) * 4;
	if (header < sizeof(*tcp))
		return PARSE_MALFORMED;
	if (at + header > part->end)
		return ip_lacks(part);
	if (tcp->flags & TCP_SYN && frame_has_more(f, memory, at + header))
		return PARSE_BEYOND;

	seg->sender = key_make(&seg->key, part->from, BE16(tcp->from), part->to, BE16(tcp->to));
	seg->seq = BE32(tcp->seq);
	seg->ack = BE32(tcp->ack);
	seg->len = part->end - at - header;
	seg->flags = tcp->flags;
	seg->mss = 0;
	seg->wscale = 0;
	seg->offers = 0;
	if (seg->flags & TCP_SYN)
		parse_syn(f, memory, at + sizeof(*tcp), header - sizeof(*tcp), seg);
	return PARSE_TCP;
}

/*
 * A length of 0 is written by segmentation offload for what does not fit into
 * 16 bits (BIG TCP): then the frame's own length stands for it.
 *
 * Each IP goes on to TCP itself: where their ways join first, clang 14 carries
 * the addresses through the stack, for a nanosecond and a half more a packet.
 */
INLINE enum parse_result parse_ipv4(const struct frame *f, enum frame_memory memory, u32 at,
				    struct segment *seg)
{
	const struct wire_ipv4 *ip = frame_at(f, memory, at, sizeof(*ip));
	u32 header, total, fragment;
	struct ip_part part;

	if (!ip)
		return frame_lacks(f, memory, at + sizeof(*ip));
	header = (ip->version_words & 0xf) * 4;
	total = BE16(ip->total);
	if (ip->version_words >> 4 != 4 || header < sizeof(*ip) || (total && total < header))
		return PARSE_MALFORMED;
	if (ip->protocol != PROTO_TCP)
		return PARSE_NOT_TCP;
	fragment = BE16(ip->fragment);
	if (fragment & IPV4_OFFSET)
		return PARSE_FRAGMENT;
	part.from = address_v4(ip->from);
	part.to = address_v4(ip->to);
	part.at = at + header;
	part.end = total ? at + total : f->wire_len;
	part.first = !!(fragment & IPV4_MORE);
	return parse_tcp(f, memory, &part, seg);
}

/* clang-format off */
/*
 * The extension headers that TCP may follow (behind ESP all is secret), and
 * how long each is: (its length byte & mask) + more, in units of 2^unit_log2
 * bytes. A table, so that the verifier walks one path a header and not one for
 * each kind: eight headers of six kinds would be too many.
 */
static const struct extension {
	u8 unit_log2; /* 0: not an extension header */
	u8 more;
	u8 mask;
} extensions[256] __attribute__((unused)) = {
	[PROTO_HOP_BY_HOP]     = { 3, 1, 0xff },
	[PROTO_ROUTING]        = { 3, 1, 0xff },
	[PROTO_FRAGMENT]       = { 3, 1, 0 },
	[PROTO_AUTHENTICATION] = { 2, 2, 0xff },
	[PROTO_DESTINATION]    = { 3, 1, 0xff },
	[PROTO_MOBILITY]       = { 3, 1, 0xff },
};
/* clang-format on */

#define EXTENSION_SIZE_MAX 0xfff /* (255 + 1) * 8, rounded up to a mask */

/* Steps over one extension header; *next, what kind it is, becomes what follows it. */
INLINE enum parse_result parse_extension(const struct frame *f, enum frame_memory memory,
					 const struct extension *kind, struct ip_part *part, u8 *next)
{
	const struct wire_extension *ext;
	u32 length;

	if (part->at + sizeof(*ext) > part->end)
		return ip_lacks(part);
	ext = frame_at(f, memory, part->at, sizeof(*ext));
	if (!ext)
		return frame_lacks(f, memory, part->at + sizeof(*ext));
	length = (ext->length & kind->mask) + kind->more;
	length <<= kind->unit_log2;
	HIDE(length);
	part->at += length & EXTENSION_SIZE_MAX;
	if (*next == PROTO_FRAGMENT) {
		u16 fragment = BE16(ext->fragment);

		if (fragment & IPV6_OFFSET)
			return ext->next == PROTO_TCP || extensions[ext->next].unit_log2 ? PARSE_FRAGMENT
											 : PARSE_NOT_TCP;
		part->first |= fragment & IPV6_MORE;
	}
	*next = ext->next;
	return PARSE_TCP;
}

/* Length 0: as in IPv4, and the jumbogram of RFC 2675. */
INLINE enum parse_result parse_ipv6(const struct frame *f, enum frame_memory memory, u32 at,
				    struct segment *seg)
{
	const struct wire_ipv6 *ip = frame_at(f, memory, at, sizeof(*ip));
	struct ip_part part;
	u8 next;

	if (!ip)
		return frame_lacks(f, memory, at + sizeof(*ip));
	if (ip->version >> 4 != 6)
		return PARSE_MALFORMED;
	part.from = (struct address){{ip->from[0], ip->from[1]}};
	part.to = (struct address){{ip->to[0], ip->to[1]}};
	part.at = at + sizeof(*ip);
	part.end = ip->payload ? part.at + BE16(ip->payload) : f->wire_len;
	part.first = 0;
	next = ip->next;
	for (u32 i = 0; i < EXTENSIONS_MAX && next != PROTO_TCP; i++) {
		const struct extension *kind = &extensions[next];
		enum parse_result result;

		if (!kind->unit_log2)
			return PARSE_NOT_TCP;
		result = parse_extension(f, memory, kind, &part, &next);
		if (result != PARSE_TCP)
			return result;
	}
	return next == PROTO_TCP ? parse_tcp(f, memory, &part, seg) : PARSE_NOT_TCP;
}

/*
 * Fills what the headers say: key, sender, seq, ack, len, flags and, of a SYN,
 * mss, wscale and offers (0 in others). time, hash, place and all else are the
 * caller's. On any result but PARSE_TCP seg is untouched.
 */
INLINE enum parse_result parse_packet(const struct frame *f, enum frame_memory memory, enum link_first first,
				      struct segment *seg)
{
	enum parse_result result;
	__be16 type = 0;
	u32 at = 0;

	result =
	    first == LINK_ETHERNET ? parse_ethernet(f, memory, &at, &type) : parse_version(f, memory, &type);
	if (result != PARSE_TCP)
		return result;
	if (likely(type == BE16(ETHER_IPV4)))
		return parse_ipv4(f, memory, at, seg);
	if (type == BE16(ETHER_IPV6))
		return parse_ipv6(f, memory, at, seg);
	return PARSE_NOT_TCP;
}

/* The first bytes of a frame that could not be parsed where it lies. */
struct frame_copy {
	u8 byte[PARSE_BUFFER];
	u32 reach;    /* bytes that were copied */
	u32 wire_len; /* of the frame */
	u32 first;    /* enum link_first */
	u32 zero;
};

/* parse_packet() of a copy, once for all hooks: it is rare, and a verifier's work of its own. */
SUBPROGRAM int parse_copy(const struct frame_copy *copy, struct segment *seg)
{
	struct frame f;

	if (!copy || !seg)
		return PARSE_TRUNCATED;
	f.base = copy->byte;
	f.end = NULL;
	f.reach = copy->reach;
	f.wire_len = copy->wire_len;
	if (copy->first == LINK_ETHERNET)
		return parse_packet(&f, FRAME_BUFFER, LINK_ETHERNET, seg);
	return parse_packet(&f, FRAME_BUFFER, LINK_IP, seg);
}

#endif
