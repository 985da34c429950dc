/* SPDX-License-Identifier: GPL-2.0-only */
/* The hash of keys: alike for both directions, spread over all that is made of it, and nothing to aim with. */
#include "stage.h"
#include "seed.h"

#define SECRETS 16
#define KEYS 65536
#define BINS 1024

static struct key key_of(struct address from, u16 sport, struct address to, u16 dport)
{
	struct key key;

	key_make(&key, from, sport, to, dport);
	return key;
}

static struct address v4(u32 host) { return address_v4(__builtin_bswap32(host)); }

static struct address v6(u64 prefix, u64 host)
{
	return (struct address){ { __builtin_bswap64(prefix), __builtin_bswap64(host) } };
}

#define SERVER_V4 v4(0x0a000001)
#define SERVER_V6 v6(0x20010db800000000, 1)

static struct key ports(u32 n) { return key_of(v4(0x0a000002), (u16)n, SERVER_V4, 443); }
static struct key services(u32 n) { return key_of(v4(0x0a000002), 40000, SERVER_V4, (u16)n); }
static struct key neighbours(u32 n) { return key_of(v4(0x0b000000 + n), 40000, SERVER_V4, 443); }
static struct key hosts_and_ports(u32 n) { return key_of(v4(0x0b000000 + (n >> 8)), (u16)(1024 + (n & 255)), SERVER_V4, 443); }
static struct key one_in_256(u32 n) { return key_of(v4(n << 8 | 7), 40000, SERVER_V4, 443); }
static struct key hosts_v6(u32 n) { return key_of(v6(0x20010db800010000, n), 40000, SERVER_V6, 443); }
static struct key prefixes_v6(u32 n) { return key_of(v6(0x20010db800000000 + n, 1), 40000, SERVER_V6, 443); }
static struct key ports_v6(u32 n) { return key_of(v6(0x20010db800010000, 1), (u16)n, SERVER_V6, 443); }

static const struct manner {
	const char *name;
	struct key (*key)(u32 n);
} manners[] = {
	{ "ports", ports },		{ "services", services },	  { "neighbours", neighbours },
	{ "hosts and ports", hosts_and_ports }, { "one in 256", one_in_256 }, { "hosts, v6", hosts_v6 },
	{ "prefixes, v6", prefixes_v6 }, { "ports, v6", ports_v6 },
};

/* What the engine makes of a hash, each cut to BINS. */
static u32 row(u64 hash) { return first_row(hash, BINS); }
static u32 column_and_tag(u64 hash) { return bucket_of_hash(hash) & (BINS - 1); }
static u32 print_and_row(u64 hash) { return TAG_OF_HASH(hash) >> (WORD_TAG_BITS - 8) << 2 | first_row(hash, 4); }
static u32 line_of_seeds(u64 hash) { return seed_line_of(hash); }
static u32 print_of_seeds(u64 hash) { return seed_print(hash) >> ENTRY_POSITION_BITS; }
static u32 both_of_seeds(u64 hash) { return (line_of_seeds(hash) & 31) << 5 | (print_of_seeds(hash) & 31); }
static u32 lock(u64 hash) { return (u32)(hash >> 40) & (BINS - 1); }

static const struct part {
	const char *name;
	u32 (*of)(u64 hash);
} parts[] = {
	{ "row", row }, { "column and tag", column_and_tag }, { "print and row", print_and_row },
	{ "line of seeds", line_of_seeds }, { "print of seeds", print_of_seeds }, { "line and print of seeds", both_of_seeds },
	{ "lock", lock },
};

/* Chi-square; its mean is BINS - 1, and its standard deviation the root of twice that, 45. */
static double unevenness(const struct manner *manner, const struct part *part, const struct hash_keys *keys)
{
	static u32 bins[BINS];
	double sum = 0;

	memset(bins, 0, sizeof(bins));
	for (u32 i = 0; i < KEYS; i++) {
		struct key key = manner->key(i);
		u32 bin = part->of(key_hash(&key, keys));

		assert_true(bin < BINS);
		bins[bin]++;
	}
	for (u32 i = 0; i < BINS; i++)
		sum += (bins[i] - (double)KEYS / BINS) * (bins[i] - (double)KEYS / BINS) / ((double)KEYS / BINS);
	return sum;
}

/* Keys such as networks have come as even as if they were drawn, and with no secret much worse. */
static void spread(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.row_bits = 4;
	config.seeds = BINS * SEEDS_A_LINE;
	restage(s, &config);
	engine = s->engine;
	for (u32 m = 0; m < ARRAY_SIZE(manners); m++) {
		for (u32 p = 0; p < ARRAY_SIZE(parts); p++) {
			double worst = 0, mean = 0;

			for (u64 secret = 0; secret < SECRETS; secret++) {
				struct hash_keys keys = hash_keys_of(secret);
				double it = unevenness(&manners[m], &parts[p], &keys);

				mean += it / SECRETS;
				worst = it > worst ? it : worst;
			}
			if (mean > BINS * 1.2 || worst > BINS * 1.5)
				fail_msg("%s, %s: mean %.0f, worst %.0f", manners[m].name, parts[p].name, mean, worst);
		}
	}
}

static void both_directions(void **state)
{
	struct hash_keys keys = hash_keys_of(1);

	(void)state;
	for (u32 i = 0; i < 1000; i++) {
		struct key there = neighbours(i), back = key_of(SERVER_V4, 443, v4(0x0b000000 + i), 40000);

		assert_true(key_equal(&there, &back));
		assert_true(key_hash(&there, &keys) == key_hash(&back, &keys));
	}
}

/* Upper bits of two words that cancel each other where each word is mixed into a hash by one multiplication. */
static void chosen_differences(void **state)
{
	const u64 high = 1ULL << 63;

	(void)state;
	for (u64 secret = 0; secret < 1000; secret++) {
		struct hash_keys keys = hash_keys_of(secret);

		for (u32 i = 0; i < 3; i++) {
			struct key a = hosts_v6((u32)secret), b = a;
			u64 *word = (u64 *)b.addr;

			word[i] ^= high;
			word[i + 1] ^= high;
			assert_true(key_hash(&a, &keys) != key_hash(&b, &keys));
			word[i + 1] ^= high >> 32;
			assert_true(key_hash(&a, &keys) != key_hash(&b, &keys));
		}
	}
}

MAIN_OF_SCENES(scene(spread), scene(both_directions), scene(chosen_differences))
