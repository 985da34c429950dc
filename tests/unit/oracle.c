/* SPDX-License-Identifier: GPL-2.0-only */
#include "oracle.h"

#define WINDOW 65535u

static const struct packet nothing;

static void enter(struct endpoint *end, enum tcp_state state)
{
	end->state = state;
	end->visited |= 1u << state;
}

static u32 window(const struct endpoint *end)
{
	return WINDOW << end->wscale;
}

/* A segment with these numbers; after the SYN each carries an ACK, and pays what is owed. */
static struct packet segment_of(struct endpoint *end, u32 seq, u32 len, u8 flags)
{
	struct packet out = { .seq = seq, .len = len, .flags = flags, .wscale = end->wscale };

	if (end->synchronised) {
		out.flags |= TCP_ACK;
		out.ack = end->rcv;
		end->ack_owed = 0;
	}
	return out;
}

static struct packet plain_ack(struct endpoint *end)
{
	return segment_of(end, end->nxt, 0, TCP_ACK);
}

struct packet oracle_open_with_data(struct endpoint *end, u32 len)
{
	end->una = end->iss;
	end->nxt = end->iss + 1 + len;
	enter(end, STATE_SYN_SENT);
	return segment_of(end, end->iss, len, TCP_SYN);
}

struct packet oracle_open(struct endpoint *end)
{
	return oracle_open_with_data(end, 0);
}

int oracle_can_send(const struct endpoint *end)
{
	return end->state == STATE_ESTABLISHED || end->state == STATE_CLOSE_WAIT;
}

int oracle_can_close(const struct endpoint *end)
{
	return oracle_can_send(end) || end->state == STATE_SYN_RCVD;
}

int oracle_unacked(const struct endpoint *end)
{
	return end->state != STATE_CLOSED && end->una != end->nxt;
}

struct packet oracle_send(struct endpoint *end, u32 len)
{
	struct packet out = segment_of(end, end->nxt, len, TCP_PSH);

	end->nxt += len;
	return out;
}

/* Section 3.10.4. */
struct packet oracle_close(struct endpoint *end, u32 len)
{
	struct packet out = segment_of(end, end->nxt, len, TCP_FIN);

	end->nxt += len + 1;
	end->fin = end->nxt;
	end->fin_sent = 1;
	enter(end, end->state == STATE_CLOSE_WAIT ? STATE_LAST_ACK : STATE_FIN_WAIT_1);
	return out;
}

/* Section 3.10.5. */
struct packet oracle_abort(struct endpoint *end)
{
	struct packet out = { .seq = end->nxt, .flags = TCP_RST };

	if (end->state == STATE_CLOSED || end->state == STATE_TIME_WAIT || end->state == STATE_SYN_SENT)
		out.flags = 0;
	enter(end, STATE_CLOSED);
	end->listening = 0;
	end->was_reset = 1;
	return out;
}

int oracle_owes_ack(const struct endpoint *end)
{
	return end->ack_owed && end->state != STATE_CLOSED;
}

struct packet oracle_ack(struct endpoint *end)
{
	return oracle_owes_ack(end) ? plain_ack(end) : nothing;
}

struct packet oracle_repeat(struct endpoint *end)
{
	u32 fin = !!end->fin_sent;

	if (!oracle_unacked(end))
		return nothing;
	if (end->una == end->iss)
		return segment_of(end, end->iss, end->state == STATE_SYN_SENT ? end->nxt - end->iss - 1 : 0, TCP_SYN);
	return segment_of(end, end->una, end->nxt - end->una - fin, fin ? TCP_FIN : TCP_PSH);
}

struct packet oracle_repeat_fin(struct endpoint *end)
{
	if (!oracle_unacked(end) || !end->fin_sent || end->una == end->iss)
		return nothing;
	return segment_of(end, end->fin - 1, 0, TCP_FIN);
}

/* Section 3.10.7.1. */
static struct packet refusal(const struct packet *in)
{
	struct packet out = { .flags = TCP_RST };

	if (in->flags & TCP_RST)
		return nothing;
	if (in->flags & TCP_ACK) {
		out.seq = in->ack;
	} else {
		out.flags |= TCP_ACK;
		out.ack = in->seq + in->len + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
	}
	return out;
}

static void synchronise(struct endpoint *end, const struct packet *in)
{
	end->irs = in->seq;
	end->rcv = in->seq + 1;
	end->synchronised = 1;
}

/* Section 3.10.7.2. Data of a SYN is taken: RFC 7413 with a cookie that is good. */
static struct packet receive_listening(struct endpoint *end, const struct packet *in)
{
	if (in->flags & TCP_RST)
		return nothing;
	if (in->flags & TCP_ACK)
		return refusal(in);
	if (!(in->flags & TCP_SYN))
		return nothing;
	synchronise(end, in);
	end->rcv += in->len;
	end->una = end->iss;
	end->nxt = end->iss + 1;
	end->listening = 0;
	enter(end, STATE_SYN_RCVD);
	return segment_of(end, end->iss, 0, TCP_SYN);
}

/* Section 3.10.7.3. */
static struct packet receive_syn_sent(struct endpoint *end, const struct packet *in)
{
	int ack = in->flags & TCP_ACK;

	if (ack && !seq_within(in->ack, end->iss + 1, end->nxt))
		return refusal(in);
	if (in->flags & TCP_RST) {
		if (ack) {
			enter(end, STATE_CLOSED);
			end->was_reset = 1;
		}
		return nothing;
	}
	if (!(in->flags & TCP_SYN))
		return nothing;
	synchronise(end, in);
	if (ack) {
		end->una = in->ack;
		enter(end, STATE_ESTABLISHED);
		end->ack_owed = 1;
		return nothing;
	}
	enter(end, STATE_SYN_RCVD);
	return segment_of(end, end->iss, 0, TCP_SYN);
}

static int acceptable(const struct endpoint *end, const struct packet *in)
{
	u32 len = in->len + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
	u32 last = end->rcv + window(end) - 1;

	if (!len)
		return seq_within(in->seq, end->rcv, last);
	return seq_within(in->seq, end->rcv, last) || seq_within(in->seq + len - 1, end->rcv, last);
}

/* Third, fifth: section 3.10.7.4. Returns whether the rest of the segment counts. */
static int take_ack(struct endpoint *end, const struct packet *in)
{
	if (seq_before(in->ack, end->una) || seq_after(in->ack, end->nxt)) {
		end->ack_owed |= seq_after(in->ack, end->nxt);
		return !seq_after(in->ack, end->nxt);
	}
	end->una = in->ack;
	if (end->state == STATE_SYN_RCVD)
		enter(end, STATE_ESTABLISHED);
	if (!end->fin_sent || in->ack != end->fin)
		return 1;
	if (end->state == STATE_FIN_WAIT_1)
		enter(end, STATE_FIN_WAIT_2);
	else if (end->state == STATE_CLOSING)
		enter(end, STATE_TIME_WAIT);
	else if (end->state == STATE_LAST_ACK)
		enter(end, STATE_CLOSED);
	return 1;
}

/* Seventh and eighth: data and FIN, in order. */
static void take_text(struct endpoint *end, const struct packet *in)
{
	u32 text_end = in->seq + in->len;

	if (seq_after(in->seq, end->rcv))
		return;
	if (seq_after(text_end, end->rcv))
		end->rcv = text_end;
	if (!(in->flags & TCP_FIN) || text_end != end->rcv)
		return;
	end->rcv++;
	if (end->state == STATE_ESTABLISHED)
		enter(end, STATE_CLOSE_WAIT);
	else if (end->state == STATE_FIN_WAIT_1)
		enter(end, STATE_CLOSING);
	else if (end->state == STATE_FIN_WAIT_2)
		enter(end, STATE_TIME_WAIT);
}

static struct packet receive_reset(struct endpoint *end, const struct packet *in)
{
	if (in->seq != end->rcv)
		return plain_ack(end);
	if (end->state == STATE_TIME_WAIT) /* RFC 1337: no assassination */
		return nothing;
	enter(end, STATE_CLOSED);
	end->was_reset = 1;
	return nothing;
}

/* What was taken before may bring a new ACK: the RFC drops it, all known stacks take it. */
static int is_repeat(const struct endpoint *end, const struct packet *in)
{
	return (in->flags & TCP_ACK) && !(in->flags & (TCP_SYN | TCP_RST)) && !seq_after(in->seq, end->rcv) &&
	       end->una != end->iss;
}

/* Section 3.10.7.4. */
static struct packet receive_synchronised(struct endpoint *end, const struct packet *in)
{
	/* figure 7: the SYN-ACK of a simultaneous open repeats a SYN that was taken */
	int crossed = end->state == STATE_SYN_RCVD && (in->flags & TCP_SYN) && (in->flags & TCP_ACK) &&
		      in->seq == end->irs;

	/* its SYN again: the SYN-ACK was lost (RFC 9293 would send an ACK, which opens nothing) */
	if (end->state == STATE_SYN_RCVD && in->flags == TCP_SYN && in->seq == end->irs)
		return oracle_repeat(end);
	if (!crossed && !acceptable(end, in)) {
		if (is_repeat(end, in))
			take_ack(end, in);
		return in->flags & TCP_RST || end->state == STATE_CLOSED ? nothing : plain_ack(end);
	}
	if (in->flags & TCP_RST)
		return receive_reset(end, in);
	if ((in->flags & TCP_SYN) && !crossed)
		return plain_ack(end);
	if (!(in->flags & TCP_ACK))
		return nothing;
	if (end->una == end->iss && !seq_within(in->ack, end->iss + 1, end->nxt))
		return refusal(in);
	if (!take_ack(end, in))
		return oracle_ack(end);
	if (end->state == STATE_CLOSED)
		return nothing;
	if (!crossed && (in->len || (in->flags & TCP_FIN))) {
		take_text(end, in);
		end->ack_owed = 1;
	}
	return nothing;
}

struct packet oracle_receive(struct endpoint *end, const struct packet *in)
{
	if (end->state == STATE_CLOSED)
		return end->listening ? receive_listening(end, in) : refusal(in);
	if (end->state == STATE_SYN_SENT)
		return receive_syn_sent(end, in);
	return receive_synchronised(end, in);
}
