/* SPDX-License-Identifier: GPL-2.0-only */
#include "owners.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owners_iter.skel.h"

#define READ_BYTES 65536
#define RECORD_BYTES (sizeof(struct owner_record) + OWNER_NAMES_ENOUGH + OWNER_NAME_BYTES)
#define FIRST_PID_NAMESPACE 0xeffffffc /* PROC_PID_INIT_INO of the kernel */

struct owners {
	struct bpf_object *object;
	struct bpf_link *link;
};

void owners_close(struct owners *owners)
{
	if (!owners)
		return;
	bpf_link__destroy(owners->link);
	bpf_object__close(owners->object);
	free(owners);
}

static int load(struct owners *owners)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "tcpshake_owners");
	size_t size;
	const void *elf = owners_iter__elf_bytes(&size);
	int error;

	owners->object = bpf_object__open_mem(elf, size, &opts);
	if (!owners->object)
		return -errno;
	error = bpf_object__load(owners->object);
	if (error)
		return error;
	owners->link = bpf_program__attach_iter(bpf_object__find_program_by_name(owners->object, "tell_owner"), NULL);
	return owners->link ? 0 : -errno;
}

int owners_open(struct owners **out)
{
	struct owners *owners;
	int error;

	if (access("/sys/kernel/btf/vmlinux", R_OK) || getenv("TCPSHAKE_NO_BTF"))
		return -ENOTSUP;
	owners = calloc(1, sizeof(*owners));
	if (!owners)
		return -ENOMEM;
	error = load(owners);
	if (error) {
		owners_close(owners);
		return error;
	}
	*out = owners;
	return 0;
}

/* Hands over the whole records at the front; returns how many bytes they were. */
static size_t take(const char *bytes, size_t length, owner_fn each, void *arg)
{
	size_t at = 0;

	while (length - at >= sizeof(struct owner_record)) {
		struct owner_record record;

		memcpy(&record, bytes + at, sizeof(record));
		if (record.names > RECORD_BYTES || length - at < sizeof(record) + record.names)
			break;
		each(arg, &record, bytes + at + sizeof(record));
		at += sizeof(record) + record.names;
	}
	return at;
}

/* A read ends where the buffer does, be that in the middle of a record. EAGAIN: a million files without one. */
static int read_all(int fd, owner_fn each, void *arg)
{
	static char buffer[READ_BYTES];
	size_t have = 0, taken;
	ssize_t length;

	do {
		length = read(fd, buffer + have, sizeof(buffer) - have);
		if (length > 0) {
			have += (size_t)length;
			taken = take(buffer, have, each, arg);
			have -= taken;
			memmove(buffer, buffer + taken, have);
		}
	} while (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR)));
	if (length < 0)
		return -errno;
	return have ? -EIO : 0;
}

int owners_each(const struct owners *owners, owner_fn each, void *arg)
{
	int fd = bpf_iter_create(bpf_link__fd(owners->link)), error;

	if (fd < 0)
		return -errno;
	error = read_all(fd, each, arg);
	close(fd);
	return error;
}

int owners_see_all(void)
{
	struct stat stat_of;

	return !stat("/proc/self/ns/pid", &stat_of) && stat_of.st_ino == FIRST_PID_NAMESPACE;
}
