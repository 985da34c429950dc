/* SPDX-License-Identifier: GPL-2.0-only */
#include "log.h"
#include "run.h"

int main(int argc, char **argv)
{
	static struct options options;
	int done = options_parse(argc, argv, &options);

	if (done)
		return done < 0 ? STATUS_USAGE : STATUS_OK;
	log_set_verbose(options.verbose);
	return options.read_path ? run_capture(&options) : run_live(&options);
}
