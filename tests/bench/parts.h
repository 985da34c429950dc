/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the benchmark share. All of them exit with a line on what failed. */
#ifndef TCPSHAKE_BENCH_PARTS_H
#define TCPSHAKE_BENCH_PARTS_H

#include <pthread.h>
#include <regex.h>
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
	const char *rows;  /* a regular expression, or NULL: all */
	const char *memory[4];
	const char *json;
	const char *view;
	int memories;
	int rounds;
	int run_ms; /* of one program in one round */
	int reference; /* 0: leave the reference out */
};

/* --- setup.c --- */

struct bench {
	struct bench_bpf *yardsticks;
	struct kernel *kernel;
	enum state state;
	u64 reference_filled; /* packets of new flows that it had */
	pthread_t consumer;
	volatile int stop;
	u64 events; /* that user space took */
	double fill[2]; /* share of the slots in use: pending, connections */
};

void die(const char *what, int error) __attribute__((noreturn));

/* Loads the yardsticks, and the programs as `tcpshake -i` would with this --memory and --view. */
void setup_open(struct bench *bench, const char *memory, const char *view);
void setup_close(struct bench *bench);

/* Loads afresh and fills, unless it is so already. */
void setup_state(struct bench *bench, enum state state, const char *memory, const char *view);

/* --- drive.c --- */

/* ns a packet, by the test run's own clock. */
double drive(struct bench *bench, enum hook hook, enum family family, u32 lane, enum target target,
	     enum traffic traffic, u32 flows, u32 packets);

/* --- rows.c --- */

struct row {
	const char *name;
	enum traffic traffic;
	u32 flows;
	enum state state;
	int everywhere; /* over IPv6 and at tc, too */
	double times_parse; /* not more than so many times the parser; 0: no target */
	double under_reference; /* not less than so many times cheaper than the reference */
};

struct figures {
	const struct row *row;
	enum hook hook;
	enum family family;
	const char *memory;
	double ns[TARGETS]; /* medians */
	u64 made, lost; /* events */
	double fill[2];
};

/* Every row that options select, each told as soon as it is measured. Returns how many. */
u32 rows_measure(struct bench *bench, const struct options_of_bench *options, struct figures *figures, u32 most);

double to_parse(const struct figures *f);
double to_reference(const struct figures *f); /* net of the harness in both; 0: not measured */
double packets_a_second(const struct figures *f); /* millions, of one core with a driver below */
double median(double *values, int n);

/* --- report.c --- */

void report_head(const struct options_of_bench *options);
void report_row(const struct figures *f);
void rows_json(const char *path, const struct figures *figures, u32 n);

#endif
