/* SPDX-License-Identifier: GPL-2.0-only */
#include "levels.h"

#include <string.h>

#include "flow.h"

static void count_pending(u64 word, struct levels *levels)
{
	if (word & WORD_TOMB)
		return;
	if (word & WORD_ADOPTION) {
		levels->adoptions_unfinished++;
		return;
	}
	levels->unfinished++;
	/* each has sent a SYN: only the third step is missing */
	if (word_proofs(word, 0) & word_proofs(word, 1) & PROOF_S)
		levels->half_open++;
}

/* Which of the word's bits says that an end in this state was told to linger; 0: it cannot. */
static u64 told_bit(enum tcp_state state)
{
	switch (state) {
	case STATE_CLOSE_WAIT:
	case STATE_TIME_WAIT:
		return WORD_TOLD_1;
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		return WORD_TOLD_2;
	default:
		return 0;
	}
}

/* One bit stands for both ends: when both are in such a state, it was told of the first. */
static void count_lingering(u64 word, struct levels *levels)
{
	u64 told = word & (WORD_TOLD_1 | WORD_TOLD_2);

	for (u32 end = 0; end < 2; end++) {
		enum tcp_state state = state_of(word_proofs(word, end), word_proofs(word, PEER_OF(end)));

		levels->lingering[state] += (told & told_bit(state)) != 0;
		told &= ~told_bit(state);
	}
}

static void count_connection(u64 word, struct levels *levels)
{
	if (!(word & WORD_TOMB) || (word & WORD_TIME_WAIT))
		count_lingering(word, levels);
	if (!(word & WORD_TOMB))
		levels->live++;
	else if (word & WORD_TIME_WAIT)
		levels->held++;
}

/* By what it was sown of. One that is just hatching is counted here or there, or for a moment in both. */
struct seeds_seen {
	u64 of[(SEED_KIND >> SEED_KIND_SHIFT) + 1];
};

static struct seeds_seen count_seeds(const struct config *config, const u64 *seed_words)
{
	struct seeds_seen seen = { { 0 } };

	for (u32 place = 0; place < config->seeds; place++) {
		u64 word = READ_ONCE(seed_words[place]);

		seen.of[(word & SEED_KIND) >> SEED_KIND_SHIFT] += (word & SEED_LIVE) / SEED_LIVE;
	}
	return seen;
}

static void add_seeds(const struct seeds_seen *seeds, struct levels *levels)
{
	for (u64 kind = 0; kind <= SEED_KIND >> SEED_KIND_SHIFT; kind++) {
		u64 word = kind << SEED_KIND_SHIFT, n = seeds->of[kind];

		levels->seeds += n;
		levels->watched_words += n;
		if (seed_is_candidate(word))
			levels->adoptions_unfinished += n;
		else
			levels->unfinished += n;
		if (word == SEED_ANSWERED)
			levels->half_open += n;
	}
}

void levels_count(const struct config *config, const u64 *lines, const u64 *seed_words, const u32 *buckets,
		  struct levels *levels)
{
	u32 first_connection = config->table[TABLE_CONNECTIONS].first_line * LINE_WORDS;
	u32 slots = config->table[TABLE_SERVICES].first_line * LINE_WORDS;
	/* first: one that moves on meanwhile is counted twice, and none never */
	struct seeds_seen seeds = count_seeds(config, seed_words);

	memset(levels, 0, sizeof(*levels));
	add_seeds(&seeds, levels);
	for (u32 slot = 0; slot < slots; slot++) {
		u64 word = READ_ONCE(lines[slot]);

		if (!word)
			continue;
		if (word_watch(word) != WATCH_NONE)
			levels->watched_words++;
		if (slot < first_connection)
			count_pending(word, levels);
		else
			count_connection(word, levels);
	}
	for (u32 i = 0; i < 1u << (BUCKET_TAG_BITS + config->row_bits); i++) {
		u32 bucket = READ_ONCE(buckets[i]);

		levels->filter_sum += (bucket & 0xffff) + (bucket >> 16);
	}
}

void levels_states(const struct config *config, const u64 *lines, const u64 *seed_words, u64 states[TCP_STATES])
{
	u32 slots = config->table[TABLE_SERVICES].first_line * LINE_WORDS;
	struct seeds_seen seeds = count_seeds(config, seed_words);

	memset(states, 0, sizeof(states[0]) * TCP_STATES);
	for (u64 kind = 0; kind <= SEED_KIND >> SEED_KIND_SHIFT; kind++) {
		u32 proofs[2] = { seed_proofs(kind << SEED_KIND_SHIFT), seed_peer_proofs(kind << SEED_KIND_SHIFT) };

		for (u32 end = 0; end < 2; end++)
			states[state_of(proofs[end], proofs[PEER_OF(end)])] += seeds.of[kind];
	}
	for (u32 slot = 0; slot < slots; slot++) {
		u64 word = READ_ONCE(lines[slot]);

		if (!word || ((word & WORD_TOMB) && !(word & WORD_TIME_WAIT)))
			continue;
		for (u32 end = 0; end < 2; end++)
			states[state_of(word_proofs(word, end), word_proofs(word, PEER_OF(end)))]++;
	}
}
