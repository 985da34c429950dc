/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine that figures come from. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

/* What stands behind "name : " in /proc/cpuinfo, without what would end a JSON string. */
static void value_of(const char *name, char *value, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[512];

	snprintf(value, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');

		if (!colon || strncmp(line, name, strlen(name)))
			continue;
		colon[strcspn(colon, "\n\"\\")] = 0;
		snprintf(value, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
		break;
	}
	if (file)
		fclose(file);
}

void machine_read(struct machine *machine)
{
	time_t now = time(NULL);
	struct utsname name;

	uname(&name);
	snprintf(machine->kernel, sizeof(machine->kernel), "%s", name.release);
	value_of("model name", machine->cpu, sizeof(machine->cpu));
	value_of("cache size", machine->cache, sizeof(machine->cache));
	strftime(machine->day, sizeof(machine->day), "%Y-%m-%d", gmtime(&now));
	machine->compiler = BENCH_CLANG;
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	machine->load = 0;
	getloadavg(&machine->load, 1);
}
