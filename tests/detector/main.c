// SPDX-License-Identifier: GPL-2.0-only
/*
 * detector [--short] [--tune] [RESULTS.md CURVE.svg]
 *
 * Runs the flood detector over generated days and floods and tells how it did;
 * exit status 1 when something required was missed. --tune: the seeds that may be looked at.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab.h"

#define MOST_RUNS 20000

struct lab {
	u64 seed;
	u32 day_seeds, sight_seeds, attack_seeds, share_seeds, curve_seeds;
	u64 day_ticks;
	FILE *out;
	u32 pulses, pulses_one;
	u32 missed;
};

struct tally {
	double latency[MOST_RUNS];
	double end[MOST_RUNS];
	u32 runs, in_time, found, early, right, judged, one, overtold;
	u32 ended; /* of those with one start and one end */
};

static const char *const kinds[FLOOD_KINDS] = {
	[FLOOD_SPOOFED] = "forged addresses",	       [FLOOD_FORGED_ACK] = "forged ACKs, too",
	[FLOOD_RST_SOME] = "a third answered by RST", [FLOOD_RST_ALL] = "all answered by RST",
	[FLOOD_FEW] = "50 hosts, raw SYNs",	       [FLOOD_STACKS] = "50 hosts, real stacks",
	[FLOOD_UNANSWERED] = "no answer to it",
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double latency_at(struct tally *tally, double share)
{
	if (!tally->found)
		return 0;
	qsort(tally->latency, tally->found, sizeof(*tally->latency), by_size);
	return tally->latency[(u32)(share * (tally->found - 1) + 0.5)];
}

static void add(struct tally *tally, const struct attack *attack, u64 seed, double limit_s)
{
	struct outcome outcome = run_attack(attack, seed);

	if (tally->runs == MOST_RUNS)
		return;
	tally->runs++;
	tally->early += (u32)outcome.early;
	tally->overtold += outcome.overtold;
	if (outcome.latency_s < 0)
		return;
	tally->latency[tally->found++] = outcome.latency_s;
	tally->in_time += outcome.latency_s <= limit_s;
	if (outcome.starts == 1 && outcome.ends == 1) {
		tally->one++;
		tally->end[tally->ended++] = outcome.end_s > 0 ? outcome.end_s : 0;
	}
	if (outcome.verdict < 0)
		return;
	tally->judged++;
	tally->right += outcome.verdict == (int)true_verdict(attack);
}

static void require(struct lab *lab, int met, const char *what)
{
	if (met)
		return;
	fprintf(stderr, "detector: required and missed: %s\n", what);
	lab->missed++;
}

static u64 next_seed(struct lab *lab)
{
	return lab->seed++;
}

static void row(struct lab *lab, const char *name, struct tally *tally)
{
	double half = latency_at(tally, 0.5), most = latency_at(tally, 0.95), all = latency_at(tally, 1);

	fprintf(lab->out, "| %s | %u | %u | %.2f | %.2f | %.2f | ", name, tally->runs, tally->in_time, half, most,
		all);
	if (tally->judged)
		fprintf(lab->out, "%.1f %% |\n", 100.0 * tally->right / tally->judged);
	else
		fprintf(lab->out, "- |\n");
	fflush(lab->out);
}

static void table_head(struct lab *lab, const char *limit)
{
	fprintf(lab->out, "\n| | runs | within %s | median s | 95 %% s | slowest s | verdict right |\n", limit);
	fprintf(lab->out, "|---|---|---|---|---|---|---|\n");
}

static const double opens[] = { 0, 5, 50, 500, 5000, 50000, 100000 };

static void each_tenfold(struct lab *lab, struct tally *tally, struct attack attack)
{
	for (u32 i = 0; i < ARRAY_SIZE(opens); i++) {
		attack.opens = opens[i];
		for (double rate = opens[i] > 5 ? opens[i] * 10 : 50; rate <= 1000000; rate *= 10)
			for (u32 n = 0; n < lab->attack_seeds; n++) {
				attack.rate = rate;
				add(tally, &attack, next_seed(lab), 0.5);
			}
	}
}

static void tenfold(struct lab *lab)
{
	u32 runs = 0, in_time = 0, right = 0, judged = 0, early = 0;

	fprintf(lab->out, "\n## Floods of ten times the usual rate and more\n\n"
			  "50 to 1,000,000 SYN/s over 0 to 100,000 opens a second. Required: each within 0.5 s.\n");
	table_head(lab, "0.5 s");
	for (u32 kind = 0; kind < FLOOD_KINDS; kind++) {
		static struct tally tally;

		memset(&tally, 0, sizeof(tally));
		each_tenfold(lab, &tally, (struct attack){ .kind = kind, .cookies = 1 });
		row(lab, kinds[kind], &tally);
		runs += tally.runs;
		in_time += tally.in_time;
		right += tally.right;
		judged += tally.judged;
		early += tally.early + tally.overtold;
	}
	require(lab, in_time == runs, "floods of ten times the usual rate, each within 0.5 s");
	require(lab, right * 100 >= judged * 95, "verdicts, 95 of 100");
	require(lab, !early, "no alarm before the flood, one update a second");
}

static void without_cookies(struct lab *lab)
{
	static const double few[] = { 0, 5, 50, 500 };
	static struct tally tally;

	memset(&tally, 0, sizeof(tally));
	for (u32 i = 0; i < ARRAY_SIZE(few); i++)
		for (double rate = few[i] > 50 ? few[i] * 10 : 2000; rate <= 1000000; rate *= 5)
			for (u32 n = 0; n < lab->attack_seeds; n++)
				add(&tally, &(struct attack){ .opens = few[i], .rate = rate }, next_seed(lab), 0.5);
	row(lab, "no SYN cookies: 4,096 entries, then silence", &tally);
	require(lab, tally.in_time == tally.runs, "floods without cookies, each within 0.5 s");
	require(lab, tally.right * 100 >= tally.judged * 95, "verdicts without cookies, 95 of 100");
}

/* No baseline yet. A service never heard of has to be waited for, unless there is very much of it. */
static void first_minute_of(struct lab *lab, struct attack attack, const char *what)
{
	static const char *const heard[] = { "first seen with it", "opens before" };
	static struct tally tally[2];
	char name[64];

	memset(tally, 0, sizeof(tally));
	for (u32 i = 0; i < ARRAY_SIZE(opens); i++)
		for (double rate = opens[i] > 5 ? opens[i] * 10 : 50; rate <= 1000000; rate *= 10)
			for (u32 n = 0; n < lab->attack_seeds; n++) {
				attack.opens = opens[i];
				attack.rate = rate;
				attack.warm_s = 5 + n;
				add(&tally[opens[i] > 0], &attack, next_seed(lab), 0.5);
			}
	for (u32 i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s, %s", heard[i], what);
		row(lab, name, &tally[i]);
		require(lab, tally[i].found == tally[i].runs, name);
	}
}

static void first_minute(struct lab *lab)
{
	fprintf(lab->out, "\n## Floods in the first minute of a service\n\nThe same rates. Required: each is found.\n");
	table_head(lab, "0.5 s");
	first_minute_of(lab, (struct attack){ .cookies = 1 }, "flood answered");
	first_minute_of(lab, (struct attack){ .cookies = 1, .kind = FLOOD_UNANSWERED }, "flood unanswered");
	first_minute_of(lab, (struct attack){ .cookies = 1, .dead = 1 }, "no one is answered");
}

static void end_row(struct lab *lab, struct attack attack, const char *name)
{
	static struct tally tally;
	u32 in_time = 0;

	memset(&tally, 0, sizeof(tally));
	for (u32 i = 0; i < ARRAY_SIZE(opens); i++)
		for (double share = 0.5; share <= 50; share *= 10)
			for (u32 n = 0; n < lab->attack_seeds; n++) {
				double least = DETECT_MIN_RATE * (attack.sum ? 2 * DETECT_SUM_FACTOR : 1);

				attack.opens = opens[i];
				attack.rate = opens[i] * share > least ? opens[i] * share : least;
				add(&tally, &attack, next_seed(lab), 30);
			}
	qsort(tally.end, tally.ended, sizeof(*tally.end), by_size);
	while (in_time < tally.ended && tally.end[in_time] <= 1)
		in_time++;
	fprintf(lab->out, "| %s | %u | %u | %u | %.1f | %.1f | %.1f |\n", name, tally.runs, tally.ended, in_time,
		tally.end[tally.ended / 2], tally.end[tally.ended * 95 / 100], tally.end[tally.ended - 1]);
	require(lab, tally.ended * 100 >= tally.found * 95, "floods that end once, 95 of 100");
	require(lab, in_time * 100 >= tally.ended * 95, "ends, 95 of 100 within 1 s");
}

static void ends(struct lab *lab)
{
	fprintf(lab->out, "\n## Ends\n\nHow long after %u quiet seconds the end is told, of floods of half the opens to fifty times as many. "
			  "Required: 95 of 100 within 1 s.\n\n| | runs | one start, one end | within 1 s | median s | 95 %% s | slowest s |\n"
			  "|---|---|---|---|---|---|---|\n", FLOOD_CALM / TICKS_PER_SEC);
	end_row(lab, (struct attack){ .cookies = 1 }, "a service");
	end_row(lab, (struct attack){ .cookies = 1, .warm_s = 10 }, "a service in its first minute");
	end_row(lab, (struct attack){ .cookies = 1, .sum = 1 }, "a swept address or prefix");
	end_row(lab, (struct attack){ .cookies = 1, .sum = 1, .warm_s = 10 }, "the same in its first minute");
}

static void pulses_told(struct lab *lab)
{
	fprintf(lab->out, "\nOf %u pulsing floods %u were told as one, with one start and one end.\n", lab->pulses,
		lab->pulses_one);
}

static void pulsing(struct lab *lab)
{
	static struct tally tally;

	memset(&tally, 0, sizeof(tally));
	for (u32 i = 1; i < ARRAY_SIZE(opens); i++)
		for (u32 n = 0; n < lab->attack_seeds; n++)
			add(&tally,
			    &(struct attack){ .opens = opens[i], .rate = opens[i] * 10, .cookies = 1, .on_s = 1, .off_s = 4 },
			    next_seed(lab), 0.5);
	row(lab, "pulses of 1 s every 5 s", &tally);
	lab->pulses = tally.runs;
	lab->pulses_one = tally.one;
	require(lab, tally.one * 100 >= tally.runs * 95, "pulses told as one flood, 95 of 100");
}

static void third(struct lab *lab)
{
	static const double busy[] = { 500, 1000, 3000, 10000, 100000 };
	static struct tally tally;

	fprintf(lab->out, "\n## Floods of 30 %% of the opens\n\nRequired: 95 of 100 within 2 s.\n");
	table_head(lab, "2 s");
	for (u32 i = 0; i < ARRAY_SIZE(busy); i++) {
		char name[64];

		memset(&tally, 0, sizeof(tally));
		for (u32 n = 0; n < lab->share_seeds; n++)
			add(&tally, &(struct attack){ .opens = busy[i], .rate = busy[i] * 0.3, .cookies = 1 },
			    next_seed(lab), 2);
		snprintf(name, sizeof(name), "%.0f SYN/s over %.0f opens a second", busy[i] * 0.3, busy[i]);
		row(lab, name, &tally);
		require(lab, tally.in_time * 100 >= tally.runs * 95, name);
	}
}

static void days(struct lab *lab)
{
	fprintf(lab->out, "\n## Days without a flood\n\n%u days of %llu ticks each. Required: no alarm.\n\n",
		lab->day_seeds, (unsigned long long)lab->day_ticks);
	fprintf(lab->out, "| | | false alarms | flash crowds told (`-v`) | `silent` told |\n|---|---|---|---|---|\n");
	for (u32 i = 0; i < pattern_count; i++) {
		struct day all = { 0 };

		for (u32 n = 0; n < lab->day_seeds; n++) {
			struct day day = run_day(&patterns[i], next_seed(lab), lab->day_ticks, 0);

			all.alarms += day.alarms;
			all.crowds += day.crowds;
			all.silences += day.silences;
		}
		fprintf(lab->out, "| %s | %s | %llu | %llu | %llu |\n", patterns[i].name, patterns[i].what,
			(unsigned long long)all.alarms, (unsigned long long)all.crowds,
			(unsigned long long)all.silences);
		fflush(lab->out);
		require(lab, !all.alarms, patterns[i].name);
	}
}

/* The first minute and a half of a service, in the midst of a run. */
static void first_sight(struct lab *lab)
{
	fprintf(lab->out, "\n## First sight of a service\n\n%u times 90 s of each, from its first SYN on, in a run that has gone on for long. "
			  "What happens now and then begins within\nthe first minute. Required: at most 10 alarms in 1,000 runs.\n\n"
			  "| | runs | false alarms |\n|---|---|---|\n", lab->sight_seeds);
	for (u32 i = 0; i < pattern_count; i++) {
		u64 alarms = 0;

		for (u32 n = 0; n < lab->sight_seeds; n++)
			alarms += !!run_day(&patterns[i], next_seed(lab), 90 * TICKS_PER_SEC, 1).alarms;
		fprintf(lab->out, "| %s | %u | %llu |\n", patterns[i].name, lab->sight_seeds,
			(unsigned long long)alarms);
		require(lab, alarms * 100 <= lab->sight_seeds, patterns[i].name);
	}
}

#define CURVE_POINTS 64

static u32 curve(struct lab *lab, struct curve_point *points)
{
	static const double services[] = { 50, 500, 5000 };
	static const double shares[] = { 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10, 30, 100 };
	static struct tally tally;
	u32 count = 0;

	fprintf(lab->out, "\n## Latency against intensity\n\n| opens a second | flood, of the opens | SYN/s "
			  "| seen within 30 s | median s | 95 %% s |\n|---|---|---|---|---|---|\n");
	for (u32 i = 0; i < ARRAY_SIZE(services); i++)
		for (u32 j = 0; j < ARRAY_SIZE(shares); j++) {
			struct curve_point *point = &points[count++];

			memset(&tally, 0, sizeof(tally));
			*point = (struct curve_point){ .opens = services[i], .share = shares[j] };
			point->rate = services[i] * shares[j];
			for (u32 n = 0; n < lab->curve_seeds; n++)
				add(&tally, &(struct attack){ .opens = services[i], .rate = point->rate, .cookies = 1 },
				    next_seed(lab), 30);
			point->found = (double)tally.in_time / tally.runs;
			point->median_s = latency_at(&tally, 0.5);
			point->most_s = latency_at(&tally, 0.95);
			fprintf(lab->out, "| %.0f | %.0f %% | %.0f | %.0f %% | ", services[i], shares[j] * 100,
				point->rate, point->found * 100);
			if (tally.found)
				fprintf(lab->out, "%.2f | %.2f |\n", point->median_s, point->most_s);
			else
				fprintf(lab->out, "- | - |\n");
		}
	return count;
}

int main(int argc, char **argv)
{
	struct lab lab = { .day_seeds = 20, .sight_seeds = 1000, .attack_seeds = 20, .share_seeds = 1000, .curve_seeds = 40,
			   .day_ticks = DAY_TICKS, .out = stdout };
	struct curve_point points[CURVE_POINTS];
	int tune = 0, quick = 0, at = 1;
	FILE *svg = NULL;
	u32 count;

	for (; at < argc && argv[at][0] == '-'; at++) {
		tune |= !strcmp(argv[at], "--tune");
		quick |= !strcmp(argv[at], "--short");
	}
	if (quick)
		lab = (struct lab){ .day_seeds = 2, .sight_seeds = 1000, .attack_seeds = 2, .share_seeds = 400, .curve_seeds = 4,
				    .day_ticks = DAY_TICKS / 2, .out = stdout };
	if (at + 2 == argc) {
		lab.out = fopen(argv[at], "w");
		svg = fopen(argv[at + 1], "w");
		if (!lab.out || !svg) {
			perror(argv[at]);
			return 2;
		}
	}
	lab.seed = tune ? 1 : REPORT_SEED;
	write_head(lab.out, lab.seed, tune);
	days(&lab);
	first_sight(&lab);
	tenfold(&lab);
	without_cookies(&lab);
	pulsing(&lab);
	pulses_told(&lab);
	first_minute(&lab);
	ends(&lab);
	third(&lab);
	count = curve(&lab, points);
	write_limits(lab.out);
	if (svg) {
		fprintf(lab.out, "\n![latency against intensity](latency.svg)\n");
		curve_svg(svg, points, count);
		fclose(svg);
	}
	fprintf(lab.out, "\n%s\n", lab.missed ? "Something required was missed." : "All that is required was met.");
	return lab.missed ? 1 : 0;
}
