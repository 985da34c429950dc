// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "world.h"

#define BULK 48 /* so many handshakes at once are split by shares, fewer one by one */

static const u32 retry_ticks[TRIES] = { 10, 20, 40, 80, 160 };

static double normal_below(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

struct lag lag_of(double median_ms, double spread)
{
	const double step = 1000.0 / TICKS_PER_SEC;
	struct lag lag = { .classes = 1 };
	double left = 1, below = 0;
	u32 byte = 0;

	lag.left[0] = 1;
	if (median_ms <= 0)
		return lag;
	lag.classes = LAG_CLASSES;
	for (u32 i = 0; i < LAG_CLASSES; i++) {
		double share = 0;

		/* the SYN comes anywhere in its tick */
		for (int part = 0; part < 10; part++) {
			double ms = (i + 1 - (part + 0.5) / 10) * step;

			share += normal_below(log(ms / median_ms) / spread) / 10;
		}
		lag.left[i] = i + 1 == LAG_CLASSES || left <= 1e-9 ? 1 : (share - below) / left;
		left -= share - below;
		below = share;
		for (; byte < 256 && (byte + 0.5) / 256 < below; byte++)
			lag.of_byte[byte] = (u8)i;
	}
	for (; byte < 256; byte++)
		lag.of_byte[byte] = LAG_CLASSES - 1;
	return lag;
}

static struct bin *ahead(struct world *world, u64 ticks)
{
	return &world->ahead[(world->now + ticks) % AHEAD];
}

/* A backlog entry is taken now and freed then, in this tick at the earliest at its end. */
static void backlog_take(struct world *world, u32 n, u64 ticks)
{
	world->server.half_open += n;
	world->backlog_freed[(world->now + (ticks ? ticks : 1)) % AHEAD] += n;
}

/* The third step of n answered handshakes, `after` ticks from now. */
static void complete(struct world *world, u32 n, u64 after)
{
	u64 held = world->stalled_until > world->now + after ? world->stalled_until - world->now - after : 0;

	ahead(world, after + held)->completed += n;
	backlog_take(world, n, after + held);
}

static void each_lag(struct world *world, u32 n, const struct lag *lag, u64 after,
		     void (*then)(struct world *, u32, u64))
{
	for (u32 i = 0; n && i < lag->classes; i++) {
		u32 some = binomial(&world->random, n, lag->left[i]);

		if (some)
			then(world, some, after + i);
		n -= some;
	}
}

static u32 one_lag(struct world *world, const struct lag *lag)
{
	return lag->of_byte[random_u64(&world->random) & 255];
}

/* The client never answers: its handshake is over 75 s after the server's last SYN-ACK. */
static void fail(struct world *world, u32 n, u64 after)
{
	ahead(world, after + 310 + GIVE_UP_TICKS)->timed_out += n;
	backlog_take(world, n, after + BACKLOG_TICKS);
}

static void abandon(struct world *world, u32 n, u64 after)
{
	ahead(world, after)->aborted += n;
	backlog_take(world, n, after);
}

/* The SYN-ACK was lost: the client tries again after a second, or two seconds later, and the answer comes then. */
static void lose(struct world *world, u32 n, u64 after)
{
	u32 twice = binomial(&world->random, n, world->clients.loss);

	ahead(world, after + 10)->syn_repeated += n;
	ahead(world, after + 30)->syn_repeated += twice;
	each_lag(world, n - twice, &world->clients.lag, after + 10, complete);
	each_lag(world, twice, &world->clients.lag, after + 30, complete);
}

static void answer(struct world *world, u32 n, u64 after)
{
	const struct clients *clients = &world->clients;
	u32 failed = binomial(&world->random, n, clients->fail);
	u32 aborted = binomial(&world->random, n - failed, clients->abort);
	u32 lost = binomial(&world->random, n - failed - aborted, clients->loss);

	ahead(world, after)->synack += n;
	if (after > 10)
		ahead(world, 10)->syn_repeated += n;
	if (failed)
		fail(world, failed, after);
	if (aborted)
		each_lag(world, aborted, &clients->lag, after, abandon);
	if (lost)
		lose(world, lost, after);
	n -= failed + aborted + lost;
	if (n >= BULK) {
		each_lag(world, n, &clients->lag, after, complete);
		return;
	}
	while (n--)
		complete(world, 1, after + one_lag(world, &clients->lag));
}

/* How many of n SYNs the server drops: its queue is full, or it is away. */
static u32 drops(struct world *world, u32 n)
{
	const struct server *server = &world->server;
	u64 room;

	if (server->state == SERVER_SILENT)
		return n;
	if (!server->cookies) {
		room = server->backlog > server->half_open ? server->backlog - server->half_open : 0;
		if (n > room)
			return n - (u32)room;
	}
	return binomial(&world->random, n, server->drop);
}

/* The stacks of n clients whose SYN was dropped; after the last try the user may begin anew. */
static void try_again(struct world *world, u32 n, u32 tries)
{
	u32 anew;

	if (tries < TRIES) {
		world->retry[(world->now + retry_ticks[tries]) % AHEAD][tries] += n;
		return;
	}
	anew = binomial(&world->random, n, world->again);
	world->anew[(world->now + 320) % AHEAD] += anew;
	ahead(world, GIVE_UP_TICKS)->timed_out += n;
}

static void serve(struct world *world, u32 n, u32 tries)
{
	u32 dropped;

	if (world->server.state == SERVER_REFUSES) {
		ahead(world, 0)->refused += n;
		world->anew[(world->now + 10) % AHEAD] += binomial(&world->random, n, world->again);
		return;
	}
	dropped = drops(world, n);
	if (dropped)
		try_again(world, dropped, tries);
	each_lag(world, n - dropped, &world->server.lag, 0, answer);
}

static void probe(struct world *world, u32 n)
{
	if (!n)
		return;
	ahead(world, 0)->syn += n;
	if (world->server.state == SERVER_REFUSES) {
		ahead(world, 0)->refused += n;
		return;
	}
	n -= drops(world, n);
	ahead(world, 0)->synack += n;
	ahead(world, 0)->aborted += n;
}

/* SYNs of the flood in this tick: paced, the way tools send. */
static u32 flood_syns(struct world *world)
{
	struct flood *flood = &world->flood;
	double s = (double)(world->now - flood->since) / TICKS_PER_SEC, rate = flood->rate;
	u32 n;

	if (rate <= 0 || world->now < flood->since)
		return 0;
	if (flood->on_s > 0 && fmod(s, flood->on_s + flood->off_s) >= flood->on_s)
		return 0;
	if (flood->ramp_s > 0 && s < flood->ramp_s)
		rate *= s / flood->ramp_s;
	flood->owed += rate / TICKS_PER_SEC * between(&world->random, 0.85, 1.15);
	n = flood->owed > 0 ? (u32)flood->owed : 0;
	flood->owed -= n;
	return n;
}

static void flood_answered(struct world *world, u32 n)
{
	u32 rst = world->flood.kind == FLOOD_RST_ALL ? n :
		  world->flood.kind == FLOOD_RST_SOME ? binomial(&world->random, n, 0.33) : 0;

	ahead(world, 0)->synack += n;
	each_lag(world, rst, &world->clients.lag, 0, abandon);
	n -= rst;
	fail(world, n, 0);
	if (world->flood.kind != FLOOD_STACKS)
		return;
	for (u32 i = 0, at = 0; i < TRIES; i++) {
		at += retry_ticks[i];
		ahead(world, at)->syn_repeated += n;
	}
}

static void flood_tick(struct world *world)
{
	u32 n = flood_syns(world), dropped;

	if (!n)
		return;
	ahead(world, 0)->syn += n;
	world->flood_seen += n;
	if (world->server.state == SERVER_REFUSES) {
		ahead(world, 0)->refused += n;
		return;
	}
	dropped = world->flood.kind == FLOOD_UNANSWERED ? n : drops(world, n);
	if (dropped)
		ahead(world, GIVE_UP_TICKS)->timed_out += dropped;
	if (dropped && world->flood.kind == FLOOD_STACKS)
		for (u32 i = 0, at = 0; i < TRIES; i++) {
			at += retry_ticks[i];
			ahead(world, at)->syn_repeated += dropped;
		}
	flood_answered(world, n - dropped);
}

static u64 over_of(const struct bin *bin)
{
	return (u64)bin->completed + bin->refused + bin->reset + bin->aborted + bin->timed_out + bin->replaced +
	       bin->evicted;
}

/* The monitor's table: when it is full the oldest go, which are those that would have timed out first. */
static void evict(struct world *world, struct bin *bin)
{
	u64 spared = world->evicted < bin->timed_out ? world->evicted : bin->timed_out, over;

	bin->timed_out -= (u32)spared;
	world->evicted -= spared;
	over = over_of(bin);
	world->pending += bin->syn;
	world->pending -= over < world->pending ? over : world->pending;
	if (world->pending <= world->table)
		return;
	bin->evicted = (u32)(world->pending - world->table);
	world->evicted += bin->evicted;
	world->pending = world->table;
}

struct bin world_tick(struct world *world)
{
	u64 slot = world->now % AHEAD;
	u32 fresh = poisson(&world->random, world->rate / TICKS_PER_SEC) + world->anew[slot];
	struct bin bin;

	world->server.half_open -= world->backlog_freed[slot];
	world->backlog_freed[slot] = 0;
	world->anew[slot] = 0;
	world->ahead[slot].syn += fresh;
	world->clients_seen += fresh;
	if (fresh)
		serve(world, fresh, 0);
	for (u32 i = 0; i < TRIES; i++) {
		u32 again = world->retry[slot][i];

		world->retry[slot][i] = 0;
		world->ahead[slot].syn_repeated += again;
		if (again)
			serve(world, again, i + 1);
	}
	probe(world, world->probes[slot]);
	world->probes[slot] = 0;
	flood_tick(world);
	bin = world->ahead[slot];
	world->ahead[slot] = (struct bin){ 0 };
	evict(world, &bin);
	world->now++;
	return bin;
}

void world_begin(struct world *world, u64 seed)
{
	memset(world, 0, sizeof(*world));
	world->random = random_seed(seed);
	world->clients.lag = lag_of(50, 0.7);
	world->clients.loss = 0.005;
	world->clients.fail = 0.002;
	world->server.backlog = 4096;
	world->server.lag = lag_of(0, 0);
	world->server.cookies = 1;
	world->again = 0.5;
	world->table = 600000;
}
