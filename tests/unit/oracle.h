/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One end of a TCP connection, after RFC 9293 section 3.10 and nothing else:
 * what the engine infers from outside is compared with what this knows from
 * inside. It keeps no data, only numbers; it takes segments in order only, which
 * the RFC allows, and answers out of order ones by an ACK.
 */
#ifndef TCPSHAKE_TESTS_ORACLE_H
#define TCPSHAKE_TESTS_ORACLE_H

#include "proof.h"
#include "tcp.h"

/* A segment as it is on the wire. */
struct packet {
	u32 seq, ack, len;
	u8 flags;
	u8 wscale;
};

struct endpoint {
	enum tcp_state state; /* CLOSED with listening: LISTEN */
	int listening;
	u32 iss, una, nxt; /* SND.UNA, SND.NXT */
	u32 irs, rcv;	   /* RCV.NXT */
	u32 fin;	   /* number behind its FIN, with fin_sent */
	int fin_sent;
	int synchronised;  /* has a RCV.NXT */
	int ack_owed;	   /* it may wait for something to go with */
	int was_reset;	   /* by the peer's RST, or by its own */
	u8 wscale;
	u32 visited;	   /* bits of the states it ever was in, if only for the length of a segment */
};

/* What it sends: at most one segment a call. flags 0: nothing. */
struct packet oracle_open(struct endpoint *end);		   /* CLOSED: SYN */
struct packet oracle_open_with_data(struct endpoint *end, u32 len); /* RFC 7413 */
struct packet oracle_send(struct endpoint *end, u32 len);	   /* ESTABLISHED, CLOSE_WAIT */
struct packet oracle_close(struct endpoint *end, u32 len);	   /* the same, SYN_RCVD: FIN, with data */
struct packet oracle_abort(struct endpoint *end);
struct packet oracle_ack(struct endpoint *end);			   /* what is owed */
struct packet oracle_repeat(struct endpoint *end);		   /* all that is not acknowledged */
struct packet oracle_repeat_fin(struct endpoint *end);		   /* the FIN alone */
struct packet oracle_receive(struct endpoint *end, const struct packet *in);

int oracle_can_send(const struct endpoint *end);
int oracle_can_close(const struct endpoint *end);
int oracle_owes_ack(const struct endpoint *end);
int oracle_unacked(const struct endpoint *end);

#endif
