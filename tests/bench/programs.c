/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How large the programs are and what they cost the verifier: bytes of BPF
 * instructions as rewritten by it, bytes of machine code, and the instructions
 * that it walked on all paths together (its limit is a million).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "parts.h"

static void print_program(const struct bpf_program *program, FILE *out)
{
	struct bpf_prog_info info = {};
	u32 size = sizeof(info);

	if (bpf_program__fd(program) < 0)
		return;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		die(bpf_program__name(program), errno);
	fprintf(out, "%-18s %12u %12u %12u\n", bpf_program__name(program), info.xlated_prog_len, info.jited_prog_len,
		info.verified_insns);
}

void programs_print(struct bench *bench, FILE *out)
{
	struct bpf_program *program;
	struct utsname name;

	uname(&name);
	fprintf(out, "# SPDX-License-Identifier: GPL-2.0-only\n# Linux %s, %s\n%-18s %12s %12s %12s\n", name.release, BENCH_CLANG, "# program", "xlated", "jited",
		"verified");
	setup_open(bench, "128M", "host", NEED_ALL);
	bpf_object__for_each_program(program, bench->kernel->object)
		print_program(program, out);
	setup_close(bench);
}
