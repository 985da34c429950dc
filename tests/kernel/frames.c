/* SPDX-License-Identifier: GPL-2.0-only */
#include "frames.h"

#include <endian.h>
#include <string.h>

#include "packets.h"

#define FRAME_MIN 14 /* a test run wants an Ethernet header's worth */

struct writer {
	u8 *at;
};

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	memcpy(w->at, bytes, n);
	w->at += n;
}

static void put_same(struct writer *w, u8 byte, u32 n)
{
	memset(w->at, byte, n);
	w->at += n;
}

/* Bytes as packets.h writes them. */
#define PUT(w, ...) put_bytes(w, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

static int is_v4(const struct frame_spec *spec)
{
	return address_is_v4(&spec->from) && address_is_v4(&spec->to);
}

static void put_ethernet(struct writer *w, const struct frame_spec *spec)
{
	PUT(w, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);
	for (u32 i = 0; i < spec->tags; i++)
		PUT(w, B16(i ? ETHER_VLAN : ETHER_VLAN_OUTER), B16(100 + i));
	PUT(w, B16(is_v4(spec) ? ETHER_IPV4 : ETHER_IPV6));
}

static void put_ipv4(struct writer *w, const struct frame_spec *spec, u32 tcp)
{
	u32 more = spec->extensions < 10 ? spec->extensions : 10, total = (5 + more) * 4 + tcp;
	u32 from = v4_of_low(spec->from.word[1]), to = v4_of_low(spec->to.word[1]);

	PUT(w, 0x45 + more, 0, B16(total), B16(1), B16(spec->fragment ? IPV4_MORE : 0), 64, PROTO_TCP,
	    B16(0));
	put_bytes(w, &from, 4);
	put_bytes(w, &to, 4);
	put_same(w, 1, more * 4); /* no operation */
}

/* What comes i-th behind the IPv6 header. */
static u8 next_header(const struct frame_spec *spec, u32 i)
{
	static const u8 kinds[] = {PROTO_HOP_BY_HOP, PROTO_ROUTING, PROTO_DESTINATION, PROTO_MOBILITY};

	if (i < spec->extensions)
		return kinds[i % ARRAY_SIZE(kinds)];
	return i == spec->extensions && spec->fragment ? PROTO_FRAGMENT : PROTO_TCP;
}

static void put_ipv6(struct writer *w, const struct frame_spec *spec, u32 tcp)
{
	u32 headers = spec->extensions + spec->fragment, i;

	PUT(w, 0x60, 0, 0, 0, B16(headers * 8 + tcp), next_header(spec, 0), 64);
	put_bytes(w, spec->from.word, 16);
	put_bytes(w, spec->to.word, 16);
	for (i = 0; i < spec->extensions; i++)
		PUT(w, next_header(spec, i + 1), 0, ZERO4, 0, 0);
	if (spec->fragment)
		PUT(w, next_header(spec, i + 1), 0, B16(IPV6_MORE), B32(7));
}

static u32 options_length(const struct frame_spec *spec)
{
	return (spec->flags & TCP_SYN) && spec->wscale ? 20 : 0;
}

static void put_tcp(struct writer *w, const struct frame_spec *spec)
{
	u32 options = options_length(spec);

	PUT(w, B16(spec->from_port), B16(spec->to_port), B32(spec->seq), B32(spec->ack));
	PUT(w, (20 + options) / 4 << 4, spec->flags, B16(512), ZERO4);
	if (options)
		PUT(w, TCP_OPTION_MSS, 4, B16(1460), TCP_OPTION_SACK_OK, 2, TCP_OPTION_TIMESTAMPS, 10, B32(1),
		    ZERO4, TCP_OPTION_NOP, TCP_OPTION_WSCALE, 3, spec->wscale);
}

u32 frame_make(u8 *out, const struct frame_spec *spec)
{
	u32 tcp = 20 + options_length(spec) + spec->payload;
	struct writer w = {out};

	if (spec->first == LINK_ETHERNET)
		put_ethernet(&w, spec);
	if (is_v4(spec))
		put_ipv4(&w, spec, tcp);
	else
		put_ipv6(&w, spec, tcp);
	put_tcp(&w, spec);
	put_same(&w, 0, spec->payload);
	return (u32)(w.at - out);
}

struct address address_v6(u64 high, u64 low)
{
	return (struct address){{htobe64(high), htobe64(low)}};
}

/* xorshift64*, by Vigna */
u64 dice_word(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return dice->state * 0x2545f4914f6cdd1dULL;
}

u32 dice_below(struct dice *dice, u32 n)
{
	return (u32)((dice_word(dice) >> 32) * n >> 32);
}

static struct address random_address(struct dice *dice, int v6)
{
	u32 host = 1 + dice_below(dice, 2);

	return v6 ? address_v6(0x20010db800000000ULL, host) : address_v4(htobe32(0x0a000000 + host));
}

static u8 random_flags(struct dice *dice)
{
	static const u8 likely_flags[] = {TCP_SYN,	     TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK,
					  TCP_PSH | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK};

	return dice_below(dice, 16) ? likely_flags[dice_below(dice, ARRAY_SIZE(likely_flags))]
				    : (u8)dice_below(dice, 256);
}

void frame_random_spec(struct dice *dice, struct frame_spec *spec)
{
	int v6 = dice_below(dice, 3) == 0, plain = dice_below(dice, 4) != 0;

	*spec = (struct frame_spec){
	    .from = random_address(dice, v6),
	    .to = random_address(dice, v6),
	    .from_port = (u16)(40000 + dice_below(dice, dice_below(dice, 4) ? 4 : 20000)),
	    .to_port = 443,
	    .seq = 1000 + dice_below(dice, 3),
	    .ack = 1000 + dice_below(dice, 3),
	    .flags = random_flags(dice),
	    .wscale = (u8)dice_below(dice, 16),
	    .payload = dice_below(dice, 4) ? 0 : (u16)dice_below(dice, PAYLOAD_MAX + 1),
	};
	if (dice_below(dice, 2)) {
		u16 port = spec->from_port;

		spec->from_port = spec->to_port;
		spec->to_port = port;
	}
	if (plain)
		return;
	spec->tags = (u8)dice_below(dice, VLAN_TAGS_MAX + 2);
	spec->extensions = (u8)dice_below(dice, EXTENSIONS_MAX + 2);
	spec->fragment = !dice_below(dice, 4);
}

static u32 change_length(struct dice *dice, u8 *frame, u32 length)
{
	u32 other = FRAME_MIN + dice_below(dice, dice_below(dice, 2) ? length + 64 - FRAME_MIN : 120);

	if (other > FRAME_MAX)
		other = FRAME_MAX;
	for (u32 at = length; at < other; at++)
		frame[at] = (u8)dice_word(dice);
	return other;
}

u32 frame_mutate(struct dice *dice, u8 *frame, u32 length)
{
	/* most of what decides lies in the first bytes */
	u32 reach = dice_below(dice, 4) && length > 80 ? 80 : length;

	for (u32 n = 1 + dice_below(dice, 4); n; n--) {
		u32 at = dice_below(dice, reach);

		switch (dice_below(dice, 4)) {
		case 0:
			frame[at] ^= (u8)(1u << dice_below(dice, 8));
			break;
		case 1:
			frame[at] = (u8)dice_word(dice);
			break;
		case 2:
			frame[at] = dice_below(dice, 2) ? 0xff : 0;
			break;
		default:
			length = change_length(dice, frame, length);
			reach = reach < length ? reach : length;
			break;
		}
	}
	return length;
}
