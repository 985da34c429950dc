/* SPDX-License-Identifier: GPL-2.0-only */
/* From the object to tables that are mapped, and back: what is done once. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "kernel_parts.h"
#include "log.h"

#include "tcpshake.skel.h"
#include "tcpshake_btf.skel.h"

static struct bpf_map *map_of(const struct kernel *kernel, const char *name)
{
	return bpf_object__find_map_by_name(kernel->object, name);
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *rest, *line;

	(void)level;
	if (!log_enabled(LEVEL_DEBUG) || vasprintf(&text, format, args) < 0)
		return 0;
	/* a verifier's reason has thousands of lines */
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			log_debug("%s", line);
	}
	free(text);
	return 0;
}

/* The object that knows the kernel's sockets where there is type information, else the plain one. */
static void choose_object(struct kernel *kernel)
{
	int btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0 && !getenv("TCPSHAKE_NO_BTF");

	kernel->elf = btf ? tcpshake_btf__elf_bytes(&kernel->elf_size) : tcpshake__elf_bytes(&kernel->elf_size);
	kernel->config.ask_sockets = (u8)btf;
}

static int open_object(struct kernel *kernel)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "tcpshake");

	kernel->object = bpf_object__open_mem(kernel->elf, kernel->elf_size, &opts);
	if (!kernel->object)
		return kernel_fail(kernel, -errno, "cannot open the BPF object: %s", strerror(errno));
	return 0;
}

static int size_map(struct kernel *kernel, const char *name, u32 entries)
{
	return bpf_map__set_max_entries(map_of(kernel, name), entries ? entries : 1);
}

static int size_maps(struct kernel *kernel)
{
	const struct config *config = &kernel->config;
	size_t size;
	struct config *in_object;
	int error = 0;

	error |= size_map(kernel, "lines", kernel->plan.lines);
	error |= size_map(kernel, "prints", config->table[TABLE_SERVICES].first_line);
	error |= size_map(kernel, "flows", config->table[TABLE_SERVICES].first_line * LINE_WORDS);
	error |= size_map(kernel, "seeds", config->seeds);
	error |= size_map(kernel, "seed_answers", config->seeds);
	error |= size_map(kernel, "seed_words", config->seeds);
	error |= size_map(kernel, "seed_lines", config->seeds / SEEDS_A_LINE);
	error |= size_map(kernel, "services", kernel->plan.services + 1);
	error |= size_map(kernel, "buckets", ((1u << (BUCKET_TAG_BITS + config->row_bits)) + 1023) / 1024);
	error |= size_map(kernel, "events", kernel->ring_bytes);
	if (error)
		return kernel_fail(kernel, -EINVAL, "cannot size the BPF maps");
	in_object = (struct config *)bpf_map__initial_value(map_of(kernel, ".rodata.config"), &size);
	if (!in_object || size < sizeof(*in_object))
		return kernel_fail(kernel, -EINVAL, "the BPF object and this program are of different builds");
	*in_object = *config;
	return 0;
}

/* Each program with all that it is good for; one that is not needed in full is not loaded. */
static const struct {
	const char *name;
	u32 need;
} programs[] = {
	{ "xdp_ether", NEED_XDP | NEED_ETHERNET },
	{ "xdp_ip", NEED_XDP | NEED_IP_FIRST },
	{ "xdp_engine", NEED_XDP },
	{ "xdp_ether_frags", NEED_XDP_FRAGS | NEED_ETHERNET },
	{ "xdp_engine_frags", NEED_XDP_FRAGS },
	{ "tc_in_ether", NEED_TC_IN | NEED_ETHERNET },
	{ "tc_in_ip", NEED_TC_IN | NEED_IP_FIRST },
	{ "tc_out_ether", NEED_TC_OUT | NEED_ETHERNET },
	{ "tc_out_ip", NEED_TC_OUT | NEED_IP_FIRST },
};

static void choose_programs(struct kernel *kernel)
{
	u32 need = kernel->need;

	kernel->frags = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, NULL) == 1;
	if (!kernel->frags)
		need &= ~(u32)NEED_XDP_FRAGS;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		bpf_program__set_autoload(bpf_object__find_program_by_name(kernel->object, programs[i].name),
					  (need & programs[i].need) == programs[i].need);
	}
	bpf_program__set_autoload(bpf_object__find_program_by_name(kernel->object, "tc_engine"),
				  (need & (NEED_TC_IN | NEED_TC_OUT)) != 0);
}

static int load_object(struct kernel *kernel)
{
	int error = bpf_object__load(kernel->object);

	/* EACCES is the verifier's */
	if (error == -EPERM)
		return kernel_fail(kernel, -EPERM, "not permitted to load BPF programs (%s), with all capabilities\n"
				   "a user namespace, a container's seccomp filter or a security module may forbid it",
				   strerror(-error));
	if (error == -ENOMEM)
		return kernel_fail(kernel, -ENOMEM, "no memory for the tables (%llu MiB)\ntry a smaller --memory",
				   kernel->plan.used >> 20);
	if (error)
		return kernel_fail(kernel, -ENOTSUP, "this kernel refuses the programs: %s\n"
				   "Linux 5.15 or later is needed; -vv shows the verifier's reason",
				   strerror(-error));
	return 0;
}

static int fill_engine(struct kernel *kernel, const char *map, const char *program)
{
	int fd = kernel_program(kernel, program);
	u32 zero = 0;

	if (fd < 0)
		return 0; /* not loaded here */
	if (bpf_map_update_elem(bpf_map__fd(map_of(kernel, map)), &zero, &fd, BPF_ANY))
		return kernel_fail(kernel, -errno, "cannot link the BPF programs: %s", strerror(errno));
	return 0;
}

static void *map_memory(struct kernel *kernel, const char *name, size_t size, int protection)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED, bpf_map__fd(map_of(kernel, name)), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t lines_size(const struct kernel *kernel) { return (size_t)kernel->plan.lines * 64; }
static size_t seed_words_size(const struct kernel *kernel)
{
	return (kernel->config.seeds ? kernel->config.seeds : 1) * sizeof(u64);
}

static size_t buckets_size(const struct kernel *kernel) { return sizeof(u32) << (BUCKET_TAG_BITS + kernel->config.row_bits); }
static size_t services_size(const struct kernel *kernel)
{
	return (kernel->plan.services + 1) * sizeof(struct service);
}

static int map_tables(struct kernel *kernel)
{
	/* to write: rows of services are freed and put in alarm, and their sources described anew */
	kernel->lines = map_memory(kernel, "lines", lines_size(kernel), PROT_READ | PROT_WRITE);
	kernel->seed_words = map_memory(kernel, "seed_words", seed_words_size(kernel), PROT_READ);
	kernel->buckets = map_memory(kernel, "buckets", buckets_size(kernel), PROT_READ);
	kernel->services = map_memory(kernel, "services", services_size(kernel), PROT_READ | PROT_WRITE);
	kernel->sources = map_memory(kernel, "sources", SOURCES * sizeof(struct sources), PROT_READ | PROT_WRITE);
	if (!kernel->lines || !kernel->seed_words || !kernel->buckets || !kernel->services || !kernel->sources)
		return kernel_fail(kernel, -ENOMEM, "cannot map the tables: %s", strerror(errno));
	kernel->deferred = bpf_map__fd(map_of(kernel, "deferred"));
	kernel->tally = bpf_map__fd(map_of(kernel, "tally"));
	kernel->call_sweep = kernel_program(kernel, "call_sweep");
	kernel->call_seeds = kernel_program(kernel, "call_seeds");
	kernel->call_step = kernel_program(kernel, "call_step");
	kernel->call_socket = kernel_program(kernel, "call_socket");
	kernel->cpus = libbpf_num_possible_cpus();
	kernel->tallies = calloc(kernel->cpus > 0 ? (size_t)kernel->cpus : 1, sizeof(struct tally));
	if (!kernel->tallies)
		return kernel_fail(kernel, -ENOMEM, "no memory for the counters of %d CPUs", kernel->cpus);
	if (quiet_rows_open(&kernel->quiet, kernel->plan.services))
		return kernel_fail(kernel, -ENOMEM, "no memory to watch the services");
	return 0;
}

int kernel_prepare(struct kernel **out, const struct config *config, const struct plan *plan, u32 need,
		   u32 ring_bytes, kernel_event_fn emit, void *arg)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	*out = kernel;
	if (!kernel)
		return -ENOMEM;
	libbpf_set_print(print_libbpf);
	kernel->config = *config;
	kernel->plan = *plan;
	kernel->need = need;
	kernel->ring_bytes = ring_bytes;
	kernel->emit = emit;
	kernel->arg = arg;
	choose_object(kernel);
	if (getrandom(&kernel->config.secret, sizeof(kernel->config.secret), 0) < 0)
		return kernel_fail(kernel, -errno, "no random numbers: %s", strerror(errno));
	return 0;
}

static int load_sized(struct kernel *kernel)
{
	int error;

	kernel->config.hash_keys = hash_keys_of(kernel->config.secret);
	if ((error = open_object(kernel)) || (error = size_maps(kernel)))
		return error;
	choose_programs(kernel);
	return load_object(kernel);
}

/* A kernel whose types are not what the programs ask for still takes those that ask for none. */
static int load_plainer(struct kernel *kernel)
{
	log_note("without the kernel's type information: forged RSTs and FINs are judged as on a tap");
	bpf_object__close(kernel->object);
	kernel->object = NULL;
	kernel->elf = tcpshake__elf_bytes(&kernel->elf_size);
	kernel->config.ask_sockets = 0;
	return load_sized(kernel);
}

int kernel_load(struct kernel *kernel)
{
	int error = load_sized(kernel);

	if (error == -ENOTSUP && kernel->config.ask_sockets)
		error = load_plainer(kernel);
	if (error || (error = fill_engine(kernel, "engine_of_xdp", "xdp_engine")) ||
	    (error = fill_engine(kernel, "engine_of_xdp_frags", "xdp_engine_frags")) ||
	    (error = fill_engine(kernel, "engine_of_tc", "tc_engine")) || (error = map_tables(kernel)))
		return error;
	return kernel_open_ring(kernel);
}

int kernel_open(struct kernel **out, const struct config *config, const struct plan *plan, u32 need,
		u32 ring_bytes, kernel_event_fn emit, void *arg)
{
	int error = kernel_prepare(out, config, plan, need, ring_bytes, emit, arg);

	return error ? error : kernel_load(*out);
}

static void unmap(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	kernel_detach_all(kernel);
	ring_buffer__free(kernel->ring);
	unmap(kernel->lines, lines_size(kernel));
	unmap(kernel->seed_words, seed_words_size(kernel));
	unmap(kernel->buckets, buckets_size(kernel));
	unmap(kernel->services, services_size(kernel));
	unmap(kernel->sources, SOURCES * sizeof(struct sources));
	bpf_object__close(kernel->object);
	free(kernel->tallies);
	quiet_rows_close(&kernel->quiet);
	free(kernel);
}
