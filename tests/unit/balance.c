/* SPDX-License-Identifier: GPL-2.0-only */
#include "balance.h"

#include <stdlib.h>

struct levels_seen {
	u64 handshakes, candidates, live, held, watched, probation;
	const char *fault;
};

#define N(name) (tally->count[C_##name])

static const char *sums_fault(const struct tally *tally, const struct levels_seen *seen, u64 told)
{
	if (N(packets) != N(stepped) + N(not_watched) + N(no_connection) + N(duplicate) + N(filtered) +
			   N(not_tcp) + N(fragment) + N(malformed) + N(truncated) + N(odd_flags) + N(contended))
		return "packets";
	if (N(handshakes_started) != N(handshakes_completed) + N(handshakes_refused) + N(handshakes_aborted) +
				      N(handshakes_reset) + N(handshakes_timed_out) + N(handshakes_replaced) +
				      N(handshakes_evicted) + seen->handshakes)
		return "handshakes started";
	if (N(handshakes_completed) != N(begun_by_handshake) + N(begun_refused_table_full))
		return "handshakes completed";
	if (N(begun_by_handshake) + N(begun_by_adoption) !=
	    N(connections_fin) + N(connections_reset) + N(connections_timed_out) + N(connections_idle) +
		    N(connections_replaced) + N(connections_evicted) + seen->live)
		return "connections begun";
	if (N(adoptions_started) != N(begun_by_adoption) + N(adoptions_refused_table_full) + N(adoptions_joined) +
				     N(adoptions_expired) + N(adoptions_evicted) + seen->candidates)
		return "adoptions started";
	if (N(time_wait_entered) !=
	    N(time_wait_expired) + N(time_wait_reused) + N(time_wait_evicted) + seen->held)
		return "time wait entered";
	if (N(events_made) != N(events_filtered) + N(events_suppressed) + N(events_lost_in_ring) + told)
		return "events made";
	if (N(watch_begun) != N(watch_ended) + seen->watched)
		return "watch begun";
	return NULL;
}

#undef N

/* A word and its record: is it where a look-up for the record's key would come by? */
static const char *place_fault(const struct engine *e, u32 slot, u64 word)
{
	u64 hash = key_hash(&e->flows[slot].key, &e->config.hash_keys);
	u32 table = slot / LINE_WORDS < e->config.table[TABLE_CONNECTIONS].first_line ? TABLE_PENDING
										       : TABLE_CONNECTIONS;
	const struct table_plan *plan = &e->config.table[table];
	u32 line = slot / LINE_WORDS - plan->first_line;
	u32 column = (u32)hash & ((1u << e->config.row_bits) - 1), row = first_row(hash, plan->rows);

	if (word & WORD_BUSY)
		return "a flow is still held";
	if (word_tag(word) != TAG_OF_HASH(hash))
		return "tag of another key";
	if ((line & ((1u << e->config.row_bits) - 1)) != column)
		return "column of another key";
	line >>= e->config.row_bits;
	if (line != row && line != other_row(row, word_tag(word), plan->rows))
		return "row of another key";
	if (table == TABLE_PENDING && !(word & WORD_TOMB) != (word_watch(word) == WATCH_PENDING))
		return "a pending flow that is not watched";
	if (table == TABLE_CONNECTIONS && (word_watch(word) == WATCH_PENDING || (word & WORD_ADOPTION)))
		return "a connection marked as pending";
	if ((word & WORD_TOMB) && word_watch(word) != WATCH_NONE)
		return "a watched tombstone";
	if (!(word & WORD_TOMB) && table == TABLE_CONNECTIONS && !word_is_open(word))
		return "a connection that is not proved";
	return NULL;
}

static void walk_word(const struct engine *e, u32 slot, u32 *buckets, struct levels_seen *seen)
{
	u64 word = e->lines[slot];
	int pending = slot / LINE_WORDS < e->config.table[TABLE_CONNECTIONS].first_line;
	const char *fault = place_fault(e, slot, word);

	if (fault)
		seen->fault = fault;
	if (buckets)
		buckets[bucket_of_hash(key_hash(&e->flows[slot].key, &e->config.hash_keys))] += watch_of(word);
	seen->watched += word_watch(word) != WATCH_NONE;
	seen->probation += word_watch(word) == WATCH_PROBATION;
	if (word & WORD_TOMB)
		seen->held += !!(word & WORD_TIME_WAIT);
	else if (!pending)
		seen->live++;
	else if (word & WORD_ADOPTION)
		seen->candidates++;
	else
		seen->handshakes++;
}

/* A seed lies in the filter where its key does, and in the index where it is looked for. */
static const char *seed_fault(const struct engine *e, u32 place)
{
	const struct seed *seed = &e->seeds[place];
	u64 position = seed_position(e->seed_words[place]), entered = 0;
	struct key key = seed_key(seed);
	u64 hash = key_hash(&key, &e->config.hash_keys);
	const struct seed_line *line = &e->seed_lines[seed_line_of(hash)];

	if (seed->key.zero != bucket_of_hash(hash))
		return "bucket of another seed";
	if (seed_place(position) != place || position > e->seed_ends.head || position + CFG(seeds) <= e->seed_ends.head)
		return "position of another seed";
	for (u32 i = 0; i < SEED_ENTRIES; i++)
		entered += line->entry[i] == entry_of(seed_print(hash), position);
	return entered == 1 ? NULL : "a seed that is not in the index";
}

static void walk_seed(const struct engine *e, u32 place, u32 *buckets, struct levels_seen *seen)
{
	const char *fault;

	if (e->seed_words[place] & SEED_BUSY)
		seen->fault = "a seed is still held";
	if (!(e->seed_words[place] & SEED_LIVE))
		return;
	fault = seed_fault(e, place);
	if (fault)
		seen->fault = fault;
	if (buckets)
		buckets[e->seeds[place].key.zero] += BUCKET_P;
	seen->watched++;
	if (seed_is_candidate(e->seed_words[place]))
		seen->candidates++;
	else
		seen->handshakes++;
}

static u8 print_of_slot(const struct engine *e, u32 slot)
{
	return (u8)(e->prints[slot / LINE_WORDS] >> slot % LINE_WORDS * 8);
}

static struct levels_seen walk(const struct engine *e, u32 *buckets)
{
	struct levels_seen seen = { 0 };
	u32 slots = e->config.table[TABLE_SERVICES].first_line * LINE_WORDS;

	for (u32 slot = 0; slot < slots; slot++) {
		if (e->lines[slot])
			walk_word(e, slot, buckets, &seen);
		if (print_of_slot(e, slot) != (e->lines[slot] ? print_of_tag(word_tag(e->lines[slot])) : 0))
			seen.fault = "fingerprint";
	}
	for (u32 place = 0; place < e->config.seeds; place++)
		walk_seed(e, place, buckets, &seen);
	if (seen.probation != e->probation)
		seen.fault = "level of probation";
	for (u32 i = 0; i < INSERT_LOCKS && buckets; i++) {
		if (e->locks[i])
			seen.fault = "a lock that is still taken";
	}
	return seen;
}

const char *balance_fault_quick(const struct engine *e, u64 told)
{
	struct levels_seen seen;

	engine = (struct engine *)e;
	seen = walk(e, NULL);
	return seen.fault ? seen.fault : sums_fault(&e->tally, &seen, told);
}

const char *balance_fault(const struct engine *e, u64 told)
{
	u32 buckets = 1u << (BUCKET_TAG_BITS + e->config.row_bits);
	u32 *want = calloc(buckets, sizeof(*want));
	struct levels_seen seen;
	int same;

	if (!want)
		return "out of memory";
	engine = (struct engine *)e;
	seen = walk(e, want);
	same = !memcmp(want, e->buckets, buckets * sizeof(*want));
	free(want);
	if (!same)
		return "watch filter";
	return seen.fault ? seen.fault : sums_fault(&e->tally, &seen, told);
}
