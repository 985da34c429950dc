/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has a socket open: an iterator over the open files of all processes. It
 * is read, by whoever has its descriptor, when a connection lingers; no packet
 * comes here. An object of its own, because it does not load without the
 * kernel's type information.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "owner_record.h"
#include "tasks.h"

#define AF_INET 2
#define AF_INET6 10
#define CGROUP_LEVELS 32

/* States in which a connection can linger; and the listener, for what it has not accepted. */
#define LINGERING (1 << BPF_TCP_FIN_WAIT1 | 1 << BPF_TCP_FIN_WAIT2 | 1 << BPF_TCP_CLOSE_WAIT | \
		   1 << BPF_TCP_LAST_ACK | 1 << BPF_TCP_CLOSING | 1 << BPF_TCP_LISTEN)

/* Too big for the stack. An iterator has one reader at a time: ours, that made it. */
static struct {
	struct owner_record head;
	char names[OWNER_NAMES_ENOUGH + OWNER_NAME_BYTES];
} found;

INLINE int may_linger(const struct sock *sk)
{
	u32 family = sk->__sk_common.skc_family, state = sk->__sk_common.skc_state;

	return (family == AF_INET || family == AF_INET6) && state < 32 && (LINGERING >> state & 1);
}

/* A process has a number in each PID namespace that it is in; 0: it is just ending. */
INLINE u32 number_here(struct task_struct *process)
{
	u32 level = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_pid, level), number = 0;
	u64 numbers = (u64)BPF_CORE_READ(process, thread_pid) + bpf_core_field_offset(struct pid, numbers);

	bpf_probe_read_kernel(&number, sizeof(number), (void *)(numbers + level * bpf_core_type_size(struct upid) +
								bpf_core_field_offset(struct upid, nr)));
	return number;
}

/* The way up to the root of the unified hierarchy. Returns the bytes of the names. */
INLINE u32 names_of(const struct cgroup *cgroup)
{
	const struct cgroup_subsys_state *parent;
	u32 length = 0;

	for (u32 level = 0; level < CGROUP_LEVELS && length < OWNER_NAMES_ENOUGH; level++) {
		long bytes;

		parent = BPF_CORE_READ(cgroup, self.parent);
		if (!parent)
			break;
		bytes = bpf_probe_read_kernel_str(&found.names[length], OWNER_NAME_BYTES,
						  BPF_CORE_READ(cgroup, kn, name));
		if (bytes <= 0 || bytes > OWNER_NAME_BYTES)
			break;
		length += bytes;
		cgroup = BPF_CORE_READ(parent, cgroup);
	}
	return length;
}

SEC("iter/task_file")
int tell_owner(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task, *process;
	struct file *file = context->file;
	struct socket *socket;
	u32 names;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk || !may_linger(socket->sk))
		return 0;
	process = task->group_leader;
	found.head.cookie = bpf_get_socket_cookie(socket->sk);
	found.head.pid = number_here(process);
	bpf_core_read(found.head.comm, sizeof(found.head.comm), &process->comm);
	names = names_of(BPF_CORE_READ(process, cgroups, dfl_cgrp));
	if (names > sizeof(found.names))
		return 0;
	found.head.names = names;
	bpf_seq_write(context->meta->seq, &found, sizeof(found.head) + names);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
