/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A monitor never touches traffic: whatever the frame, each program lets it
 * pass, not one byte of it changes, and nothing of what goes with it in an skb.
 * And each frame is counted, once, whatever it was; at rest the sums are exact
 * and the watch filter is what the words say.
 *
 * TCPSHAKE_FRAMES=n: how many (1000000); each goes through every program.
 * TCPSHAKE_SEED=n: other ones.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "frames.h"
#include "loader.h"

#define FRAMES	     1000000
#define JUMBO_MAX    9000
#define SETTLE_EVERY 256 /* frames, so that the ring never fills */
#define TCX_NEXT     (-1)

enum kind { KIND_XDP, KIND_XDP_FRAGS, KIND_TC };

static const struct hook_program {
	const char *name;
	enum kind kind;
	int verdict;
} programs[] = {
    {"xdp_ether", KIND_XDP, XDP_PASS}, {"xdp_ether_frags", KIND_XDP_FRAGS, XDP_PASS},
    {"xdp_ip", KIND_XDP, XDP_PASS},    {"tc_in_ether", KIND_TC, TCX_NEXT},
    {"tc_in_ip", KIND_TC, TCX_NEXT},   {"tc_out_ether", KIND_TC, TCX_NEXT},
    {"tc_out_ip", KIND_TC, TCX_NEXT},
};

struct passing {
	struct loaded loaded;
	int fd[ARRAY_SIZE(programs)];
	int can_split; /* the kernel lets a test run say how much of a frame lies in its first part */
	struct dice dice;
	u8 frame[JUMBO_MAX], after[JUMBO_MAX];
	u64 runs, split;
};

static void check_frame(struct passing *p, const struct hook_program *program, u32 size,
			const struct bpf_test_run_opts *opts)
{
	if ((int)opts->retval != program->verdict)
		fail_msg("%s: verdict %d", program->name, (int)opts->retval);
	if (opts->data_size_out != size)
		fail_msg("%s: %u bytes became %u", program->name, size, opts->data_size_out);
	if (memcmp(p->frame, p->after, size))
		fail_msg("%s: bytes were changed", program->name);
	p->runs++;
}

/* The kernel makes no skb for a test run of a frame that says IP and has no whole header of it. */
static int no_skb_of(const u8 *frame, u32 size)
{
	u32 type = frame[12] << 8 | frame[13];

	return (type == ETHER_IPV4 && size < 14 + 20) || (type == ETHER_IPV6 && size < 14 + 40);
}

static void run_tc(struct passing *p, size_t i, u32 size)
{
	struct __sk_buff before =
			     {
				 .mark = (u32)dice_word(&p->dice),
				 .priority = (u32)dice_word(&p->dice),
				 .cb = {(u32)dice_word(&p->dice), 2, 3, 4, 5},
			     },
			 after;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->frame, .data_size_in = size, .data_out = p->after,
		    .data_size_out = sizeof(p->after), .ctx_in = &before, .ctx_size_in = sizeof(before),
		    .ctx_out = &after, .ctx_size_out = sizeof(after), .repeat = 1);

	if (no_skb_of(p->frame, size))
		return;
	if (bpf_prog_test_run_opts(p->fd[i], &opts))
		fail_msg("%s: cannot run over %u bytes: %s", programs[i].name, size, strerror(errno));
	check_frame(p, &programs[i], size, &opts);
	if (before.mark != after.mark || before.priority != after.priority ||
	    memcmp(before.cb, after.cb, sizeof(before.cb)))
		fail_msg("%s: what goes with the skb was changed", programs[i].name);
}

/* first: bytes in the first part of the buffer, the rest in fragments; 0: as the kernel likes. */
static int run_xdp(struct passing *p, size_t i, u32 size, u32 first)
{
	struct xdp_md part = {.data_end = first};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->frame, .data_size_in = size, .data_out = p->after,
		    .data_size_out = sizeof(p->after), .repeat = 1);

	if (first) {
		opts.ctx_in = &part;
		opts.ctx_size_in = sizeof(part);
	}
	if (bpf_prog_test_run_opts(p->fd[i], &opts))
		return -errno;
	check_frame(p, &programs[i], size, &opts);
	p->split += first != 0;
	return 0;
}

static u32 random_frame(struct passing *p)
{
	struct frame_spec spec;
	u32 size;

	if (!dice_below(&p->dice, 8)) {
		size = 14 + dice_below(&p->dice, 200);
		for (u32 at = 0; at < size; at++)
			p->frame[at] = (u8)dice_word(&p->dice);
		return size;
	}
	frame_random_spec(&p->dice, &spec);
	spec.first = dice_below(&p->dice, 2) ? LINK_ETHERNET : LINK_IP;
	size = frame_make(p->frame, &spec);
	return dice_below(&p->dice, 3) ? frame_mutate(&p->dice, p->frame, size) : size;
}

/* A frame in several parts, the first of which may end within a header. */
static void run_in_parts(struct passing *p, size_t i, u32 size)
{
	u32 jumbo = size, first = 0;

	if (!dice_below(&p->dice, 32)) {
		jumbo = size + dice_below(&p->dice, JUMBO_MAX - size);
		memset(p->frame + size, 0x5a, jumbo - size);
	}
	if (p->can_split && jumbo > 14)
		first = 14 + dice_below(&p->dice, jumbo < 120 + 14 ? jumbo - 14 : 120);
	assert_int_equal(run_xdp(p, i, jumbo, first), 0);
}

static void run_all(struct passing *p, u32 size)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (programs[i].kind == KIND_TC)
			run_tc(p, i, size);
		else if (programs[i].kind == KIND_XDP_FRAGS)
			run_in_parts(p, i, size);
		else
			assert_int_equal(run_xdp(p, i, size, 0), 0);
	}
}

/* Time goes on so that deadlines pass, too: some 20 s between two calls. */
static void settle(struct passing *p)
{
	assert_int_equal(kernel_tick(p->loaded.kernel, *p->loaded.time), 0);
	loader_settle(&p->loaded);
}

static void open_passing(struct passing *p)
{
	struct config config = loader_config(1, 4, 4);

	loader_open(&p->loaded, &config, NULL, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		p->fd[i] = loader_program(&p->loaded, programs[i].name);
	p->dice.state = number_from("TCPSHAKE_SEED", 1);
	*p->loaded.time = 1000 * NSEC_PER_SEC;
	/* since Linux 6.18 */
	p->can_split = !run_xdp(p, 1, 64, 32);
	if (!p->can_split)
		print_message("this kernel cannot split a short frame for a test run\n");
}

static void every_frame_passes_as_it_came(void **state)
{
	static struct passing p;
	u64 frames = number_from("TCPSHAKE_FRAMES", FRAMES);
	const struct tally *tally = &p.loaded.tally;
	const char *fault;

	(void)state;
	enter_world();
	open_passing(&p);
	for (u64 n = 1; n <= frames; n++) {
		run_all(&p, random_frame(&p));
		*p.loaded.time += dice_below(&p.dice, 160) * NSEC_PER_MSEC;
		if (n % SETTLE_EVERY == 0)
			settle(&p);
	}
	settle(&p);
	fault = loader_fault(&p.loaded);
	if (fault)
		fail_msg("does not balance: %s", fault);
	print_message("%llu frames, %llu runs, %llu of them split; %llu stepped, %llu opens, %llu evicted\n",
		      frames, p.runs, p.split, tally->count[C_stepped], tally->count[C_handshakes_completed],
		      tally->count[C_handshakes_evicted]);
	assert_int_equal(tally->count[C_packets], p.runs);
	assert_int_equal(tally->count[C_events_lost_in_ring], 0);
	assert_int_equal(tally->count[C_contended], 0);
	loader_close(&p.loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_frame_passes_as_it_came),
	};

	return cmocka_run_group_tests_name("passivity_test", tests, NULL, NULL);
}
