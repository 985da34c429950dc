/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel equals host, to the byte: the same frames at the same times through
 * the loaded programs and through the engine as the capture reader has it. What
 * is told is compared after every packet; counters, words, records, the watch
 * filter and the services at the end.
 *
 * TCPSHAKE_PACKETS=n: in each setting (60000). TCPSHAKE_SEED=n: others.
 * TCPSHAKE_CORPUS=directory: whose captures/ are replayed as well.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture_file.h"
#include "link_layer.h"
#include "replay.h"
#include "traffic.h"

#define PACKETS	 60000
#define BEGIN_NS (1000000 * NSEC_PER_SEC)
#define DAY_NS	 ((s64)(24 * 3600 * NSEC_PER_SEC))

/* --- made-up traffic --- */

struct setting {
	const char *name;
	enum view view;
	u32 idle_after, time_wait_after, pair_limit; /* ticks, ticks, TIME_WAITs */
	u64 slow_open_ns;
	u32 pending_rows, connection_rows;
	u16 last_port; /* of the clients that are wanted; 0: all */
	u32 mutate;    /* one in so many frames */
	u32 alarms;    /* so many frames each: no alarm, then each that a service can be in */
};

static const struct setting settings[] = {
    {"host", VIEW_HOST, 0, 0, 0, 0, 64, 64, 0, 40, 0},
    {"host, small tables, everything told", VIEW_HOST, 300, 20, 3, 0, 2, 3, 0, 40, 0},
    {"tap", VIEW_TAP, 100, 20, 5, 0, 4, 16, 0, 40, 0},
    {"one_sided", VIEW_ONE_SIDED, 300, 0, 0, 0, 4, 8, 0, 40, 0},
    {"tap, filtered", VIEW_TAP, 0, 0, 0, 10 * NSEC_PER_SEC, 64, 64, 40099, 40, 0},
    {"tap, mutated", VIEW_TAP, 100, 20, 3, 0, 8, 8, 0, 1, 0},
    {"host, in alarms", VIEW_HOST, 0, 0, 0, 0, 2, 16, 0, 40, 500},
};

static struct config config_of(const struct setting *setting)
{
	struct config config = loader_config(1, setting->pending_rows, setting->connection_rows);

	config.view = (u8)setting->view;
	config.idle_after = setting->idle_after;
	config.time_wait_after = setting->time_wait_after;
	config.pair_limit = setting->pair_limit;
	config.slow_open_ns = setting->slow_open_ns;
	if (setting->last_port) {
		config.ports = 1;
		config.port[0] = (struct port_range){40000, setting->last_port};
		config.no_ipv6 = 1;
	}
	return config;
}

/* On a host the server is here; a tap shows all at one hook, by turns in parts. Some pass at two places. */
static enum hook hook_of(const struct setting *setting, const struct sent *sent, struct dice *dice)
{
	if ((setting->view == VIEW_HOST && sent->of_server) || !dice_below(dice, 16))
		return TC_OUT;
	return dice_below(dice, 2) ? XDP_ETHER : dice_below(dice, 2) ? XDP_FRAGS : TC_IN;
}

/* An alarm suppresses events; and of what a full table evicts a loss tells, not a close each. */
static void check_suppressed(const struct setting *setting, const u64 *count)
{
	if (setting->alarms)
		assert_true(count[C_events_suppressed] > 0);
	else
		assert_true(count[C_events_suppressed] <= count[C_handshakes_evicted] + count[C_adoptions_evicted]);
}

static void replay_traffic(const struct setting *setting, u64 packets)
{
	static struct traffic traffic;
	struct config config = config_of(setting);
	u64 time = BEGIN_NS;
	struct replay r;

	replay_open(&r, &config, setting->name);
	traffic_begin(&traffic, number_from("TCPSHAKE_SEED", 1), setting->mutate);
	for (u64 n = 0; n < packets; n++) {
		enum hook hook;
		struct piece piece;
		struct sent sent;

		if (setting->alarms && n % setting->alarms == 0)
			replay_alarm(&r, (u32)(n / setting->alarms % (ALARM_WITHOUT_SOURCES + 1)));
		traffic_next(&traffic, &sent);
		time += sent.step;
		/* of one direction only now and then a packet of the other */
		if (setting->view == VIEW_ONE_SIDED && sent.of_server && dice_below(&traffic.dice, 8))
			continue;
		hook = hook_of(setting, &sent, &traffic.dice);
		piece = (struct piece){sent.frame, sent.size, sent.size};
		if (hook == XDP_FRAGS && sent.size > 14)
			piece.first = 14 + dice_below(&traffic.dice, sent.size - 14 + 1);
		replay_packet(&r, hook, piece, time);
	}
	replay_conclude(&r, time);
	check_suppressed(setting, host_tally(r.host)->count);
	replay_close(&r);
}

static void made_up_traffic(void **state)
{
	u64 packets = number_from("TCPSHAKE_PACKETS", PACKETS);

	(void)state;
	enter_world();
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		replay_traffic(&settings[i], packets);
}

/* --- captures --- */

struct playback {
	struct replay replay;
	u64 now;   /* of the replay: captures follow each other */
	s64 shift; /* of the capture at hand, ns */
	int shifted, through_tc;
};

/* Never backwards. A leap of years is made one of a day: each live flow is looked at every 14 h. */
static u64 time_of(struct playback *p, const struct raw_packet *packet)
{
	s64 time = packet->sec * (s64)NSEC_PER_SEC + packet->nsec, step;

	if (packet->sec < 0 || packet->sec > (1LL << 33))
		return p->now;
	if (!p->shifted)
		p->shift = (s64)p->now - time;
	p->shifted = 1;
	step = time + p->shift - (s64)p->now;
	if (step > DAY_NS) {
		p->shift -= step - DAY_NS;
		step = DAY_NS;
	}
	return step > 0 ? p->now + (u64)step : p->now;
}

static enum hook hook_of_link(const struct playback *p, enum link_first first)
{
	if (first == LINK_IP)
		return XDP_IP;
	return p->through_tc ? TC_IN : XDP_ETHER;
}

static void play_packet(struct playback *p, const struct raw_packet *packet)
{
	link_reader read = link_reader_of(packet->link_type);
	struct link_start start = {0};
	struct piece piece;

	if (!read || read(packet->bytes, packet->captured, &start) != PARSE_TCP)
		return;
	piece.frame = packet->bytes + start.at;
	piece.size = packet->captured - start.at < PIECE_MAX ? packet->captured - start.at : PIECE_MAX;
	piece.first = piece.size;
	p->now = time_of(p, packet);
	replay_packet(&p->replay, hook_of_link(p, start.first), piece, p->now);
}

static void play_capture(struct playback *p, const char *path)
{
	struct capture_file *file;
	struct raw_packet packet;
	char error[512];

	p->replay.what = path;
	if (capture_file_open(&file, path, error, sizeof(error))) {
		print_message("%s\n", error);
		return;
	}
	p->shifted = 0;
	while (capture_file_next(file, &packet, error, sizeof(error)) == 1)
		play_packet(p, &packet);
	capture_file_close(file);
	replay_compare(&p->replay);
	p->now += 3600 * NSEC_PER_SEC;
}

static u32 play_captures(struct playback *p, const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, NULL, alphasort);
	char path[4400];
	u32 played = 0;

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.') {
			play_capture(p, path);
			played++;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return played;
}

/* All files of a directory, at XDP and then at tc. How many there are. */
static u32 play_directory(const char *directory)
{
	static struct playback p;
	struct config config = loader_config(2, 64, 64);
	u32 played = 0;

	config.view = VIEW_TAP;
	for (int through_tc = 0; through_tc < 2; through_tc++) {
		p = (struct playback){.now = BEGIN_NS, .through_tc = through_tc};
		replay_open(&p.replay, &config, directory);
		played = play_captures(&p, directory);
		p.replay.what = through_tc ? "captures at tc" : "captures at XDP";
		if (played)
			replay_conclude(&p.replay, p.now);
		replay_close(&p.replay);
	}
	return played;
}

static void public_captures(void **state)
{
	const char *corpus = getenv("TCPSHAKE_CORPUS");
	char directory[4000];

	(void)state;
	enter_world();
	snprintf(directory, sizeof(directory), "%s/captures",
		 corpus && *corpus ? corpus : "../shared/corpus");
	if (play_directory(directory))
		return;
	print_message("no captures: TCPSHAKE_CORPUS names no directory that has some\n");
	skip();
}

static void own_captures(void **state)
{
	char directory[4000];

	(void)state;
	enter_world();
	built(directory, sizeof(directory), "kernel/captures");
	assert_true(play_directory(directory) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(made_up_traffic),
	    cmocka_unit_test(own_captures),
	    cmocka_unit_test(public_captures),
	};

	return cmocka_run_group_tests_name("replay_test", tests, NULL, NULL);
}
