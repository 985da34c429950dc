/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a capture file through the whole of the reader: file, link,
 * parser, engine and clock to the lines that are printed. Time never goes
 * back, all sums balance, each line is whole.
 *
 * Input: the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "balance.h"
#include "capture.h"
#include "host.h"
#include "json.h"
#include "options.h"
#include "text.h"

struct fuzz {
	struct host *host;
	struct clock clock;
	u64 now, told;
};

static void must(int condition)
{
	if (!condition)
		abort();
}

static void is_line(const char *line, int length)
{
	must(length > 0 && line[length - 1] == '\n');
	must(!memchr(line, '\n', (size_t)length - 1) && !memchr(line, 0, (size_t)length));
}

static void told(void *arg, const struct event *event)
{
	struct fuzz *fuzz = arg;
	struct line_context context = { .clock = &fuzz->clock, .seq = ++fuzz->told };
	char line[LINE_BYTES];

	must(event->time <= fuzz->now);
	is_line(line, json_event(event, &context, line, sizeof(line)));
	is_line(line, text_event(event, &context, line, sizeof(line)));
}

/* As the command line has it by default, but for tables of a few lines, which are soon full and soon walked. */
static void begin(struct fuzz *fuzz)
{
	const struct options options = {
		.read_path = "-", .events = (1u << EVENT_KINDS) - 1, .half_open_after_ms = 3000,
		.close_wait_after_ms = 60000, .fin_wait_after_ms = 90000, .give_up_after_ms = 75000,
	};
	struct config config = { .table = { { 0, 4 }, { 4, 4 }, { 8, 1 } } };

	options_to_config(&options, &config);
	config.view = VIEW_TAP;
	must(!host_new(&fuzz->host, &config, told, fuzz));
	clock_open(&fuzz->clock, CLOCK_CAPTURE);
}

static void read_all(struct fuzz *fuzz, struct capture *capture)
{
	enum parse_result result;
	struct segment seg;
	u64 time;
	int got;

	while ((got = capture_next(capture, &seg, &result, &time)) == 1) {
		must(time && time >= fuzz->now && result != PARSE_BEYOND);
		fuzz->now = time;
		if (result == PARSE_TCP)
			host_expect(fuzz->host, &seg);
		host_packet(fuzz->host, result, &seg, time);
		must(!balance_fault_quick((struct engine *)fuzz->host, fuzz->told));
	}
	must(!got == !*capture_error(capture));
	host_conclude(fuzz->host, HOW_END_OF_CAPTURE, fuzz->now);
	must(!balance_fault((struct engine *)fuzz->host, fuzz->told));
	must(!host_tally(fuzz->host)->count[C_internal_error]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	struct capture *capture = NULL;
	struct fuzz fuzz = { 0 };
	char error[1024] = "";

	if (fd < 0) {
		fd = memfd_create("capture", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	if (capture_open(&capture, path, NULL, error, sizeof(error))) {
		must(!capture && *error);
		return 0;
	}
	begin(&fuzz);
	read_all(&fuzz, capture);
	host_free(fuzz.host);
	capture_close(capture);
	return 0;
}
