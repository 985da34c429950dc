/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the benchmark share. All of them exit with a line on what failed. */
#ifndef TCPSHAKE_BENCH_PARTS_H
#define TCPSHAKE_BENCH_PARTS_H

#include <pthread.h>
#include <stdio.h>

#include "bench.h"
#include "bench.skel.h"
#include "kernel_parts.h"

#define ROUNDS_MAX 101

enum exit_of_bench { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_NOISY };

enum hook { XDP, TC };
enum family { V4, V6 };

/* What stands in the tables before a row is measured; each holds what the one before it does. */
enum state {
	STATE_NONE,
	STATE_FEW,	    /* a thousand handshakes pending */
	STATE_PENDING_FULL, /* by SYNs that no one answers */
	STATE_FULL,	    /* and the connection table by connections that opened */
	STATE_ALARM,	    /* and the service is marked as under attack */
};

struct options_of_bench {
	const char *rows; /* a regular expression, or NULL: all */
	const char *memory[4];
	const char *json;
	const char *view;
	int memories;
	int rounds;
	int run_ms;	/* of one program in one round */
	int reference;	/* 0: leave the reference out */
	int programs;	/* only tell their sizes */
	int warm;	/* 0: a smoke test, its figures mean nothing */
};

/* --- machine.c --- */

struct machine {
	char kernel[128], cpu[256], cache[64], day[32];
	const char *compiler;
	long cpus;
	double load;
};

void machine_read(struct machine *machine);

/* --- setup.c --- */

struct bench {
	struct bench_bpf *yardsticks;
	struct kernel *kernel;
	enum state state;
	const char *memory, *view;
	int dirty; /* what was measured since has left the state */
	u64 reference_filled; /* packets of new flows that it had */
	pthread_t consumer;
	volatile int stop;
	u64 events; /* that user space took */
	double fill[2]; /* share of the slots in use: pending, connections */
};

void die(const char *what, int error) __attribute__((noreturn));

/* Loads the yardsticks, and the programs as `tcpshake -i` would with this --memory and --view. */
void setup_open(struct bench *bench, const char *memory, const char *view, u32 need);
void setup_close(struct bench *bench);

/* Loads afresh and fills, unless it is so already. */
void setup_state(struct bench *bench, enum state state, const char *memory, const char *view);

/* What a flow takes of each --memory. */
struct results;
void setup_usage(const struct options_of_bench *options, struct results *results);

/* --- drive.c --- */

/* So many packets or some more, that connections and handshakes are not left in their middle: each run sees all of them. */
u64 whole_turns(enum traffic traffic, u32 flows, u64 packets);

/* ns a packet, by the test run's own clock. */
double drive(struct bench *bench, enum hook hook, enum family family, u32 lane, enum target target,
	     enum traffic traffic, u32 flows, u32 packets);

/* --- rows.c --- */

struct row {
	const char *name;
	enum traffic traffic;
	u32 flows;
	enum state state;
	int everywhere;	  /* over IPv6 and at tc, too */
	const char *view; /* NULL: the one that was asked for */
	double times_parse; /* not more than so many times the parser; 0: no target */
	double under_reference; /* not less than so many times cheaper than the reference */
};

struct figures {
	const struct row *row;
	enum hook hook;
	enum family family;
	const char *memory;
	double ns[TARGETS]; /* medians */
	double counted[COUNTERS]; /* by our program: of each counter, how much a packet */
	double fill[2];
};

#define ROWS_MAX 256
#define BOTH_MAX 16

struct both {
	const char *name;
	double alone[TARGETS], together[TARGETS]; /* ns a packet on one CPU */
	u64 made, lost;
};

struct sweep_figures {
	u32 flows, slices, slice_lines;
	double whole_ms, slice_us, longest_us; /* nothing due */
	double due_whole_ms, due_longest_us;   /* every handshake due */
};

struct usage {
	const char *memory;
	u32 seeds, pending, connections; /* places, slots */
	double slot_bytes; /* all of the memory but the seeds', over the slots */
};

/* What was measured, for the report. */
struct results {
	struct figures rows[ROWS_MAX];
	u32 count;
	struct both both[BOTH_MAX];
	u32 boths;
	struct sweep_figures sweep;
	struct usage usage[4]; /* of each memory */
	u32 usages;
	u64 events; /* delivered */
	struct machine machine; /* before the run */
	char noise[1024]; /* why the figures are not to be trusted, or empty */
};

/* Is a row wanted? name: as "xdp v4 data, one flow". */
int selected(const struct options_of_bench *options, const char *name);

/* Every row that options select, each told as soon as it is measured. */
void rows_measure(struct bench *bench, const struct options_of_bench *options, struct results *results);

double lost_share(const struct figures *f); /* of the events, how many found the ring full */
double to_parse(const struct figures *f);
double to_reference(const struct figures *f);	  /* net of the harness in both; 0: not measured */
double packets_a_second(const struct figures *f); /* millions, of one core with a driver below */
double median(double *values, int n);

#define PROBE 20000 /* packets, to learn how long one takes */
u32 packets_for(const struct row *row, double ns, int run_ms);

/* --- both.c --- */

/* Both CPUs at once, each with flows of its own: what one CPU's packet costs, and what both do together. */
void both_measure(struct bench *bench, const struct options_of_bench *options, struct results *results);

/* --- sweep.c --- */

/* A round of the sweep over a million flows, none of them due; then with every handshake due. */
void sweep_measure(struct bench *bench, const struct options_of_bench *options, struct results *results);

/* --- yardsticks.c --- */

/* Are parser and reference as cheap as they must be on a quiet machine? 0, or says why not in results->noise. */
int yardsticks_check(struct results *results);

/* --- programs.c --- */

/* Instructions, machine code and verifier's work of every program, a line each. */
void programs_print(struct bench *bench, FILE *out);

/* --- report.c, json.c --- */

const char *hook_name(enum hook hook);
const char *family_name(enum family family);
void report_head(const struct options_of_bench *options, const struct machine *machine);
void report_row(const struct figures *f);
void report_rest(const struct results *results);
void json_write(const char *path, const struct options_of_bench *options, const struct results *results);

#endif
