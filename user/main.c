/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "run.h"

/*
 * A descriptor below 3 that is closed would be the next to be opened, and a map
 * or a timer would be written to as standard output. Returns whether that was closed.
 */
static int fill_gaps(void)
{
	int output_closed = 0;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR) != fd)
			return 1;
		output_closed |= fd == STDOUT_FILENO;
	}
	return output_closed;
}

int main(int argc, char **argv)
{
	static struct options options;
	int output_closed = fill_gaps(), done = options_parse(argc, argv, &options);

	if (done)
		return done < 0 ? STATUS_USAGE : STATUS_OK;
	log_set_verbose(options.verbose);
	if (output_closed && !options.quiet) {
		log_error("standard output: %s", strerror(EBADF));
		return STATUS_FAILED;
	}
	return options.read_path ? run_capture(&options) : run_live(&options);
}
