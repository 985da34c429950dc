/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that hold what lingers, and when one is to be told of. */
#ifndef TCPSHAKE_PROCESSES_H
#define TCPSHAKE_PROCESSES_H

#include <stddef.h>

#include "owner_record.h"
#include "report.h"

/* A process piles up CLOSE_WAITs from so many on, until it has less than half of them. */
#define PILE_START 10
#define PILE_UPDATE_NS (60 * NSEC_PER_SEC)

struct process {
	struct process *next;
	u32 pid;
	char comm[16];
	char cgroup[sizeof(((struct owner_report *)0)->cgroup)];
	u64 uid; /* of the last of its sockets */
	/* as of the last survey */
	u32 ends;	  /* that are remembered */
	u32 close_waits;  /* of these */
	u32 recent;	  /* of these, those that began in the last minute */
	u64 oldest_ns;
	u8 oldest_holder; /* enum side */
	/* of the last event about it */
	u32 told; /* CLOSE_WAITs; 0: it piles up none */
	u64 told_ns;
};

#define PROCESS_HEADS 1024

struct processes {
	u32 count;
	struct process *head[PROCESS_HEADS];
};

/* That of a record: what was known of it is replaced. names as in owners.h; NULL: no memory. */
struct process *process_of(struct processes *all, const struct owner_record *record, const char *names);

/* A survey: all counts become 0, the caller counts anew, processes_tell() compares. */
void processes_clear(struct processes *all);

/* One that holds nothing is forgotten, told of for the last time where it was told of before. */
typedef void (*process_fn)(void *arg, const struct process *process, enum phase phase);
void processes_tell(struct processes *all, u64 now_ns, process_fn each, void *arg);
void processes_free(struct processes *all);

/* "/b/a" of "a\0b\0"; a longer path than there is room for keeps its end. */
void cgroup_path(char *path, size_t size, const char *names, u32 length);

#endif
