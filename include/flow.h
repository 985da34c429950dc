/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flow in memory: one 64-bit word in a line of eight, and one record.
 *
 * The word is all that a sweep reads: who is due, what is proved, what it is
 * watched for. The record holds numbers, times and counts; it may be touched
 * only by the one who holds the flow, that is who made its word BUSY by
 * compare-and-swap (table.h).
 */
#ifndef TCPSHAKE_FLOW_H
#define TCPSHAKE_FLOW_H

#include "config.h"
#include "proof.h"
#include "segment.h"

/* --- the word --- */

/* An empty slot is a word of all zeros. */
#define WORD_BUSY 0x1ULL /* held: being written, stepped or expired */
#define WORD_TOMB 0x2ULL /* ended, kept 60 s: after FINs this is the TIME_WAIT */

/* Why every packet of a flow is looked up. In the filter, PENDING counts as P, the others as C. */
enum watch {
	WATCH_NONE,
	WATCH_PENDING,	 /* not yet promoted */
	WATCH_ACCEPT,	 /* SYN-ACK repeated after its ACK */
	WATCH_FIN,	 /* FIN sent, not acknowledged */
	WATCH_RESET,	 /* RST that no number proved */
	WATCH_PROBATION, /* silent for --idle-after */
	WATCH_ONE_SIDED, /* FIN on a one-sided view */
	WATCH_HALF,	 /* half-closed on a tap: a forged FIN may still be disproved */
};

#define WORD_PROOF_SHIFT 2 /* end 0, then end 1 at +7 */
#define WORD_WATCH_SHIFT 16
#define WORD_WATCH_MASK (7ULL << WORD_WATCH_SHIFT)
#define WORD_TOLD_1 (1ULL << 19)   /* half_open, or linger in CLOSE_WAIT or TIME_WAIT, was told */
#define WORD_TOLD_2 (1ULL << 20)   /* linger of the closer was told; with half_open: a flood's summaries stood for it */
#define WORD_INFERRED_SHIFT 21
#define WORD_INFERRED (1ULL << WORD_INFERRED_SHIFT) /* one-sided: may fill a quarter of the table, goes first */
#define WORD_ADOPTION (1ULL << 22) /* in the pending table: no handshake, a candidate */
#define WORD_TIME_WAIT (1ULL << 23) /* of a tombstone: it ended by FIN */
#define WORD_DUE_SHIFT 24
#define WORD_DUE_BITS 20
#define WORD_DUE_MASK (((1ULL << WORD_DUE_BITS) - 1) << WORD_DUE_SHIFT)
#define WORD_TAG_SHIFT 44
#define WORD_TAG_BITS 20

INLINE u32 word_tag(u64 word) { return (u32)(word >> WORD_TAG_SHIFT); }
INLINE enum watch word_watch(u64 word) { return (word & WORD_WATCH_MASK) >> WORD_WATCH_SHIFT; }
INLINE u32 word_due(u64 word) { return (word & WORD_DUE_MASK) >> WORD_DUE_SHIFT; }

INLINE u32 word_proofs(u64 word, u32 end)
{
	return word >> (WORD_PROOF_SHIFT + end * PROOF_BITS) & PROOF_MASK;
}

INLINE u64 proofs_in_word(u32 end, u32 proofs)
{
	return (u64)proofs << (WORD_PROOF_SHIFT + end * PROOF_BITS);
}

INLINE u64 word_with_watch(u64 word, enum watch watch)
{
	return (word & ~WORD_WATCH_MASK) | (u64)watch << WORD_WATCH_SHIFT;
}

INLINE u64 word_with_due(u64 word, u32 tick)
{
	return (word & ~WORD_DUE_MASK) | ((u64)tick << WORD_DUE_SHIFT & WORD_DUE_MASK);
}

/* Ticks from `from` to `to`, both modulo 2^20: negative when `to` is past. */
INLINE s32 ticks_between(u32 from, u32 to)
{
	return (s32)((to - from) << (32 - WORD_DUE_BITS)) >> (32 - WORD_DUE_BITS);
}

/* The furthest a deadline may lie ahead: 14 hours. Longer waits are cut to it. */
#define TICKS_MAX ((1u << (WORD_DUE_BITS - 1)) - 1000)

INLINE int word_is_due(u64 word, u32 tick)
{
	return ticks_between(word_due(word), tick) >= 0;
}

INLINE int word_is_open(u64 word)
{
	const u64 open = proofs_in_word(0, PROOF_OPEN) | proofs_in_word(1, PROOF_OPEN);

	return (word & open) == open;
}

/* --- the record --- */

enum end_flag {
	END_HAS_ACK = 0x01,   /* ack holds the highest sent since it was watched */
	END_HAS_ALT = 0x02,   /* isn_alt holds the other of the last two claims */
	END_HAS_FIN_ALT = 0x08,
	END_HAS_ISN = 0x10,   /* isn holds */
	END_FIN_UNSEEN = 0x04, /* in a connection: adopted with its FIN behind it, whose numbers nobody knows */
	END_EARLY = 0x04,        /* before its SYN: isn_alt..top is a data segment */
	END_FIN_ACKED_PLAIN = 0x20, /* its FIN was acknowledged before the peer's FIN, or beside it */
	END_SENT_PLAIN_SYN = 0x40,  /* a SYN without ACK */
	END_LOCAL = 0x80,     /* a socket of this host: it was seen to send here */
};

struct end {
	u32 isn;
	u32 isn_alt; /* before promotion: other claim; later: seq of a RST in doubt */
	u32 top;     /* end of the furthest segment that started at or below it */
	u32 ack;
	u32 fin;     /* number behind its FIN; the claim that counts */
	u32 fin_alt;
	u32 fin_ack; /* smallest ack that a copy of its FIN carried */
	u16 mss;
	u8 wscale;
	u8 offers;   /* enum offer */
	u16 syn_place, fin_place; /* where its SYN and FIN were first seen; 0: not */
	u8 syn, synack, fin_count, rst; /* sent, up to the close, not more than 255 */
	u8 flags;    /* enum end_flag */
	u8 zero[3];
};

_Static_assert(sizeof(struct end) == 44, "");

enum flow_flag {
	FLOW_CLIENT_IS_1 = 0x0001, /* which end opened; by flow_client() */
	FLOW_BY_SYNACK = 0x0002,   /* orientation from a SYN-ACK */
	FLOW_BY_GUESS = 0x0004,	   /* orientation guessed */
	FLOW_ADOPTED = 0x0008,	   /* not seen to open */
	FLOW_OPENED = 0x0010,
	FLOW_FAST_OPEN = 0x0020,   /* data acknowledged by the SYN-ACK */
	FLOW_SYN_AFTER_ACK = 0x0040, /* crossing retransmissions: no suspicion of the accept queue */
	FLOW_NO_SYNACK = 0x0080,   /* inferred: syn_ack */
	FLOW_NO_LAST_ACK = 0x0100, /* inferred: last_ack */
	FLOW_RESET_INFERRED = 0x0200,
	FLOW_ONE_SIDED = 0x0400,   /* inferred: direction */
	FLOW_RST_BY_1 = 0x0800,	   /* the RST in doubt, or that ended it, came from end 1 */
	FLOW_SYN_AFTER_CLOSE = 0x1000, /* a refused SYN came again: a SYN-ACK may answer it */
	FLOW_IN_PAIR = 0x2000,	   /* counted in the TIME_WAITs of its pair */
	FLOW_ACCEPT_TOLD = 0x4000,
	FLOW_ASKED = 0x8000,	   /* the socket table was asked about it */
};

/* What an end's SYN or SYN-ACK showed; a FIN leaves `mss` and the window scale to other uses. */
struct hello {
	u32 isn;
	u16 mss;     /* 0: not offered; of a FIN the bytes of data in it */
	u16 place;
	u16 service; /* see struct flow */
	u8 offers;   /* enum offer */
	u8 bits;     /* window scale in the low four, HELLO_... */
};

#define HELLO_WSCALE 0x0f
#define HELLO_BY_1 0x10	 /* end 1 sent it */
#define HELLO_LOCAL 0x20 /* a socket of this host sent it */
#define HELLO_TWICE 0x40 /* it was seen at a second place, as a router's are */
#define HELLO_FIN_WITH_ACK 0x01

/*
 * All there is to tell of a pair that has shown one segment (seed.h): one cache
 * line. Most of a flood never becomes more.
 */
struct seed {
	struct key key; /* but that `zero` is its bucket of the watch filter */
	u64 first_ns;
	struct hello hello;
	union {
		u32 len; /* of a SYN: data in it */
		u32 ack; /* of a SYN-ACK or FIN */
	};
};

/* The SYN-ACK that came to a seed's SYN. */
struct answer {
	struct hello hello;
	u32 after_ns; /* the SYN */
};

_Static_assert(sizeof(struct seed) == 64 && sizeof(struct answer) == 16, "one cache line, and a quarter of one");

/* The word of a seed's place: its position, and */
#define SEED_BUSY 0x1ULL /* in somebody's hand */
#define SEED_LIVE 0x2ULL
#define SEED_TOLD 0x4ULL	   /* its half_open is behind it, though nothing was told: not selected, or */
#define SEED_TOLD_IN_ALARM 0x8ULL /* a flood's summaries stood for it */
#define SEED_KIND_SHIFT 4
#define SEED_KIND (3ULL << SEED_KIND_SHIFT)
#define SEED_POSITION_SHIFT 6

/* What a seed was sown of. */
#define SEED_SYN 0x00ULL
#define SEED_ANSWERED 0x10ULL /* a SYN, and its SYN-ACK came since */
#define SEED_SYN_ACK 0x20ULL  /* a SYN-ACK of an unknown pair: like a FIN a candidate for adoption */
#define SEED_FIN 0x30ULL

INLINE u64 seed_is_candidate(u64 word) { return word & SEED_SYN_ACK; }

/* What is proved of the end that sent the seed's segment, and of the other. */
INLINE u32 seed_proofs(u64 word)
{
	u64 kind = word & SEED_KIND;

	return kind == SEED_FIN ? PROOF_F : kind == SEED_SYN_ACK ? PROOF_S | PROOF_K
		: kind == SEED_ANSWERED ? PROOF_S | PROOF_A : PROOF_S;
}

INLINE u32 seed_peer_proofs(u64 word)
{
	u64 kind = word & SEED_KIND;

	return kind == SEED_SYN_ACK ? PROOF_S | PROOF_A : kind == SEED_ANSWERED ? PROOF_S | PROOF_K : 0;
}

/* A line of the seeds' index. For each line there are eight seeds; few lines ever see more than 15 of a round. */
#define SEED_ENTRIES 15
#define SEEDS_A_LINE 8

struct seed_line {
	u32 entry[SEED_ENTRIES]; /* part of the key's hash, low bits of a position; 0: empty */
	u32 next;		 /* the entry that is written next */
};

/* Positions of the ring, counted from 1 and never twice. On two lines: packets write one, the sweep the other. */
struct seed_ends {
	u64 head; /* the position that is given out next, less 1 */
	u64 zero[7];
	u64 tail; /* the sweep has been up to here: none waits for its half_open */
	u64 last; /* and up to here: none waits to be given up */
	u64 zero2[6];
};

struct flow {
	struct key key;
	u64 first_ns;	/* first segment seen */
	struct end end[2];
	u64 mark_ns;	/* before the open: first SYN-ACK; later: first FIN, then its ACK; 0: none */
	u32 last_tick;	/* last sign of life, ticks since 0 modulo 2^32 */
	u16 flags;	/* enum flow_flag */
	u8 how;		/* enum close_how, once it ended */
	u8 duplicates, challenge_acks, disproved; /* not more than 255 */
	u8 finishing;	/* with WORD_TOLD_2: the end whose wait to finish was told */
	u8 zero;
	u16 service;	/* where its service's row was, plus 1; 0: not looked for */
	u8 zero2[2];
};

_Static_assert(sizeof(struct flow) == 160, "40 + 16 + 88 + 16");

INLINE u32 flow_client(const struct flow *flow)
{
	return !!(flow->flags & FLOW_CLIENT_IS_1);
}

INLINE void saturate(u8 *count)
{
	if (*count != 255)
		(*count)++;
}

#endif
