/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side as the rest of user space sees it: load, attach, tick, read.
 * kernel.c, kernel_load.c, attach.c and clsact.c know BPF, and owners_kernel.c, which stands alone.
 * Functions return 0 or a negative errno; the text of what failed is in kernel_error().
 */
#ifndef TCPSHAKE_KERNEL_H
#define TCPSHAKE_KERNEL_H

#include "calls.h"
#include "config.h"
#include "counters.h"
#include "device.h"
#include "event.h"
#include "options.h"
#include "plan.h"
#include "service_table.h"
#include "summary.h"

struct kernel;

/* Programs that will be wanted. What is not loaded costs nothing: an engine takes the verifier 0.1 s. */
enum need {
	NEED_XDP = 1,
	NEED_XDP_FRAGS = 2,
	NEED_TC_IN = 4,
	NEED_TC_OUT = 8,
	NEED_ETHERNET = 16,
	NEED_IP_FIRST = 32,
	NEED_ALL = 63,
};

/* What attaching to this device would want: bits of enum need. */
u32 kernel_needs(const struct device *device, enum mode mode, enum view view);

typedef void (*kernel_event_fn)(void *arg, const struct event *event);

/*
 * need: bits of enum need. ring_bytes: a power of two, at least a page.
 * config->secret and ->ask_sockets are set here.
 */
int kernel_open(struct kernel **kernel, const struct config *config, const struct plan *plan, u32 need,
		u32 ring_bytes, kernel_event_fn emit, void *arg);
void kernel_close(struct kernel *kernel); /* detaches all; NULL is fine */

/* What went wrong last: the thing, the cause and what to try. */
const char *kernel_error(const struct kernel *kernel);

struct attached {
	u32 ifindex;
	enum mode mode;	  /* how incoming packets are seen: native, tc or generic */
	int outgoing;	  /* 1: the outgoing hook is there too */
	const char *why;  /* auto: why not native; NULL: it is. Until the next is attached */
	const char *cure; /* what would make it native, or NULL */
	const char *tc;	  /* "TCX" or "clsact" where tc is used, or NULL */
};

/* Hooks onto a device. Returns 0 and fills *attached; -EPERM; -EBUSY: another program; others: cannot. */
int kernel_attach(struct kernel *kernel, const struct device *device, enum mode mode, enum view view,
		  struct attached *attached);
void kernel_detach(struct kernel *kernel, u32 ifindex);

/* Are the hooks still where they were put? No: the device is gone (its number may be taken), or another tool came. */
int kernel_attached(struct kernel *kernel, u32 ifindex);
void kernel_detach_all(struct kernel *kernel);

/* Readable when the ring has passed a quarter. */
int kernel_ring_fd(const struct kernel *kernel);

/* Hands over the events in the ring, not more than 65,536 at once; returns how many, or a negative errno. */
int kernel_poll(struct kernel *kernel);

/* Once every 100 ms, now_ns CLOCK_MONOTONIC: what was put aside, then the sweep. */
int kernel_tick(struct kernel *kernel, u64 now_ns);

/* Tells the close of all that stands, and hands the events over in between. */
int kernel_conclude(struct kernel *kernel, u32 how, u64 now_ns);

/* A connection from the socket table; call->result tells. */
int kernel_socket(struct kernel *kernel, struct socket_call *call);

/* Counters summed over all CPUs; levels by walking the tables. */
int kernel_tally(struct kernel *kernel, struct tally *tally);
void kernel_levels(struct kernel *kernel, struct levels *levels);
void kernel_states(struct kernel *kernel, u64 states[TCP_STATES]); /* ends by state */
u32 kernel_services(struct kernel *kernel, const struct service **rows);

/* The same for who watches them; stays valid until kernel_close(). */
void kernel_service_table(struct kernel *kernel, struct service_table *table);

#endif
