// SPDX-License-Identifier: GPL-2.0-only
/*
 * packets                            names the patterns, one a line
 * packets PATTERN SEED SECONDS BINS  writes a capture to standard output, and to BINS what
 *                                    a monitor has to make of it: a line for each tick in which something happened
 *
 * The bins are the model's own; exit status 1 when packets could not give all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "patterns.h"

#define START_NS (1700000000 * NSEC_PER_SEC)
#define START_TICK (START_NS / TICK_NS)

#define PACKETS_A_SECOND 500 /* on average; a world with more is made smaller */
#define ENOUGH_HALVES 16

#define FLOOD_OPENS 20
#define FLOOD_RATE 2000

struct flooded {
	const char *name;
	enum flood_kind kind;
	int cookies;
	int resets; /* every second RST is the server's */
};

static const struct flooded floods[] = {
	{ "flood, forged addresses", FLOOD_SPOOFED, 1, 0 },
	{ "flood, forged ACKs, too", FLOOD_FORGED_ACK, 1, 0 },
	{ "flood, a third answered by RST", FLOOD_RST_SOME, 1, 0 },
	{ "flood, all answered by RST", FLOOD_RST_ALL, 1, 0 },
	{ "flood, RSTs of both ends", FLOOD_RST_ALL, 1, 1 },
	{ "flood, few hosts", FLOOD_FEW, 1, 0 },
	{ "flood, real stacks", FLOOD_STACKS, 1, 0 },
	{ "flood, no SYN cookies", FLOOD_SPOOFED, 0, 0 },
};

struct scene {
	const struct pattern *pattern; /* or a flood */
	const struct flooded *flood;
	u64 seed;
	u32 ticks;
};

static int find_scene(struct scene *scene, const char *name)
{
	for (u32 i = 0; i < pattern_count; i++)
		if (!strcmp(patterns[i].name, name))
			scene->pattern = &patterns[i];
	for (u32 i = 0; i < ARRAY_SIZE(floods); i++)
		if (!strcmp(floods[i].name, name))
			scene->flood = &floods[i];
	return scene->pattern || scene->flood;
}

static void list(void)
{
	for (u32 i = 0; i < pattern_count; i++)
		puts(patterns[i].name);
	for (u32 i = 0; i < ARRAY_SIZE(floods); i++)
		puts(floods[i].name);
}

/* In the middle third. */
static void flood_tick(struct world *world, const struct scene *scene, double size)
{
	const u64 since = scene->ticks / 3;

	world->rate = FLOOD_OPENS;
	world->flood.kind = scene->flood->kind;
	world->flood.since = since;
	world->flood.rate = world->now < 2 * since ? FLOOD_RATE * size : 0;
}

/* In the model no server resets what it has answered. */
static void share_resets(struct bin *bin)
{
	bin->reset = bin->aborted / 2;
	bin->aborted -= bin->reset;
}

/* Returns the number of packets; repeated answers not among them. */
static u64 run_world(const struct scene *scene, struct bin *bins, double size)
{
	static struct world world;
	struct pattern_state state = { 0 };
	u64 packets = 0;

	world_begin(&world, scene->seed);
	state.next = scene->ticks / 3; /* its first episode, however rare they are */
	if (scene->pattern)
		scene->pattern->begin(&world, &state);
	else
		world.server.cookies = scene->flood->cookies;
	for (u32 tick = 0; tick < scene->ticks; tick++) {
		struct bin *bin = &bins[tick];

		if (scene->pattern) {
			scene->pattern->tick(&world, &state);
			world.rate *= size;
		} else {
			flood_tick(&world, scene, size);
		}
		*bin = world_tick(&world);
		if (scene->flood && scene->flood->resets)
			share_resets(bin);
		packets += (u64)bin->syn + bin->syn_repeated + bin->synack + bin->completed + bin->refused +
			   bin->reset + bin->aborted;
	}
	return packets;
}

static void write_bins(FILE *out, const struct bin *bins, u32 ticks)
{
	for (u32 i = 0; i < ticks; i++) {
		const struct bin *bin = &bins[i];

		if (!(bin->syn | bin->syn_repeated | bin->synack | bin->completed | bin->refused | bin->reset |
		      bin->aborted))
			continue;
		/* the tick at the end of the 100 ms tells of them */
		fprintf(out, "%llu 198.51.100.1 443 %u %u %u %u %u %u %u\n", (unsigned long long)START_TICK + i + 1,
			bin->syn, bin->syn_repeated, bin->synack, bin->completed, bin->refused, bin->reset,
			bin->aborted);
	}
}

static int write_scene(const struct scene *scene, struct bin *bins, FILE *truth)
{
	const u64 most = (u64)PACKETS_A_SECOND * scene->ticks / TICKS_PER_SEC;
	const int forged = scene->flood && scene->flood->kind == FLOOD_FORGED_ACK;
	u64 packets = run_world(scene, bins, 1);
	struct plan plan;
	int failed;

	for (u32 halves = 1; packets > most && halves < ENOUGH_HALVES; halves++)
		packets = run_world(scene, bins, 1.0 / (1u << halves));
	if (plan_make(&plan, bins, scene->ticks))
		return 1;
	failed = plan_write(&plan, stdout, START_NS, forged);
	write_bins(truth, bins, scene->ticks);
	if (plan.unmet)
		fprintf(stderr, "packets: %u counts of the model are no handshake's\n", plan.unmet);
	fprintf(stderr, "packets: %u handshakes, %llu packets\n", plan.count, (unsigned long long)plan.packets);
	failed |= plan.unmet || fflush(stdout) || ferror(stdout);
	plan_free(&plan);
	return !!failed;
}

int main(int argc, char **argv)
{
	struct scene scene = { 0 };
	struct bin *bins;
	FILE *truth;
	int status;

	if (argc == 1) {
		list();
		return 0;
	}
	if (argc != 5 || !find_scene(&scene, argv[1])) {
		fprintf(stderr, "usage: packets [PATTERN SEED SECONDS BINS]\n");
		return 2;
	}
	scene.seed = strtoull(argv[2], NULL, 10);
	scene.ticks = (u32)strtoul(argv[3], NULL, 10) * TICKS_PER_SEC;
	bins = calloc(scene.ticks + 1, sizeof(*bins));
	truth = fopen(argv[4], "w");
	if (!bins || !truth) {
		perror(argv[4]);
		free(bins);
		return 1;
	}
	status = write_scene(&scene, bins, truth);
	status |= fclose(truth) != 0;
	free(bins);
	return status;
}
