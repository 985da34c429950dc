/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded programs, driven by BPF_PROG_TEST_RUN in a network namespace of the
 * test's own. Nothing is attached and no packet leaves. Time is what the test
 * says: config.replay is set.
 */
#ifndef TCPSHAKE_TESTS_LOADER_H
#define TCPSHAKE_TESTS_LOADER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel_parts.h"

struct engine;

struct loaded {
	struct kernel *kernel;
	u8 *variables; /* .bss of the programs, mapped */
	size_t variables_size;
	volatile u64 *time; /* replay_time, ns */
	u64 told;	    /* events that were handed over and are for telling */
	kernel_event_fn emit;
	void *arg;
	struct engine *mirror; /* the programs' memory as balance.h wants it */
	struct tally tally;    /* as loader_fault() read it */
};

/* Skips the test, loudly, where programs cannot be loaded. The first call leaves the network namespace. */
void enter_world(void);

/* A number from the environment, or another. */
u64 number_from(const char *variable, u64 otherwise);

/* The path of what was built, from where this program lies: in kernel/ beneath it. */
void built(char *path, size_t size, const char *name);

/* Defaults of the command line, a secret that does not change, and so many rows of 2^row_bits lines. */
struct config loader_config(u32 row_bits, u32 pending_rows, u32 connection_rows);

/*
 * Loads all programs: those of the program under test, or of an object file.
 * config as it stands, but for replay. Fails the test when that fails.
 */
void loader_open(struct loaded *loaded, const struct config *config, const char *object, kernel_event_fn emit,
		 void *arg);
void loader_close(struct loaded *loaded);

/* A program by name; one that is not there fails the test. */
int loader_program(const struct loaded *loaded, const char *name);

/* Runs a program over a frame. 0, or a negative errno: for threads, which cannot fail a test. */
int loader_run(int program, const void *frame, u32 size);

/* Segments that were put aside are stepped, then the events are handed over. */
void loader_settle(struct loaded *loaded);

/* One whole round of the sweep: all that is due at this tick. */
void loader_sweep(struct loaded *loaded, u64 tick);

/* NULL, or what does not hold now that no program runs: see balance.h. */
const char *loader_fault(struct loaded *loaded);

/*
 * NULL, or in which respect the host's memory is not the programs': words,
 * records, watch filter, TIME_WAIT pairs. After loader_fault(), which reads it.
 */
struct host;
const char *loader_difference(const struct loaded *loaded, const struct host *host);

#endif
