/* SPDX-License-Identifier: GPL-2.0-only */
#include "lockstep.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

/* Turns of an empty loop, about a nanosecond each: more than the ways into two programs differ. */
#define DELAY_MAX 3000

/* With no second CPU free the other one will not come before we leave ours. */
#define SPINS_MAX 5000

struct side {
	u64 met; /* how often this one came to the barrier */
	u32 delay;
	int result;
	struct shot *shot;
} __attribute__((aligned(128)));

struct lockstep {
	struct side side[2];
	struct dice dice;
	pthread_t helper;
	int cpu[2];
};

enum { HERE, THERE };

int shot_run(struct shot *shot)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (shot->is_sweep) {
		opts.ctx_in = &shot->sweep;
		opts.ctx_size_in = sizeof(shot->sweep);
	} else {
		opts.data_in = shot->frame;
		opts.data_size_in = shot->size;
		opts.repeat = 1;
	}
	return bpf_prog_test_run_opts(shot->program, &opts) ? -errno : 0;
}

static void meet(struct lockstep *lockstep, int who)
{
	u64 mine = lockstep->side[who].met + 1;
	u32 spins = 0;

	__atomic_store_n(&lockstep->side[who].met, mine, __ATOMIC_RELEASE);
	while (__atomic_load_n(&lockstep->side[!who].met, __ATOMIC_ACQUIRE) < mine) {
		if (++spins > SPINS_MAX)
			sched_yield();
	}
}

static void shoot(struct lockstep *lockstep, int who)
{
	struct side *side = &lockstep->side[who];

	for (volatile u32 turn = 0; turn < side->delay; turn++)
		;
	side->result = shot_run(side->shot);
}

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *help(void *arg)
{
	struct lockstep *lockstep = arg;

	pin(lockstep->cpu[THERE]);
	for (;;) {
		meet(lockstep, THERE);
		if (!lockstep->side[THERE].shot)
			return NULL;
		shoot(lockstep, THERE);
		meet(lockstep, THERE);
	}
}

/* The first two CPUs that this process may use; how many there are. */
static int choose_cpus(int cpu[2])
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	for (int i = 0; i < CPU_SETSIZE && found < 2; i++) {
		if (CPU_ISSET(i, &set))
			cpu[found++] = i;
	}
	return found;
}

struct lockstep *lockstep_new(u64 seed)
{
	struct lockstep *lockstep = aligned_alloc(128, sizeof(*lockstep));
	static int cpu[2] = {-1, -1}; /* the first caller's pin leaves later ones no choice */

	if (!lockstep)
		return NULL;
	*lockstep = (struct lockstep){.dice = {seed}};
	if (cpu[1] < 0 && choose_cpus(cpu) < 2)
		goto fail;
	lockstep->cpu[HERE] = cpu[0];
	lockstep->cpu[THERE] = cpu[1];
	if (pin(cpu[HERE]) || pthread_create(&lockstep->helper, NULL, help, lockstep))
		goto fail;
	return lockstep;
fail:
	free(lockstep);
	return NULL;
}

void lockstep_free(struct lockstep *lockstep)
{
	lockstep->side[THERE].shot = NULL;
	meet(lockstep, HERE);
	pthread_join(lockstep->helper, NULL);
	free(lockstep);
}

int lockstep_run(struct lockstep *lockstep, struct shot *here, struct shot *there)
{
	struct side *side = lockstep->side;
	u32 offset = dice_below(&lockstep->dice, 2 * DELAY_MAX);

	side[HERE].shot = here;
	side[THERE].shot = there;
	side[HERE].delay = offset < DELAY_MAX ? DELAY_MAX - offset : 0;
	side[THERE].delay = offset > DELAY_MAX ? offset - DELAY_MAX : 0;
	meet(lockstep, HERE);
	shoot(lockstep, HERE);
	meet(lockstep, HERE);
	return side[HERE].result ? side[HERE].result : side[THERE].result;
}
