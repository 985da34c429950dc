/* SPDX-License-Identifier: GPL-2.0-only */
#include "processes.h"

#include <stdlib.h>
#include <string.h>

void cgroup_path(char *path, size_t size, const char *names, u32 length)
{
	char *at = path + size - 1;

	*at = 0;
	while (length && at > path) {
		size_t name = strnlen(names, length), whole = name < length ? name + 1 : name;
		size_t room = (size_t)(at - path), part = name < room ? name : room;

		at -= part;
		memcpy(at, names + name - part, part);
		if (at > path)
			*--at = '/';
		names += whole;
		length -= (u32)whole;
	}
	if (!*at)
		*--at = '/';
	memmove(path, at, (size_t)(path + size - at));
}

struct process *process_of(struct processes *all, const struct owner_record *record, const char *names)
{
	struct process **at = &all->head[record->pid % PROCESS_HEADS], *process;

	while (*at && (*at)->pid != record->pid)
		at = &(*at)->next;
	process = *at;
	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return NULL;
		process->pid = record->pid;
		process->uid = UNKNOWN;
		*at = process;
		all->count++;
	}
	memcpy(process->comm, record->comm, sizeof(process->comm));
	cgroup_path(process->cgroup, sizeof(process->cgroup), names, record->names);
	return process;
}

void processes_clear(struct processes *all)
{
	struct process *process;

	for (u32 head = 0; head < PROCESS_HEADS; head++)
		for (process = all->head[head]; process; process = process->next)
			process->ends = process->close_waits = process->recent = 0;
}

/* Which phase is to be told now, or -1. */
static int news_of(const struct process *process, u64 now_ns)
{
	u32 held = process->close_waits;

	if (!process->told)
		return held >= PILE_START ? PHASE_START : -1;
	if (held < PILE_START / 2)
		return PHASE_END;
	return held > process->told && now_ns - process->told_ns >= PILE_UPDATE_NS ? PHASE_UPDATE : -1;
}

static void tell(struct process *process, u64 now_ns, process_fn each, void *arg)
{
	int phase = news_of(process, now_ns);

	if (phase < 0)
		return;
	process->told = phase == PHASE_END ? 0 : process->close_waits;
	process->told_ns = now_ns;
	each(arg, process, (enum phase)phase);
}

void processes_tell(struct processes *all, u64 now_ns, process_fn each, void *arg)
{
	for (u32 head = 0; head < PROCESS_HEADS; head++) {
		struct process **at = &all->head[head], *process;

		while ((process = *at)) {
			tell(process, now_ns, each, arg);
			if (process->ends) {
				at = &process->next;
				continue;
			}
			*at = process->next;
			free(process);
			all->count--;
		}
	}
}

void processes_free(struct processes *all)
{
	for (u32 head = 0; head < PROCESS_HEADS; head++) {
		struct process *process;

		while ((process = all->head[head])) {
			all->head[head] = process->next;
			free(process);
		}
	}
	all->count = 0;
}
