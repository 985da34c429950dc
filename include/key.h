/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key of a connection: both endpoints, in one order for both directions.
 *
 * There is no interface, VLAN or mark in it: a SYN may enter by one interface
 * and the SYN-ACK leave by another.
 */
#ifndef TCPSHAKE_KEY_H
#define TCPSHAKE_KEY_H

#include "base.h"

/*
 * An IPv6 address as two 64-bit words that hold its bytes as on the wire; IPv4
 * is mapped (RFC 4291 section 2.5.5.2), so both families go one way.
 */
struct address {
	u64 word[2];
};

/* port[] is in host order. Endpoint 0 is the smaller of the two. */
struct key {
	struct address addr[2];
	u16 port[2];
	u32 zero; /* the structure is hashed and compared whole */
};

_Static_assert(sizeof(struct key) == 40, "five words, no hole");

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define V4_MAPPED_PREFIX 0xffff0000ULL
INLINE u64 v4_mapped_low(u32 wire) { return V4_MAPPED_PREFIX | (u64)wire << 32; }
INLINE u32 v4_of_low(u64 low) { return (u32)(low >> 32); }
INLINE int is_v4_low(u64 low) { return (low & 0xffffffffULL) == V4_MAPPED_PREFIX; }
#else
#define V4_MAPPED_PREFIX 0x0000ffff00000000ULL
INLINE u64 v4_mapped_low(u32 wire) { return V4_MAPPED_PREFIX | wire; }
INLINE u32 v4_of_low(u64 low) { return (u32)low; }
INLINE int is_v4_low(u64 low) { return (low & ~0xffffffffULL) == V4_MAPPED_PREFIX; }
#endif

/* wire: an IPv4 address as loaded from the packet (network byte order). */
INLINE struct address address_v4(u32 wire)
{
	struct address a = { { 0, v4_mapped_low(wire) } };
	return a;
}

INLINE int address_is_v4(const struct address *a)
{
	return !a->word[0] && is_v4_low(a->word[1]);
}

INLINE int address_equal(const struct address *a, const struct address *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

INLINE int key_equal(const struct key *a, const struct key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return !((x[4] ^ y[4]) | (x[3] ^ y[3]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[0] ^ y[0]));
}

INLINE void key_put(struct key *key, struct address first, u16 first_port, struct address second,
		    u16 second_port)
{
	/* one store: key_hash() loads this word whole, and would wait for two smaller stores to reach the cache */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	u64 ports = first_port | (u64)second_port << 16;
#else
	u64 ports = (u64)first_port << 48 | (u64)second_port << 32;
#endif

	key->addr[0] = first;
	key->addr[1] = second;
	__builtin_memcpy(key->port, &ports, sizeof(ports));
}

/*
 * Fills the key from a packet's source and destination and returns which
 * endpoint the source is: 0 or 1. A connection from an endpoint to itself has
 * two equal ends and cannot be told apart: both directions give 0.
 */
INLINE u32 key_make(struct key *key, struct address src, u16 sport, struct address dst, u16 dport)
{
	u32 swap;

	if (src.word[1] != dst.word[1])
		swap = src.word[1] > dst.word[1];
	else if (src.word[0] != dst.word[0])
		swap = src.word[0] > dst.word[0];
	else
		swap = sport > dport;
	if (swap)
		key_put(key, dst, dport, src, sport);
	else
		key_put(key, src, sport, dst, dport);
	return swap;
}

#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ULL

INLINE u64 hash_mix(u64 h, u64 word)
{
	h = (h ^ word) * HASH_MULTIPLIER;
	return h ^ h >> 32;
}

/*
 * The hash of a key is NH (Black and others, "UMAC", 1999): sums of 32-bit words
 * with secret ones, multiplied in pairs, added up. The products do not wait for each
 * other, and of two keys that somebody chose who knows none of the secret all 64 bits
 * agree once in 2^32 secrets. It is not cryptographic beyond that: who could see its
 * results could aim at a line. The rest spreads the sum over all bits.
 */
struct hash_keys {
	u64 ports;
	u32 half[8]; /* one for each half of an address word */
};

/* From one secret, which was drawn at the start. */
INLINE struct hash_keys hash_keys_of(u64 secret)
{
	struct hash_keys keys;
	u64 h = secret;

	for (u32 i = 0; i < 8; i++) {
		h = hash_mix(hash_mix(h, i + 1), secret);
		keys.half[i] = (u32)h;
	}
	keys.ports = hash_mix(hash_mix(h, 9), secret);
	return keys;
}

INLINE u64 hash_pair(u32 a, u32 b, const volatile u32 *half)
{
	return (u64)(a + half[0]) * (u32)(b + half[1]);
}

INLINE u64 hash_word(u64 word, const volatile u32 *half)
{
	return hash_pair((u32)word, (u32)(word >> 32), half);
}

/* Two v4 addresses are one pair, so the common case has fewer products. */
INLINE u64 key_hash(const struct key *key, const volatile struct hash_keys *keys)
{
	const u64 *w = (const u64 *)key;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	u64 sum = w[4] * keys->ports;
#else
	u64 sum = (w[4] >> 32) * keys->ports;
#endif

	if (address_is_v4(&key->addr[0]) && address_is_v4(&key->addr[1]))
		sum += hash_pair(v4_of_low(w[1]), v4_of_low(w[3]), keys->half);
	else
		sum += hash_word(w[0], keys->half) + hash_word(w[1], keys->half + 2) +
		       hash_word(w[2], keys->half + 4) + hash_word(w[3], keys->half + 6);
	sum = (sum ^ sum >> 32) * HASH_MULTIPLIER;
	return sum ^ sum >> 32;
}

#endif
