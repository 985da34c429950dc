/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any segments at any time through the engine: all sums balance after each, the
 * watch filter too, no flow is left held, no proof is lost that was not taken
 * back and counted, no set of proofs comes about that cannot be.
 *
 * Input: one byte for the configuration, then eight bytes a segment. Numbers are
 * near those that the two ends have used, so that they often fit; a flag makes
 * them those of an injector who knows nothing.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "balance.h"
#include "host.h"

#define OP_BYTES 8
#define FLOWS 3
#define BEGIN_NS (1000 * NSEC_PER_SEC)

struct numbers_used {
	u32 nxt[2], una[2]; /* by client, server: next to send, last acknowledged by the other */
};

struct fuzz {
	struct host *host;
	struct engine *engine;
	struct numbers_used used[FLOWS];
	u64 now, told;
	u64 words[512];
	u64 first_ns[512];
	u64 changes;
};

static void must(int condition)
{
	if (!condition)
		abort();
}

static void told(void *arg, const struct event *event)
{
	struct fuzz *f = arg;

	f->told += event->kind < EVENT_KINDS;
	must(event->version == EVENT_VERSION && event->time <= f->now);
	must(event->kind != EVENT_CLOSE || (event->detail > HOW_NONE && event->detail < HOWS));
}

/* Tables of one to eight lines: the smaller, the more is evicted. */
static struct config config_of(u8 byte)
{
	u32 rows = 1u << (byte >> 4 & 3);
	struct config config = {
		.secret = 0x2545f4914f6cdd1dULL,
		.seeds = byte & 0x20 ? SEEDS_LEAST : 0,
		.events = byte & 0x40 ? 0xff : 0,
		.table = { { 0, rows }, { rows, rows }, { 2 * rows, 1 } },
		.half_open_after = byte & 4 ? 30 : 0,
		.give_up_after = 750,
		.close_wait_after = byte & 8 ? 600 : 0,
		.fin_wait_after = byte & 8 ? 900 : 0,
		.time_wait_after = byte & 0x80 ? 100 : 0,
		.idle_after = byte & 4 ? 1000 : 0,
		.pair_limit = 2,
		.ask_sockets = byte >> 7,
		.view = byte % 3,
	};

	return config;
}

/* Slots whose word and record are looked at: both flow tables. */
static u32 flow_slots(const struct fuzz *f)
{
	return f->engine->config.table[TABLE_SERVICES].first_line * LINE_WORDS;
}

/* What takes proofs back. */
static u64 changes(const struct fuzz *f)
{
	return f->engine->tally.count[C_fin_disproved] + f->engine->tally.count[C_rst_disproved];
}

/* Of what stands where it stood, nothing was lost. Q is no fact, but a number's consequence. */
static void check_growth(struct fuzz *f)
{
	for (u32 slot = 0; slot < flow_slots(f); slot++) {
		u64 was = f->words[slot], now = f->engine->lines[slot];
		int same = was && now && word_tag(was) == word_tag(now) && !((was ^ now) & WORD_TOMB) &&
			   f->first_ns[slot] == f->engine->flows[slot].first_ns;

		for (u32 end = 0; end < 2 && same && f->changes == changes(f); end++)
			must(!(word_proofs(was, end) & ~word_proofs(now, end) & ~PROOF_Q));
		f->words[slot] = now;
		f->first_ns[slot] = f->engine->flows[slot].first_ns;
	}
	f->changes = changes(f);
}

static void check(struct fuzz *f)
{
	must(!balance_fault_quick(f->engine, f->told));
	must(!f->engine->tally.count[C_internal_error]);
	check_growth(f);
}

static u32 near(u32 base, u8 how)
{
	static const u32 step[] = { 0, 1, 100, 0xffffffff, 1000, 0xffffff00, 65536, 0x80000000 };

	return base + step[how & 7];
}

/* Numbers as the ends have them, or (injector) as nobody has. */
static void number(struct fuzz *f, struct segment *seg, const u8 *op, u32 flow, u32 end)
{
	struct numbers_used *used = &f->used[flow];

	seg->len = op[3] & 0x40 ? op[4] : 0;
	seg->seq = near(op[3] & 0x80 ? used->una[end] : used->nxt[end], op[3]);
	seg->ack = near(used->nxt[PEER_OF(end)], op[3] >> 3);
	if (op[2] & 1) {
		seg->seq = op[4] * 0x01030507u;
		seg->ack = op[5] * 0x0b0d1113u;
		return;
	}
	if (seg->flags & TCP_RST)
		return;
	used->nxt[end] = segment_end(seg);
	if (seg->flags & TCP_ACK)
		used->una[PEER_OF(end)] = seg->ack;
}

static void advance(struct fuzz *f, u8 how)
{
	static const u64 ms[] = { 0, 0, 1, 50, 1000, 3000, 30000, 76000 };

	/* no two segments at one time: the time of its first tells a flow from the next of its pair in its slot */
	f->now += ms[how & 7] * NSEC_PER_MSEC + 1;
	/* now and then hours: a deadline's bits go round in 29 */
	if ((how & 0xf8) == 0xf8)
		f->now += 20 * 3600 * NSEC_PER_SEC;
}

static void play(struct fuzz *f, const u8 *op)
{
	struct address client = address_v4(htonl(0x0a000001)), server = address_v4(htonl(0x0a000002));
	u32 flow = op[0] % FLOWS, end = op[0] >> 2 & 1;
	struct segment seg = { .flags = op[1], .ifindex = 1 + (op[2] >> 1 & 1), .own = op[2] >> 2 & 1 };
	u16 port = (u16)(50000 + flow);

	if (op[0] & 0x80) /* one of a flood */
		port = (u16)(op[4] | 0x100);
	if (end)
		seg.sender = key_make(&seg.key, server, 443, client, port);
	else
		seg.sender = key_make(&seg.key, client, port, server, 443);
	number(f, &seg, op, flow, end);
	seg.place = place_of(seg.ifindex, op[2] >> 3 & 1);
	if (seg.flags & TCP_SYN) {
		seg.offers = op[5];
		seg.wscale = op[6] & 15;
		seg.mss = 1460;
	}
	seg.numbers = (op[2] >> 4 & 3) % 3;
	seg.rcv_nxt = near(f->used[flow].nxt[end], op[6]);
	seg.rcv_wnd = 65535;
	advance(f, op[7]);
	host_packet(f->host, PARSE_TCP, &seg, f->now);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { .now = BEGIN_NS };
	struct config config;

	if (size < 1 + OP_BYTES || size > 1 + 512 * OP_BYTES)
		return 0;
	config = config_of(data[0]);
	if (host_new(&f.host, &config, told, &f))
		return 0;
	f.engine = (struct engine *)f.host;
	for (u32 i = 0; i < FLOWS; i++)
		f.used[i] = (struct numbers_used){ .nxt = { 0xffffff00u + i * 0x100, 0x40000000 } };
	for (size_t at = 1; at + OP_BYTES <= size; at += OP_BYTES) {
		play(&f, data + at);
		check(&f);
	}
	must(!balance_fault(f.engine, f.told));
	f.now += 100 * NSEC_PER_SEC;
	host_clock(f.host, f.now);
	check(&f);
	host_conclude(f.host, HOW_END_OF_RUN, f.now);
	must(!balance_fault(f.engine, f.told));
	host_free(f.host);
	return 0;
}
