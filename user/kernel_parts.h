/* SPDX-License-Identifier: GPL-2.0-only */
/* What kernel*.c, attach.c and clsact.c share. No one else includes it, but for tests. */
#ifndef TCPSHAKE_KERNEL_PARTS_H
#define TCPSHAKE_KERNEL_PARTS_H

#include <bpf/libbpf.h>

#include "kernel.h"
#include "quiet_rows.h"

/* The hooks on one interface. With clsact there is no link, so the filter's place is kept. */
struct hooked {
	struct hooked *next;
	u32 ifindex;
	int in_link, out_link; /* descriptors of links, or -1 */
	int in_filter, out_filter; /* 1: a clsact filter of ours */
	u32 handle;    /* its handle, of which this run has the claim by handle_fd */
	int handle_fd;
};

struct kernel {
	const void *elf; /* what the object is opened from */
	size_t elf_size;
	struct bpf_object *object;
	struct config config;
	struct plan plan;
	struct ring_buffer *ring;
	kernel_event_fn emit;
	void *arg;
	u32 ring_bytes;
	u32 need; /* bits of enum need: what is loaded */
	struct hooked *hooked;
	u64 tick;	  /* last tick that was swept */
	int patience;	  /* events that kernel_poll() still takes */
	u64 drained;	  /* segments taken from the queue and stepped */
	u64 *lines;	  /* mapped */
	u64 *seed_words;  /* mapped */
	u32 *buckets;	  /* mapped */
	struct service *services; /* mapped */
	struct sources *sources;  /* mapped */
	struct quiet_rows quiet;  /* of the services */
	int deferred, tally, call_sweep, call_seeds, call_step, call_socket; /* descriptors */
	int cpus;
	struct tally *tallies; /* room for one per CPU */
	int frags;	  /* the kernel has xdp.frags */
	char why[96]; /* what struct attached says of the hook's holder */
	char error[512];
};

int kernel_fail(struct kernel *kernel, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Frees rows of services that were quiet up to this tick. */
void kernel_quiet(struct kernel *kernel, u64 tick);
int kernel_program(const struct kernel *kernel, const char *name);
int kernel_open_ring(struct kernel *kernel);

/* kernel_open() in two steps: tests put another object, a known secret or a clock of their own in between. */
int kernel_prepare(struct kernel **kernel, const struct config *config, const struct plan *plan, u32 need,
		   u32 ring_bytes, kernel_event_fn emit, void *arg);
int kernel_load(struct kernel *kernel);

#endif
