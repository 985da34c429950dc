/* SPDX-License-Identifier: GPL-2.0-only */
#include "lingering.h"

#include <stdlib.h>
#include <string.h>

#include "facts.h"

#define HEADS 4096
#define RECENT_NS (60 * NSEC_PER_SEC)
#define UNSEEN_GONE 2 /* looks in a row: its end was never told, the event was lost */

/* A socket whose owner is sought, for one end that lingers or, as a listener, for several. */
struct wanted {
	u64 cookie;
	struct process *process; /* of those that have it the one with the smallest number */
};

struct listener {
	struct address addr;
	u16 port;
	u64 cookie;
};

struct lingerings {
	struct hash_keys hash_keys;
	u32 count, waiting;
	TAILQ_HEAD(lingering_list, lingering) every, queue;
	struct lingering *head[HEADS];
	struct processes processes;
	struct wanted *wanted; /* sorted */
	u32 wanteds;
	struct listener *listener;
	u32 listeners, listener_room;
	int memory_short; /* in this look */
};

struct lingerings *lingerings_new(u64 secret)
{
	struct lingerings *all = calloc(1, sizeof(*all));

	if (all) {
		all->hash_keys = hash_keys_of(secret);
		TAILQ_INIT(&all->every);
		TAILQ_INIT(&all->queue);
	}
	return all;
}

static struct lingering **slot_of(struct lingerings *all, const struct key *key, u32 end)
{
	struct lingering **at = &all->head[key_hash(key, &all->hash_keys) % HEADS];

	while (*at && ((*at)->end != end || !key_equal(&(*at)->key, key)))
		at = &(*at)->next;
	return at;
}

struct lingering *lingering_find(const struct lingerings *all, const struct key *key, u32 end)
{
	return *slot_of((struct lingerings *)all, key, end);
}

struct lingering *lingering_begin(struct lingerings *all, const struct event *start)
{
	struct lingering *new;

	if (all->count == LINGERING_MAX)
		return NULL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return NULL;
	new->start = malloc(sizeof(*start));
	if (!new->start) {
		free(new);
		return NULL;
	}
	*new->start = *start;
	new->key = start->flow.key;
	new->end = start->value & 1;
	new->state = start->detail2;
	new->holder = (u8)facts_linger(start, NULL).holder;
	new->since_ns = start->flow.mark_ns ? start->flow.mark_ns : start->time;
	new->begun_ns = start->time;
	new->missing = OWNER_NAT;
	new->uid = new->unread_bytes = UNKNOWN;
	*slot_of(all, &new->key, new->end) = new;
	TAILQ_INSERT_TAIL(&all->every, new, every);
	TAILQ_INSERT_TAIL(&all->queue, new, queue);
	all->count++;
	all->waiting++;
	return new;
}

void lingering_told(struct lingerings *all, struct lingering *lingering)
{
	if (!lingering->start)
		return;
	TAILQ_REMOVE(&all->queue, lingering, queue);
	free(lingering->start);
	lingering->start = NULL;
	all->waiting--;
}

void lingering_end(struct lingerings *all, struct lingering *lingering)
{
	lingering_told(all, lingering);
	*slot_of(all, &lingering->key, lingering->end) = lingering->next;
	TAILQ_REMOVE(&all->every, lingering, every);
	all->count--;
	free(lingering);
}

int lingering_is_quiet(const struct lingerings *all)
{
	return !all->count && !all->processes.count;
}

u32 lingering_waiting(const struct lingerings *all)
{
	return all->waiting;
}

struct lingering *lingering_first(const struct lingerings *all)
{
	return TAILQ_FIRST(&all->queue);
}

struct lingering *lingering_next(const struct lingering *lingering)
{
	return TAILQ_NEXT(lingering, queue);
}

int lingering_is_certain(const struct lingering *lingering)
{
	return lingering->missing != OWNER_NAT || lingering->unseen >= UNSEEN_GONE;
}

void lingering_settle(struct lingering *lingering, enum owner_missing missing)
{
	lingering->missing = missing;
	lingering->unseen = UNSEEN_GONE;
}

/* --- a look --- */

void lingering_look(struct lingerings *all)
{
	struct lingering *one;

	for (one = TAILQ_FIRST(&all->every); one; one = TAILQ_NEXT(one, every)) {
		one->cookie = 0;
		one->missing = OWNER_NAT;
		one->seen = 0;
	}
	all->listeners = 0;
	all->memory_short = 0;
}

int lingering_short(const struct lingerings *all)
{
	return all->memory_short;
}

static void note_listener(struct lingerings *all, const struct socket_entry *entry)
{
	if (all->listeners == all->listener_room) {
		u32 room = all->listener_room ? all->listener_room * 2 : 64;
		struct listener *more = realloc(all->listener, room * sizeof(*more));

		if (!more) {
			all->memory_short = 1;
			return;
		}
		all->listener = more;
		all->listener_room = room;
	}
	all->listener[all->listeners++] = (struct listener){ entry->local, entry->local_port, entry->cookie };
}

/* A FIN that came has a number of its own, which is no byte to be read. */
static u64 unread_bytes(const struct socket_entry *entry)
{
	if (entry->state == TCP_FIN_WAIT1 || entry->state == TCP_FIN_WAIT2)
		return entry->queued;
	return entry->queued ? entry->queued - 1 : 0;
}

void lingering_socket(void *arg, const struct socket_entry *entry)
{
	struct lingerings *all = arg;
	struct lingering *found;
	struct key key = { .zero = 0 };
	u32 end;

	if (entry->state == TCP_LISTEN) {
		note_listener(all, entry);
		return;
	}
	end = key_make(&key, entry->local, entry->local_port, entry->remote, entry->remote_port);
	found = lingering_find(all, &key, end);
	if (!found)
		return;
	found->seen = 1;
	if (!entry->inode && entry->state != TCP_CLOSE_WAIT) {
		found->missing = OWNER_ORPHAN;
		found->process = NULL;
		return;
	}
	found->missing = OWNER_KNOWN; /* for now */
	found->cookie = entry->inode ? entry->cookie : 0;
	found->uid = entry->uid;
	found->unread_bytes = unread_bytes(entry);
}

static int is_any(const struct address *address)
{
	const struct address any_v4 = address_v4(0);

	return address_equal(address, &any_v4) || (!address->word[0] && !address->word[1]);
}

/*
 * No file leads to a connection in CLOSE_WAIT: whoever closes leaves that state,
 * so it was not accepted yet, and who has forgotten it is the listener's owner.
 */
static u64 listener_of(const struct lingerings *all, const struct lingering *lingering)
{
	const struct address *addr = &lingering->key.addr[lingering->end];
	u64 cookie = 0;

	for (u32 i = 0; i < all->listeners; i++) {
		const struct listener *listener = &all->listener[i];

		if (listener->port != lingering->key.port[lingering->end])
			continue;
		if (address_equal(&listener->addr, addr))
			return listener->cookie;
		if (is_any(&listener->addr))
			cookie = listener->cookie;
	}
	return cookie;
}

static int by_cookie(const void *a, const void *b)
{
	u64 x = ((const struct wanted *)a)->cookie, y = ((const struct wanted *)b)->cookie;

	return x < y ? -1 : x > y;
}

u32 lingering_wanted(struct lingerings *all)
{
	struct lingering *one;
	u32 n = 0;

	free(all->wanted);
	all->wanteds = 0;
	all->wanted = calloc(all->count + 1, sizeof(*all->wanted));
	if (!all->wanted) {
		all->memory_short = 1;
		return 0;
	}
	for (one = TAILQ_FIRST(&all->every); one; one = TAILQ_NEXT(one, every)) {
		if (one->missing != OWNER_KNOWN)
			continue;
		if (!one->cookie)
			one->cookie = listener_of(all, one);
		if (one->cookie)
			all->wanted[n++].cookie = one->cookie;
	}
	qsort(all->wanted, n, sizeof(*all->wanted), by_cookie);
	for (u32 i = 0; i < n; i++) {
		if (!all->wanteds || all->wanted[i].cookie != all->wanted[all->wanteds - 1].cookie)
			all->wanted[all->wanteds++] = all->wanted[i];
	}
	return all->wanteds;
}

static struct wanted *wanted_of(const struct lingerings *all, u64 cookie)
{
	const struct wanted like = { .cookie = cookie };

	return all->wanteds ? bsearch(&like, all->wanted, all->wanteds, sizeof(like), by_cookie) : NULL;
}

void lingering_owner(void *arg, const struct owner_record *record, const char *names)
{
	struct lingerings *all = arg;
	struct wanted *wanted = record->pid ? wanted_of(all, record->cookie) : NULL;

	if (!wanted || (wanted->process && record->pid >= wanted->process->pid))
		return;
	wanted->process = process_of(&all->processes, record, names);
	all->memory_short |= !wanted->process;
}

static void answer(struct lingerings *all, struct lingering *one, enum look look)
{
	const struct wanted *wanted = one->cookie ? wanted_of(all, one->cookie) : NULL;

	if (wanted && wanted->process) {
		one->process = wanted->process;
		one->process->uid = one->uid;
	} else if (look == LOOK_COMPLETE) {
		one->process = NULL;
		one->missing = OWNER_KERNEL;
	} else {
		one->missing = OWNER_RIGHTS; /* but for whom an earlier look has found */
	}
}

void lingering_answer(struct lingerings *all, enum look look)
{
	struct lingering *one, *next;

	for (one = TAILQ_FIRST(&all->every); one; one = next) {
		next = TAILQ_NEXT(one, every);
		one->unseen = one->seen ? 0 : one->unseen + (one->unseen < UNSEEN_GONE);
		if (one->missing == OWNER_KNOWN)
			answer(all, one, look);
		else if (one->process && !one->start && one->unseen >= UNSEEN_GONE)
			lingering_end(all, one);
	}
}

struct owner_report lingering_report(const struct lingering *lingering)
{
	const struct process *process = lingering->process;
	struct owner_report report = {
		.missing = process ? OWNER_KNOWN : lingering->missing, .uid = UNKNOWN, .unread_bytes = UNKNOWN,
	};

	if (!process)
		return report;
	report.pid = process->pid;
	memcpy(report.comm, process->comm, sizeof(report.comm));
	memcpy(report.cgroup, process->cgroup, sizeof(report.cgroup));
	report.uid = lingering->uid;
	report.unread_bytes = lingering->unread_bytes;
	return report;
}

/* --- piles --- */

static void count_one(const struct lingering *one, u64 now_ns)
{
	struct process *process = one->process;

	process->ends++;
	if (one->state != STATE_CLOSE_WAIT || one->start)
		return;
	if (!process->close_waits++ || one->since_ns < process->oldest_ns) {
		process->oldest_ns = one->since_ns;
		process->oldest_holder = one->holder;
	}
	process->recent += one->begun_ns + RECENT_NS > now_ns;
}

void lingering_survey(struct lingerings *all, u64 now_ns, process_fn each, void *arg)
{
	struct lingering *one;

	processes_clear(&all->processes);
	for (one = TAILQ_FIRST(&all->every); one; one = TAILQ_NEXT(one, every)) {
		if (one->process)
			count_one(one, now_ns);
	}
	processes_tell(&all->processes, now_ns, each, arg);
}

void lingerings_free(struct lingerings *all)
{
	struct lingering *one, *next;

	if (!all)
		return;
	for (one = TAILQ_FIRST(&all->every); one; one = next) {
		next = TAILQ_NEXT(one, every);
		free(one->start);
		free(one);
	}
	processes_free(&all->processes);
	free(all->wanted);
	free(all->listener);
	free(all);
}
