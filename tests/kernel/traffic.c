/* SPDX-License-Identifier: GPL-2.0-only */
#include "traffic.h"

#include <endian.h>
#include <string.h>

/* How far a conversation has come, by what its ends have sent; the monitor may have missed any of it. */
enum talk { TALK_NOT, TALK_SYN, TALK_SYN_ACK, TALK_OPEN, TALK_CLOSED };

enum { CLIENT, SERVER };

void traffic_begin(struct traffic *traffic, u64 seed, u32 mutate)
{
	memset(traffic, 0, sizeof(*traffic));
	traffic->dice.state = seed;
	traffic->mutate = mutate;
	for (u32 n = 0; n < CONVERSATIONS; n++)
		traffic->conversation[n].port = (u16)(40000 + n);
}

static int one_in(struct traffic *traffic, u32 n)
{
	return !dice_below(&traffic->dice, n);
}

/* Few clients and services, so that pairs of addresses have many connections. Every fourth is IPv6. */
static struct frame_spec speak(const struct conversation *c, u32 n, u32 end, u8 flags)
{
	struct address client = address_v4(htobe32(0x0a000001 + n % 2));
	struct address server = address_v4(htobe32(0xc0000201 + n / 2 % 2));
	struct frame_spec spec = {.flags = flags, .seq = c->next[end]};

	if (n % 4 == 3) {
		client = address_v6(0x20010db800000000ULL, 1);
		server = address_v6(0x20010db800000000ULL, 2);
	}
	spec.from = end == CLIENT ? client : server;
	spec.to = end == CLIENT ? server : client;
	spec.from_port = end == CLIENT ? c->port : 443;
	spec.to_port = end == CLIENT ? 443 : c->port;
	if (flags & TCP_ACK)
		spec.ack = c->acked[end];
	return spec;
}

/* A segment of so many bytes, beyond it the end goes on. */
static struct frame_spec say(struct conversation *c, u32 n, u32 end, u8 flags, u16 payload)
{
	struct frame_spec spec = speak(c, n, end, flags);

	spec.payload = payload;
	c->next[end] += payload + !!(flags & TCP_FIN) + !!(flags & TCP_SYN);
	return spec;
}

static struct frame_spec begin(struct traffic *traffic, struct conversation *c, u32 n)
{
	struct frame_spec spec;

	/* now and then just below where numbers wrap */
	c->next[CLIENT] = (u32)dice_word(&traffic->dice);
	if (one_in(traffic, 8))
		c->next[CLIENT] = 0xffffffffu - dice_below(&traffic->dice, 3);
	c->next[SERVER] = (u32)dice_word(&traffic->dice);
	c->acked[CLIENT] = c->acked[SERVER] = 0;
	c->fins = 0;
	c->state = TALK_SYN;
	spec = say(c, n, CLIENT, TCP_SYN, one_in(traffic, 20) ? 100 : 0);
	spec.wscale = (u8)dice_below(&traffic->dice, 16);
	return spec;
}

static struct frame_spec answer(struct traffic *traffic, struct conversation *c, u32 n)
{
	struct frame_spec spec;

	c->acked[SERVER] = c->next[CLIENT];
	if (one_in(traffic, 10)) {
		c->state = TALK_CLOSED;
		return speak(c, n, SERVER, TCP_RST | TCP_ACK);
	}
	c->state = TALK_SYN_ACK;
	spec = say(c, n, SERVER, TCP_SYN | TCP_ACK, 0);
	spec.wscale = (u8)dice_below(&traffic->dice, 16);
	return spec;
}

static struct frame_spec reset(struct conversation *c, u32 n, u32 end)
{
	c->state = TALK_CLOSED;
	return speak(c, n, end, TCP_RST);
}

static struct frame_spec talk(struct traffic *traffic, struct conversation *c, u32 n)
{
	u32 end = dice_below(&traffic->dice, 2), what = dice_below(&traffic->dice, 16);

	c->acked[end] = c->next[!end];
	if (what == 0)
		return reset(c, n, end);
	if (what < 6 && !(c->fins & 1u << end)) {
		c->fins |= (u8)(1u << end);
		return say(c, n, end, TCP_FIN | TCP_ACK, one_in(traffic, 4) ? 20 : 0);
	}
	if (c->fins == 3 && what < 12)
		c->state = TALK_CLOSED;
	if (what < 12 || (c->fins & 1u << end))
		return speak(c, n, end, TCP_ACK);
	return say(c, n, end, TCP_PSH | TCP_ACK, (u16)dice_below(&traffic->dice, 200));
}

static struct frame_spec next_word(struct traffic *traffic, struct conversation *c, u32 n)
{
	switch (c->state) {
	case TALK_SYN:
		return answer(traffic, c, n);
	case TALK_SYN_ACK:
		c->state = TALK_OPEN;
		c->acked[CLIENT] = c->next[SERVER];
		return one_in(traffic, 12) ? reset(c, n, CLIENT) : speak(c, n, CLIENT, TCP_ACK);
	case TALK_OPEN:
		return talk(traffic, c, n);
	default:
		return begin(traffic, c, n);
	}
}

/* Numbers a little beside the right ones, or flags out of turn: a forger, a stale peer, a broken stack. */
static void forge(struct traffic *traffic, struct frame_spec *spec)
{
	switch (dice_below(&traffic->dice, 4)) {
	case 0:
		spec->seq += dice_below(&traffic->dice, 5) - 2;
		break;
	case 1:
		spec->ack += dice_below(&traffic->dice, 5) - 2;
		break;
	case 2:
		spec->flags = (u8)dice_below(&traffic->dice, 64);
		break;
	default:
		spec->seq = (u32)dice_word(&traffic->dice);
		break;
	}
}

static u64 step_of(struct traffic *traffic)
{
	u32 kind = dice_below(&traffic->dice, 10000);

	if (kind == 0)
		return (u64)dice_below(&traffic->dice, 15 * 3600) * NSEC_PER_SEC + 1;
	if (kind < 10)
		return (u64)dice_below(&traffic->dice, 3600 * 1000) * NSEC_PER_MSEC;
	if (kind < 300)
		return (u64)dice_below(&traffic->dice, 5000) * NSEC_PER_MSEC;
	/* on a tick, too: there the deadline comes before the packet */
	if (one_in(traffic, 4))
		return (u64)dice_below(&traffic->dice, 2) * TICK_NS;
	return dice_below(&traffic->dice, 30000000);
}

static struct frame_spec choose(struct traffic *traffic)
{
	u32 n = dice_below(&traffic->dice, CONVERSATIONS);
	struct frame_spec spec = next_word(traffic, &traffic->conversation[n], n);
	struct frame_spec *old = &traffic->last[traffic->sent++ % ARRAY_SIZE(traffic->last)];
	struct frame_spec chosen = spec;

	/* what is repeated is one of the last eight; the one that it displaces may come later, or was lost */
	if (one_in(traffic, 6) && old->from_port)
		chosen = *old;
	*old = spec;
	if (one_in(traffic, 20))
		forge(traffic, &chosen);
	return chosen;
}

void traffic_next(struct traffic *traffic, struct sent *sent)
{
	struct frame_spec spec = choose(traffic);

	if (one_in(traffic, traffic->mutate + 2))
		frame_random_spec(&traffic->dice, &spec);
	spec.first = LINK_ETHERNET;
	sent->size = frame_make(sent->frame, &spec);
	if (one_in(traffic, traffic->mutate))
		sent->size = frame_mutate(&traffic->dice, sent->frame, sent->size);
	sent->of_server = spec.from_port == 443;
	sent->step = step_of(traffic);
}
