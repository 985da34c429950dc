/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ratio is worth what its yardsticks are. On a quiet machine the parser costs
 * a few nanoseconds, the reference a clock (26), a hot map (13) and what it adds
 * up; where they do not, something else was measured.
 */
#include <string.h>

#include "parts.h"

#define PARSE_MOST	 6   /* ns over the empty program, whole ones as the test run tells them */
#define REFERENCE_LEAST	 60  /* one flow, over the empty program */
#define REFERENCE_MOST	 130
#define REFERENCE_ON_1M	 900 /* at most: above it, others fill the caches and the memory's queue */
#define REFERENCE_ON_SYN 700 /* at least: an insertion that evicts another */
#define LOST_MOST	 0.01 /* of a row whose events are to be delivered */

static void note(struct results *results, const struct figures *f, const char *what, double ns, int limit)
{
	size_t used = strlen(results->noise);

	snprintf(results->noise + used, sizeof(results->noise) - used,
		 "%s%s: %s %.1f ns over empty, the limit is %d", used ? "; " : "", f->row->name, what, ns, limit);
}

/* An event that finds the ring full is cheaper than one that is delivered. */
static void check_delivery(struct results *results, const struct figures *f)
{
	size_t used = strlen(results->noise);

	if (f->row->traffic == TRAFFIC_CONNECTION && lost_share(f) > LOST_MOST)
		snprintf(results->noise + used, sizeof(results->noise) - used, "%s%s: %.0f %% of the events were lost",
			 used ? "; " : "", f->row->name, 100 * lost_share(f));
}

static void check(struct results *results, const struct figures *f)
{
	double parse = f->ns[TARGET_PARSE] - f->ns[TARGET_EMPTY];
	double reference = f->ns[TARGET_REFERENCE] - f->ns[TARGET_EMPTY];
	int one_flow = f->row->traffic == TRAFFIC_DATA && f->row->flows == 1;

	/* a SYN's options take the parser longer */
	if (f->row->traffic == TRAFFIC_DATA && (int)parse > PARSE_MOST)
		note(results, f, "the parser took", parse, PARSE_MOST);
	if (!f->ns[TARGET_REFERENCE])
		return;
	if (one_flow && reference < REFERENCE_LEAST)
		note(results, f, "the reference took", reference, REFERENCE_LEAST);
	if (one_flow && reference > REFERENCE_MOST)
		note(results, f, "the reference took", reference, REFERENCE_MOST);
	if (f->row->traffic == TRAFFIC_DATA && f->row->flows == 1 << 20 && reference > REFERENCE_ON_1M)
		note(results, f, "the reference took", reference, REFERENCE_ON_1M);
	if (f->row->traffic == TRAFFIC_SYN && reference < REFERENCE_ON_SYN)
		note(results, f, "the reference took", reference, REFERENCE_ON_SYN);
}

int yardsticks_check(struct results *results)
{
	results->noise[0] = 0;
	for (u32 i = 0; i < results->count; i++) {
		const struct figures *f = &results->rows[i];

		if (f->hook != XDP || f->family != V4)
			continue;
		check(results, f);
		check_delivery(results, f);
	}
	return results->noise[0] ? -1 : 0;
}
