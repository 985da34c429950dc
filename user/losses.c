/* SPDX-License-Identifier: GPL-2.0-only */
#include "losses.h"

static u64 grown(const struct tally *before, const struct tally *now, enum counter a, enum counter b)
{
	return now->count[a] + now->count[b] - before->count[a] - before->count[b];
}

int losses_tell(struct output *output, struct tally *before, const struct tally *now, u64 time)
{
	output_loss(output, LOSS_EVENTS_RING,
		    now->count[C_events_lost_in_ring] - before->count[C_events_lost_in_ring], time);
	output_loss(output, LOSS_PENDING_EVICTED, grown(before, now, C_handshakes_evicted, C_adoptions_evicted), time);
	output_loss(output, LOSS_CONNECTIONS_REFUSED,
		    grown(before, now, C_begun_refused_table_full, C_adoptions_refused_table_full), time);
	*before = *now;
	return output->error;
}
