/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To load and attach takes CAP_BPF, CAP_PERFMON (without it the verifier allows
 * no pointer plus a number it does not know, and no program of this length) and
 * CAP_NET_ADMIN. Afterwards most runs need none: maps and programs are reached by
 * descriptor, a link goes when its descriptor is closed. What is needed all the
 * same differs by kernel and by directory, so it is tried, not guessed.
 */
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base.h"
#include "log.h"
#include "syscalls.h"

struct kept {
	cap_value_t cap[3];
	int count;
	char text[256]; /* "CAP_X (why), CAP_Y (why)" */
};

static const char *name_of(cap_value_t cap)
{
	switch (cap) {
	case CAP_BPF:
		return "CAP_BPF";
	case CAP_PERFMON:
		return "CAP_PERFMON";
	case CAP_NET_ADMIN:
		return "CAP_NET_ADMIN";
	case CAP_SYS_ADMIN:
		return "CAP_SYS_ADMIN";
	default:
		return "CAP_DAC_OVERRIDE";
	}
}

static int has(cap_t state, cap_value_t cap, cap_flag_t set)
{
	cap_flag_value_t value = CAP_CLEAR;

	return !cap_get_flag(state, cap, set, &value) && value == CAP_SET;
}

static void append(char *text, size_t size, const char *name, const char *why)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s%s%s%s", used ? ", " : "", name, why ? " (" : "", why ? why : "",
		 why ? ")" : "");
}

int privileges_check(void)
{
	static const cap_value_t needed[] = { CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN };
	cap_t state = cap_get_proc();
	char missing[64] = "";

	if (!state)
		return 0; /* the kernel will tell */
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		/* which once was all of these but the network */
		int stands_for = needed[i] != CAP_NET_ADMIN && has(state, CAP_SYS_ADMIN, CAP_EFFECTIVE);

		if (!stands_for && !has(state, needed[i], CAP_EFFECTIVE))
			append(missing, sizeof(missing), name_of(needed[i]), NULL);
	}
	cap_free(state);
	if (!*missing)
		return 0;
	log_error("not permitted to watch an interface: %s %s missing\n"
		  "run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; a capture (-r) needs none", missing,
		  strchr(missing, ',') ? "are" : "is");
	return -EPERM;
}

/* --- giving up --- */

/* Only these in effect; the others stay permitted, so that they can be had back. */
static int put_in_effect(cap_t state, const cap_value_t *cap, int count)
{
	if (cap_clear_flag(state, CAP_EFFECTIVE) ||
	    (count && cap_set_flag(state, CAP_EFFECTIVE, count, cap, CAP_SET)) || cap_set_proc(state))
		return -errno;
	return 0;
}

/* Keeps it where it was there at all. */
static void keep(struct kept *kept, cap_t state, cap_value_t cap, const char *why)
{
	if (!has(state, cap, CAP_PERMITTED))
		return;
	kept->cap[kept->count++] = cap;
	append(kept->text, sizeof(kept->text), name_of(cap), why);
}

/* A root that gives up its privileges is a stranger in the directories of others. */
static int may_not_write_beside(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) && errno == EACCES;
}

/* Tries with nothing but what is surely needed, and adds what that was too little for. */
static int find_needed(const struct privileges_use *use, cap_t state, struct kept *kept)
{
	int error;

	if (use->attaching)
		keep(kept, state, CAP_NET_ADMIN, "interfaces may still come");
	else if (use->filters)
		keep(kept, state, CAP_NET_ADMIN, "to take the clsact filters off");
	error = put_in_effect(state, kept->cap, kept->count);
	if (error)
		return error;
	if (use->try_kernel(use->arg) == -EPERM)
		keep(kept, state, has(state, CAP_BPF, CAP_PERMITTED) ? CAP_BPF : CAP_SYS_ADMIN,
		     "this kernel wants it for every access to a map");
	if (use->textfile && may_not_write_beside(use->textfile))
		keep(kept, state, CAP_DAC_OVERRIDE, "the text file's directory is another user's");
	return 0;
}

/* The bounding set needs CAP_SETPCAP; without it, it stays, and no_new_privs sees to it that nothing comes of it. */
static void lower_bounds(cap_t state, const struct kept *kept)
{
	static const cap_value_t setpcap = CAP_SETPCAP;

	cap_reset_ambient();
	if (!has(state, CAP_SETPCAP, CAP_PERMITTED) || put_in_effect(state, &setpcap, 1))
		return;
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++) {
		int needed = 0;

		for (int i = 0; i < kept->count; i++)
			needed |= kept->cap[i] == cap;
		if (!needed)
			cap_drop_bound(cap);
	}
}

static int drop_capabilities(const struct privileges_use *use, struct kept *kept)
{
	cap_t state = cap_get_proc();
	int error;

	if (!state)
		return -errno;
	error = find_needed(use, state, kept);
	if (!error) {
		lower_bounds(state, kept);
		if (cap_clear(state) ||
		    (kept->count && (cap_set_flag(state, CAP_PERMITTED, kept->count, kept->cap, CAP_SET) ||
				     cap_set_flag(state, CAP_EFFECTIVE, kept->count, kept->cap, CAP_SET))) ||
		    cap_set_proc(state))
			error = -errno;
	}
	cap_free(state);
	return error;
}

void privileges_drop(const struct privileges_use *use)
{
	struct kept kept = { .count = 0 };
	int error = drop_capabilities(use, &kept), calls;

	if (error)
		log_note("capabilities: %s; the run goes on with all it had", strerror(-error));
	else
		log_detail("capabilities: %s", kept.count ? kept.text : "none kept");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		log_note("no_new_privs: %s; the system calls are not filtered", strerror(errno));
		return;
	}
	calls = syscalls_restrict(use->attaching);
	if (calls < 0)
		log_note("system calls: %s; they are not filtered", strerror(-calls));
	else if (calls)
		log_detail("system calls: %d allowed, all others fail", calls);
	else
		log_detail("system calls: not filtered in this build");
}
