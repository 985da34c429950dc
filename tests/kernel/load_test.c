/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every program loads, alone, with and without the kernel's type information,
 * in every view and with all filters on; and how many instructions the verifier
 * looked at for it, of the million that it allows.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>

#include "loader.h"

#define INSNS_MAX 1000000u

struct setting {
	const char *name;
	enum view view;
	int all_filters, sockets;
};

static const struct setting settings[] = {
    {"host", VIEW_HOST, 0, 1},
    {"host, all filters", VIEW_HOST, 1, 1},
    {"tap, all filters", VIEW_TAP, 1, 0},
    {"one_sided, all filters", VIEW_ONE_SIDED, 1, 0},
};

static struct config config_of(const struct setting *setting)
{
	struct config config = loader_config(8, 1024, 512);

	config.view = (u8)setting->view;
	config.ask_sockets = (u8)setting->sockets;
	config.idle_after = 80000;
	config.time_wait_after = 20;
	config.pair_limit = 5000;
	if (setting->all_filters) {
		config.no_ipv4 = 1;
		config.ports = FILTER_PORTS;
		config.hosts = FILTER_HOSTS;
		config.slow_open_ns = 1;
	}
	return config;
}

static void put_config(struct bpf_object *object, const struct config *config)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.config");
	size_t size;
	struct config *in_object = (struct config *)bpf_map__initial_value(map, &size);

	assert_non_null(in_object);
	assert_true(size >= sizeof(*config));
	*in_object = *config;
}

/* A program's instructions that the verifier processed, its most costly path and all others. */
static u32 load_alone(const struct kernel *kernel, const char *name, const struct config *config)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "tcpshake");
	struct bpf_object *object = bpf_object__open_mem(kernel->elf, kernel->elf_size, &opts);
	struct bpf_prog_info info = {0};
	struct bpf_program *program;
	u32 length = sizeof(info);

	assert_non_null(object);
	bpf_object__for_each_program(program, object)
	    bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	put_config(object, config);
	if (bpf_object__load(object))
		fail_msg("%s does not load", name);
	program = bpf_object__find_program_by_name(object, name);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length), 0);
	bpf_object__close(object);
	return info.verified_insns;
}

static void load_each(const struct kernel *kernel, const struct setting *setting, const char *variant)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "tcpshake");
	struct bpf_object *object = bpf_object__open_mem(kernel->elf, kernel->elf_size, &opts);
	struct config config = config_of(setting);
	struct bpf_program *program;
	u32 most = 0, programs = 0;

	assert_non_null(object);
	print_message("verifier, %s, %s:", variant, setting->name);
	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);
		u32 insns = load_alone(kernel, name, &config);

		print_message(" %s %u", name, insns);
		most = insns > most ? insns : most;
		programs++;
	}
	print_message("\n");
	bpf_object__close(object);
	assert_true(programs >= 13);
	/* room for a kernel whose verifier finds fewer paths equal */
	assert_in_range(most, 1, INSNS_MAX / 2);
}

static void load_variant(const char *variant)
{
	struct config config = loader_config(8, 1024, 512);
	struct plan plan = {0};
	struct kernel *kernel;

	enter_world();
	assert_int_equal(kernel_prepare(&kernel, &config, &plan, NEED_ALL, 4096, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		load_each(kernel, &settings[i], variant);
	kernel_close(kernel);
}

static void each_program_loads_without_btf(void **state)
{
	(void)state;
	setenv("TCPSHAKE_NO_BTF", "1", 1);
	load_variant("without BTF");
	unsetenv("TCPSHAKE_NO_BTF");
}

static void each_program_loads_with_btf(void **state)
{
	(void)state;
	load_variant("with BTF");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_program_loads_without_btf),
	    cmocka_unit_test(each_program_loads_with_btf),
	};

	return cmocka_run_group_tests_name("load_test", tests, NULL, NULL);
}
