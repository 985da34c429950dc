/* SPDX-License-Identifier: GPL-2.0-only */
#include "world.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "names.h"

#define STEP_NS (7 * NSEC_PER_MSEC)
#define MOVES_MAX 400

void (*world_seen)(struct world *world);
void (*world_moved)(struct world *world);

/* --- choices --- */

static u32 draw(struct chooser *c, u32 n)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (u32)(c->random >> 32) % n;
}

u32 choose(struct chooser *c, u32 n)
{
	u32 pick = 0;

	if (n < 2 || !c->budget || c->at >= CHOICES_MAX)
		return 0;
	if (c->random)
		pick = draw(c, 256) < c->odds ? draw(c, n) : 0;
	else if (c->at < c->length)
		pick = c->path[c->at];
	c->path[c->at] = (u8)pick;
	c->width[c->at++] = (u8)n;
	if (pick)
		c->budget--;
	return pick;
}

int chooser_next(struct chooser *c, u32 budget)
{
	while (c->at && c->path[c->at - 1] + 1 >= c->width[c->at - 1])
		c->at--;
	if (!c->at)
		return 0;
	c->path[c->at - 1]++;
	c->length = c->at;
	c->at = 0;
	c->budget = budget;
	return 1;
}

static void write_down(struct world *w, const char *what, u32 sender, const struct packet *packet)
{
	if (w->written < ARRAY_SIZE(w->diary))
		w->diary[w->written++] = (struct diary_line){ what, *packet, (u8)sender,
							       { w->end[CLIENT].state, w->end[SERVER].state } };
}

void world_print_diary(const struct world *w, FILE *out)
{
	for (u32 i = 0; i < w->written; i++) {
		const struct diary_line *line = &w->diary[i];
		const struct packet *p = &line->packet;
		u32 own = w->end[line->sender].iss, peer = w->end[PEER_OF(line->sender)].iss;

		fprintf(out, "%-10s %s %s%s%s%s seq %u:%u ack %u (%s/%s)\n", line->what,
			line->sender == CLIENT ? "client" : "server", p->flags & TCP_SYN ? "S" : "",
			p->flags & TCP_FIN ? "F" : "", p->flags & TCP_RST ? "R" : "", p->flags & TCP_ACK ? "." : "",
			p->seq - own, p->seq - own + p->len, p->flags & TCP_ACK ? p->ack - peer : 0,
			state_name(line->state[CLIENT]), state_name(line->state[SERVER]));
	}
}

/* --- the monitor --- */

static void hear(void *arg, const struct event *event)
{
	struct world *w = arg;

	w->events += event->kind < EVENT_KINDS;
	w->opens += event->kind == EVENT_OPEN;
	if (event->kind == EVENT_CLOSE) {
		w->closes++;
		w->close = *event;
	}
}

static struct config world_config(void)
{
	struct config config = {
		.secret = 0x5bd1e995a3c59ac3ULL,
		.seeds = SEEDS_LEAST,
		.events = (1u << EVENT_KINDS) - 1,
		.row_bits = 0,
		.table = { { 0, 2 }, { 2, 2 }, { 4, 2 } },
		.half_open_after = 3 * TICKS_PER_SEC,
		.give_up_after = 75 * TICKS_PER_SEC,
		.close_wait_after = 60 * TICKS_PER_SEC,
		.fin_wait_after = 90 * TICKS_PER_SEC,
		.idle_after = 100 * TICKS_PER_SEC,
		.view = VIEW_TAP,
	};

	return config;
}

int world_new(struct world *w)
{
	struct config config = world_config();

	memset(w, 0, sizeof(*w));
	w->now = 1000 * NSEC_PER_SEC;
	if (host_new(&w->host, &config, hear, w))
		return -1;
	w->engine = (struct engine *)w->host;
	return 0;
}

void world_free(struct world *w)
{
	host_free(w->host);
}

static void key_of(struct world *w, u32 sender, struct segment *seg)
{
	struct address low = address_v4(htonl(0x0a000001)), high = address_v4(htonl(0x0a000002));
	/* each is end 0 of the key in turn */
	struct address client = w->port & 1 ? low : high, server = w->port & 1 ? high : low;

	if (sender == CLIENT)
		seg->sender = key_make(&seg->key, client, w->port, server, 443);
	else
		seg->sender = key_make(&seg->key, server, 443, client, w->port);
}

struct shown world_shown(struct world *w)
{
	struct shown view = { 0 };
	u32 first = w->engine->config.table[TABLE_CONNECTIONS].first_line * LINE_WORDS;
	u32 slots = w->engine->config.table[TABLE_SERVICES].first_line * LINE_WORDS;
	struct segment seg;

	key_of(w, CLIENT, &seg);
	for (u32 slot = 0; slot < slots; slot++) {
		u64 word = w->engine->lines[slot];

		if (!word || !key_equal(&w->engine->flows[slot].key, &seg.key))
			continue;
		/* live before dead, connection before handshake */
		if (view.found && (!view.tomb || (word & WORD_TOMB)) && (view.tomb || !view.pending || slot < first))
			continue;
		view = (struct shown){ .found = 1, .tomb = !!(word & WORD_TOMB), .pending = slot < first,
				      .word = word };
	}
	engine = w->engine;
	for (u32 place = 0; place < w->engine->config.seeds; place++) {
		const struct seed *seed = &w->engine->seeds[place];

		if ((w->engine->seed_words[place] & SEED_LIVE) && seed_has_key(seed, &seg.key) &&
		    (!view.found || view.tomb))
			view = (struct shown){ .found = 1, .pending = 1, 
					      .word = word_of_seed(seed, &w->engine->seed_answers[place], w->engine->seed_words[place]) };
	}
	for (u32 e = 0; e < 2; e++)
		view.state[e] = word_end_state(view.word, e == CLIENT ? seg.sender : PEER_OF(seg.sender));
	return view;
}

/* What the receiver would make of all that was seen and has not reached it. */
static void imagine(struct world *w, u32 receiver)
{
	struct endpoint end = w->end[receiver], alone = end;

	if (w->unreads[receiver])
		oracle_receive(&alone, &w->unread[receiver][w->unreads[receiver] - 1]);
	w->could[receiver] |= alone.visited;
	for (u32 i = 0; i < w->unreads[receiver]; i++) {
		oracle_receive(&end, &w->unread[receiver][i]);
		w->could[receiver] |= end.visited;
	}
}

static void remember_unread(struct world *w, u32 receiver, const struct packet *packet)
{
	u32 *n = &w->unreads[receiver];

	if (*n == ARRAY_SIZE(w->unread[0])) {
		memmove(w->unread[receiver], w->unread[receiver] + 1, sizeof(w->unread[0]) - sizeof(*packet));
		(*n)--;
	}
	w->unread[receiver][(*n)++] = *packet;
	imagine(w, receiver);
}

static void note_order(struct world *w, u32 sender, const struct packet *packet)
{
	const struct endpoint *peer = &w->end[PEER_OF(sender)];

	/* ISNs of two lives lie further apart than any number of one */
	if ((packet->flags & (TCP_SYN | TCP_FIN)) && w->lives > 1 &&
	    packet->seq - w->end[sender].iss > 0x8000000)
		w->stale = 1;
	w->rst_seen |= packet->flags & TCP_RST;
	if (packet->flags & TCP_SYN)
		w->syns_seen |= 1 << sender;
	if (packet->flags & TCP_FIN)
		w->fins_seen |= 1 << sender;
	/* who knows whose FIN that is, before any SYN: as good as unseen */
	if ((packet->flags & TCP_FIN) && !w->syns_seen)
		w->bypassed = 1;
	if (peer->fin_sent && packet->ack == peer->fin && !(w->fins_seen & 1 << PEER_OF(sender)) &&
	    word_watch(world_shown(w).word) == WATCH_NONE)
		w->ack_first = 1;
}

static void show(struct world *w, u32 sender, const struct packet *packet)
{
	struct segment seg = {
		.seq = packet->seq, .ack = packet->ack, .len = packet->len, .flags = packet->flags,
		.place = place_of(1, HOOK_IN), .ifindex = 1,
	};

	key_of(w, sender, &seg);
	if (packet->flags & TCP_SYN) {
		seg.wscale = packet->wscale;
		seg.offers = OFFER_WSCALE;
	}
	write_down(w, "seen", sender, packet);
	note_order(w, sender, packet);
	remember_unread(w, PEER_OF(sender), packet);
	host_packet(w->host, PARSE_TCP, &seg, w->now);
	if (world_seen)
		world_seen(w);
}

/* --- the channel --- */

static int at_monitor(const struct world *w, u32 end)
{
	return w->scenario->stand == (end == CLIENT ? STAND_AT_CLIENT : STAND_AT_SERVER);
}

struct in_flight *world_put(struct world *w, u32 sender, const struct packet *packet, int seen)
{
	for (u32 i = 0; i < FLIGHT_MAX; i++) {
		struct in_flight *f = &w->flight[i];

		if (f->used)
			continue;
		*f = (struct in_flight){ *packet, (u8)sender, (u8)seen, 1, 0, w->orders++ };
		w->in_flight++;
		return f;
	}
	return NULL; /* the channel is full: lost, unseen */
}

void world_emit(struct world *w, u32 sender, struct packet packet)
{
	if (!packet.flags)
		return;
	write_down(w, "sent", sender, &packet);
	if (at_monitor(w, sender))
		show(w, sender, &packet);
	if (!world_put(w, sender, &packet, at_monitor(w, sender)) && !at_monitor(w, sender))
		w->lost_unseen = 1;
}

void world_drop(struct world *w, struct in_flight *f)
{
	write_down(w, "lost", f->sender, &f->packet);
	if (!f->seen)
		w->lost_unseen = 1;
	f->used = 0;
	w->in_flight--;
}

void world_overtake(struct world *w, struct in_flight *f)
{
	u32 receiver = PEER_OF(f->sender);
	struct packet packet = f->packet;

	f->got = 1;
	write_down(w, f->seen ? "got" : "got unseen", f->sender, &packet);
	world_emit(w, receiver, oracle_receive(&w->end[receiver], &packet));
	imagine(w, receiver);
}

void world_deliver(struct world *w, struct in_flight *f)
{
	f->used = 0;
	w->in_flight--;
	world_overtake(w, f);
}

/* One step on: to the monitor, or from it to the receiver. */
void world_advance(struct world *w, struct in_flight *f)
{
	if (f->seen) {
		world_deliver(w, f);
		return;
	}
	f->seen = 1;
	f->order = w->orders++;
	show(w, f->sender, &f->packet);
	if (f->got) {
		f->used = 0;
		w->in_flight--;
	} else if (at_monitor(w, PEER_OF(f->sender))) {
		world_deliver(w, f);
	}
}

void world_restart(struct world *w)
{
	struct endpoint *client = &w->end[CLIENT];

	*client = (struct endpoint){ .iss = client->nxt + 0x10000000, .wscale = client->wscale };
	w->unreads[CLIENT] = 0;
	w->lives++;
	world_emit(w, CLIENT, oracle_open(client));
}

/* A server whose connection is over takes the next one, with another ISN; in TIME_WAIT too (RFC 6191). */
static void listen_again(struct world *w)
{
	struct endpoint *server = &w->end[SERVER];

	if (w->lives < 2 || server->listening || (server->state != STATE_CLOSED && server->state != STATE_TIME_WAIT))
		return;
	*server = (struct endpoint){ .iss = server->nxt + 0x30000000, .wscale = server->wscale, .listening = 1 };
	w->unreads[SERVER] = 0;
}

static void begin(struct world *w, const struct scenario *scenario, struct chooser *chooser)
{
	/* some histories have their numbers wrap at the SYN, some later */
	static const u32 isn[] = { 1000, 0xffffffff, 0xfffffe00, 0x7fffffff, 0xfffffffe };
	u32 client = isn[w->port % ARRAY_SIZE(isn)], server = isn[w->port / 7 % ARRAY_SIZE(isn)] + 0x20000000;

	w->scenario = scenario;
	w->chooser = chooser;
	w->end[CLIENT] = (struct endpoint){ .iss = client, .wscale = w->port % 3 };
	w->end[SERVER] = (struct endpoint){ .iss = server, .wscale = w->port % 2, .listening = 1 };
	memset(w->flight, 0, sizeof(w->flight));
	memset(w->unreads, 0, sizeof(w->unreads));
	w->written = w->in_flight = w->orders = w->moves = w->opens = w->closes = 0;
	w->bypassed = w->lost_unseen = w->aborted = w->rst_seen = w->syns_seen = w->fins_seen = w->ack_first = 0;
	w->lives = 1;
	w->stale = 0;
	for (u32 end = 0; end < 2; end++) {
		w->played[end] = 0;
		w->end[end].visited = w->could[end] = 1u << STATE_CLOSED;
	}
}

void world_play(struct world *w, const struct scenario *scenario, struct chooser *chooser)
{
	begin(w, scenario, chooser);
	while (w->moves++ < MOVES_MAX && !w->fault) {
		struct moves moves;

		world_moves(w, &moves);
		if (!moves.n)
			return;
		world_move(w, moves.move[choose(chooser, moves.n)]);
		listen_again(w);
		w->now += STEP_NS;
		if (world_moved)
			world_moved(w);
	}
	if (!w->fault)
		w->fault = "a history that does not come to rest";
}

void world_end(struct world *w)
{
	w->now += 500 * NSEC_PER_SEC;
	host_clock(w->host, w->now);
	w->port++;
}
