/* SPDX-License-Identifier: GPL-2.0-only */
/* --port, --host, -4, -6: what is outside of them is counted as filtered and makes nothing. */
#include "stage.h"
#include "socket_table.h"

static void open_once(struct stage *s)
{
	play(s, "0.000 c S 1000", "0.010 s S. 5000 ack 1001", "0.020 c . 1001 ack 5001");
}

static void expect_wanted(struct stage *s, const struct config *config, int wanted)
{
	restage(s, config);
	open_once(s);
	assert_int_equal(counted(s, filtered), wanted ? 0 : 3);
	assert_int_equal(counted(s, handshakes_completed), wanted);
}

static void ports(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.ports = 2;
	config.port[0] = (struct port_range){ 80, 80 };
	config.port[1] = (struct port_range){ 8000, 9000 };
	expect_wanted(s, &config, 0);
	config.port[1] = (struct port_range){ 400, SERVER_PORT };
	expect_wanted(s, &config, 1);
	/* the port of either end counts */
	config.port[1] = (struct port_range){ CLIENT_PORT, CLIENT_PORT };
	expect_wanted(s, &config, 1);
}

static struct host_prefix v4_prefix(u32 address, u32 bits)
{
	const u32 mask = bits ? ~0u << (32 - bits) : 0;
	struct host_prefix prefix = {
		.value = address_v4(__builtin_bswap32(address & mask)),
		.mask = { { ~0ULL, 0xffffffffULL | (u64)__builtin_bswap32(mask) << 32 } },
	};

	return prefix;
}

static void hosts(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.hosts = 1;
	config.host[0] = v4_prefix(0x0a000001, 32); /* 10.0.0.1, the client */
	expect_wanted(s, &config, 1);
	config.host[0] = v4_prefix(0x0a000000, 24);
	expect_wanted(s, &config, 1);
	config.host[0] = v4_prefix(0x0a000100, 24);
	expect_wanted(s, &config, 0);
	config.hosts = 2;
	config.host[1] = v4_prefix(0x0a000002, 32); /* the server */
	expect_wanted(s, &config, 1);
}

static void families(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.no_ipv4 = 1;
	expect_wanted(s, &config, 0);
	config.no_ipv4 = 0;
	config.no_ipv6 = 1;
	expect_wanted(s, &config, 1);
}

/* What is filtered is not taken from the socket table either. */
static void sockets_outside_are_left(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();
	struct segment seg;

	config.ports = 1;
	config.port[0] = (struct port_range){ 22, 22 };
	restage(s, &config);
	stage_segment(s, "0 s . 0", &seg);
	engine = s->engine;
	seg.time = s->begin;
	assert_int_equal(adopt_socket(&seg, PROOF_OPEN, PROOF_OPEN, PEER_OF(seg.sender)), 0);
	assert_int_equal(counted(s, adoptions_started), 0);
}

/* A server's socket in CLOSE_WAIT at the start: who closed first is known, by what number is not. */
static void half_closed_before_the_start(void **state)
{
	struct stage *s = *state;
	struct segment seg;
	u32 proofs[2], server;

	stage_segment(s, "0 s . 0", &seg);
	engine = s->engine;
	seg.time = s->begin;
	server = seg.sender;
	proofs[server] = PROOF_OPEN | PROOF_H;
	proofs[PEER_OF(server)] = PROOF_OPEN | PROOF_F | PROOF_G | PROOF_Q;
	assert_int_equal(adopt_socket(&seg, proofs[0], proofs[1], PEER_OF(server)), 1);
	expect_standing(s, "connection FIN_WAIT_2/CLOSE_WAIT");
	/* numbers on either side of 0, where a FIN of number 0 would lie before and behind */
	play(s, "1.000 s F. 3000000000 ack 2999999999 own", "1.010 c . 2999999999 ack 3000000001");
	expect(s, "1.010 close fin by client three_way TIME_WAIT/CLOSED adopted");
}

/* A FIN that nobody acknowledges: the socket it was sent to says that it never came. */
static void socket_contradicts_a_fin(void **state)
{
	struct stage *s = *state;
	struct segment seg;

	open_once(s);
	s->read = s->events;
	play(s, "1.000 c F. 1001 ack 5001");
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED fin");
	stage_segment(s, "0 s . 0", &seg);
	engine = s->engine;
	seg.time = s->begin + 76 * NSEC_PER_SEC;
	assert_int_equal(socket_alive(&seg), 1);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, fin_disproved), 1);
}

/* A FIN that the local socket is beyond begins nothing, not even a candidate. */
static void stale_fin_of_a_stranger(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c F. 1000 ack 5001 rcv_nxt 1001", "0.010 s . 5001 ack 1001 own");
	expect_nothing(s);
	assert_int_equal(counted(s, fin_ignored), 1);
	assert_int_equal(counted(s, adoptions_started), 0);
}

MAIN_OF_SCENES(scene(ports), scene(hosts), scene(families), scene(sockets_outside_are_left),
	       scene(half_closed_before_the_start), scene(socket_contradicts_a_fin),
	       scene(stale_fin_of_a_stranger))
