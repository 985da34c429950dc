/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine on a stage: what passes by is written as a script, what it tells
 * is compared with the words expected. A line of a script is close to what
 * tcpdump and packetdrill print:
 *
 *	0.020 s S. 5000 ack 1001 wscale 7
 *
 * seconds since the curtain, end (c: 10.0.0.1 port 51344, s: 10.0.0.2 port 443),
 * flags (S F R P U E W, '.' for ACK, '-' for none), sequence number, with data
 * as 1001:1101(100). Then, as needed: ack N; wscale N; at N (place, 1 when not
 * said); own (a socket here sent it); rcv_nxt N, rcv_wnd N, no_socket (what the
 * receiver's socket says).
 */
#ifndef TCPSHAKE_TESTS_STAGE_H
#define TCPSHAKE_TESTS_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "env_host.h"
#include "host.h"

#define STAGE_EVENTS 512
#define STAGE_LINE 256
#define CLIENT_PORT 51344
#define SERVER_PORT 443

struct stage {
	struct host *host;
	struct engine *engine; /* inside of the host */
	struct config config;
	u64 begin;	/* ns: second 0 of a script */
	int mirrored;	/* the client's address is the greater one: it is end 1 */
	u16 client_port;
	struct event told[STAGE_EVENTS];
	u32 events, read; /* of told: made; already compared */
	u32 closes;
};

/* Defaults of the command line with small tables. */
struct config stage_config(void);

/* rows of one line each: 8 flows. */
void stage_plan(struct config *config, u32 pending_rows, u32 connection_rows);

void stage_open(struct stage *stage, const struct config *config);

/* A stage with another configuration in place of this one. */
void restage(struct stage *stage, const struct config *config);

/* All sums and the filter, then the end of the capture, and all sums again. */
void stage_close(struct stage *stage);

void play_lines(struct stage *stage, const char *const *lines);
#define play(stage, ...) play_lines(stage, (const char *const[]){ __VA_ARGS__, NULL })

/* A segment from a script's line, not yet played. Returns its time, ns. */
u64 stage_segment(const struct stage *stage, const char *line, struct segment *seg);
void stage_packet(struct stage *stage, struct segment *seg, u64 time);

/* Lets time pass until so many seconds, written as in a script. */
void wait_until(struct stage *stage, const char *seconds);

/*
 * All events since the last time, each as one line:
 *	0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK
 *	3.000 half_open ack
 *	5.000 close fin by client four_way TIME_WAIT/CLOSED
 * then of a close: "not opened", "adopted", "inferred ...". client/server as in told order.
 */
void expect_lines(struct stage *stage, const char *const *lines);
#define expect(stage, ...) expect_lines(stage, (const char *const[]){ __VA_ARGS__, NULL })
#define expect_nothing(stage) expect_lines(stage, (const char *const[]){ NULL })

/*
 * All entries with the key of the script: "pending SYN_SENT/CLOSED", "connection
 * ESTABLISHED/ESTABLISHED", "tomb TIME_WAIT/CLOSED", the watch class behind it
 * unless it follows from the table; "nothing" when there are none.
 */
void expect_standing(struct stage *stage, const char *standing);

#define counted(stage, name) (host_tally((stage)->host)->count[C_##name])

/* Both sides of every sum; the filter bucket by bucket. Fails the test. */
void stage_balance(struct stage *stage);

const struct event *last_event(const struct stage *stage);

/*
 * A test finds an open stage in *state; what must hold after any test is looked
 * at when it is over. All run twice: the client as end 0 of the key and as end 1.
 */
int raise_curtain(void **state);
int lower_curtain(void **state);
#define scene(function) cmocka_unit_test_setup_teardown(function, raise_curtain, lower_curtain)

int play_both_ways(const char *name, const struct CMUnitTest *tests, size_t count);
#define MAIN_OF_SCENES(...)                                                     \
	int main(void)                                                          \
	{                                                                       \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };              \
		return play_both_ways(__FILE__, tests, ARRAY_SIZE(tests));      \
	}

#endif
