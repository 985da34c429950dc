/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one process of a machine that is booted to see which programs a kernel
 * takes: loads each program of the objects alone and tells the result. Linked
 * statically with the objects inside; it is /init.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define PROGRAMS_MAX 64

extern const unsigned char _binary_tcpshake_bpf_o_start[], _binary_tcpshake_bpf_o_end[];
extern const unsigned char _binary_tcpshake_btf_bpf_o_start[], _binary_tcpshake_btf_bpf_o_end[];

extern const unsigned char _binary_owners_iter_bpf_o_start[], _binary_owners_iter_bpf_o_end[];

struct object {
	const char *name;
	const unsigned char *start, *end;
};

static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vprintf(format, args) : 0;
}

/* Every feature on, so that nothing is pruned as dead. */
static void fill_config(struct bpf_object *object, int sockets)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.config");
	size_t size;
	struct config *config;

	if (!map)
		return;
	config = (struct config *)bpf_map__initial_value(map, &size);
	*config = (struct config){
		.secret = 1, .row_bits = 4, .seeds = 1 << 12, .events = 0xff, .half_open_after = 30, .give_up_after = 750,
		.close_wait_after = 600, .fin_wait_after = 900, .time_wait_after = 20, .idle_after = 80000,
		.pair_limit = 5000, .ask_sockets = (u8)sockets, .ports = 1, .hosts = 1,
		.table = { { 0, 100 }, { 1600, 100 }, { 3200, 32 } },
	};
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "lines"), 3712);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "flows"), 25600);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "services"), 4097);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "buckets"), 128);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "prints"), 3200);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "seeds"), 1 << 12);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "seed_answers"), 1 << 12);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "seed_words"), 1 << 12);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "seed_lines"), 1 << 9);
}

static struct bpf_object *open_object(const struct object *from)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "tcpshake");

	return bpf_object__open_mem(from->start, (size_t)(from->end - from->start), &opts);
}

static void try_program(const struct object *from, const char *name)
{
	struct bpf_object *object = open_object(from);
	struct bpf_program *program;
	int error;

	fill_config(object, !strcmp(from->name, "btf"));
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	error = bpf_object__load(object);
	printf("LOADED %s %s %d\n", from->name, name, error);
	bpf_object__close(object);
}

static void try_object(const struct object *from)
{
	struct bpf_object *object = open_object(from);
	struct bpf_program *program;
	char names[PROGRAMS_MAX][64];
	int count = 0;

	bpf_object__for_each_program(program, object) {
		if (count < PROGRAMS_MAX)
			snprintf(names[count++], sizeof(names[0]), "%s", bpf_program__name(program));
	}
	bpf_object__close(object);
	for (int i = 0; i < count; i++)
		try_program(from, names[i]);
}

int main(void)
{
	const struct object objects[] = {
		{ "plain", _binary_tcpshake_bpf_o_start, _binary_tcpshake_bpf_o_end },
		{ "btf", _binary_tcpshake_btf_bpf_o_start, _binary_tcpshake_btf_bpf_o_end },
		{ "owners", _binary_owners_iter_bpf_o_start, _binary_owners_iter_bpf_o_end },
	};
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, 0);
	mount("sys", "/sys", "sysfs", 0, 0);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_print(print_warnings);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		try_object(&objects[i]);
	printf("ALL TRIED\n");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
