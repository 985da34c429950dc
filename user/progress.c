/* SPDX-License-Identifier: GPL-2.0-only */
#include "progress.h"

#include <time.h>
#include <unistd.h>

#include "put.h"

#define EVERY_NS (200 * NSEC_PER_MSEC)

void progress_open(struct progress *progress, u64 size, int events_too)
{
	*progress = (struct progress){ 0 };
	if (size >= PROGRESS_LARGE && isatty(STDERR_FILENO) && !(events_too && isatty(STDOUT_FILENO)))
		progress->size = size;
}

static void show(const struct put *line)
{
	if (write(STDERR_FILENO, line->start, put_length(line)) < 0) {
		/* it is only for looking at */
	}
}

void progress_tell(struct progress *progress, u64 done, u64 packets)
{
	struct timespec now;
	char text[128];
	struct put line = put_into(text, sizeof(text));
	u64 now_ns;

	if (!progress->size)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
	if (now_ns < progress->next_ns)
		return;
	progress->next_ns = now_ns + EVERY_NS;
	/* a file that is still being written grows beyond what it was */
	if (done > progress->size)
		done = progress->size;
	PUT(&line, "\r");
	put_u64(&line, done / (progress->size / 100));
	PUT(&line, " % of ");
	put_grouped(&line, progress->size >> 20);
	PUT(&line, " MiB, ");
	put_grouped(&line, packets);
	PUT(&line, " packets");
	progress->shown = (u32)put_length(&line) - 1;
	show(&line);
}

void progress_erase(struct progress *progress)
{
	char text[128];
	struct put line = put_into(text, sizeof(text));

	if (!progress->shown)
		return;
	/* blanks, which every terminal knows */
	PUT(&line, "\r");
	put_pad(&line, 1 + progress->shown);
	PUT(&line, "\r");
	show(&line);
	progress->shown = 0;
	progress->next_ns = 0;
}
