/* SPDX-License-Identifier: GPL-2.0-only */
/* -r: the engine over a capture file, at capture time. */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "host.h"
#include "log.h"
#include "metrics.h"
#include "run.h"

struct reading {
	const struct options *options;
	struct output output;
	struct clock clock;
	struct host *host;
	struct plan plan;
	u64 first_ns, last_ns;
	enum exit_status status;
	int stop;
};

static void on_event(void *arg, const struct event *event)
{
	struct reading *reading = arg;

	if (event->kind >= EVENT_KINDS || reading->stop)
		return;
	/* unlike a live run a capture can wait for its reader */
	while (output_congested(&reading->output) && !reading->stop)
		reading->stop = run_output_status(output_wait(&reading->output, 1000), &reading->status);
	if (!reading->stop)
		reading->stop = run_output_status(output_event(&reading->output, event, NULL), &reading->status);
	if (reading->options->count && reading->output.counts.accepted >= reading->options->count)
		reading->stop = 1;
}

static int over(const struct reading *reading, u64 time)
{
	return reading->options->duration_ns && reading->first_ns &&
	       time - reading->first_ns > reading->options->duration_ns;
}

static void read_packets(struct reading *reading, struct capture *capture)
{
	enum parse_result result;
	struct segment seg;
	u64 time;
	int got = 0;

	while (!reading->stop && (got = capture_next(capture, &seg, &result, &time)) == 1) {
		if (over(reading, time))
			break;
		if (!reading->first_ns)
			reading->first_ns = time;
		reading->last_ns = time;
		host_packet(reading->host, result, &seg, time);
	}
	if (got < 0) {
		log_error("%s", capture_error(capture));
		reading->status = STATUS_FAILED;
	}
}

/* Of the whole capture, once: it stays, for nobody will write it again. */
static void write_metrics(struct reading *reading, const struct levels *levels, const struct service *rows,
			  u32 row_count)
{
	u64 states[TCP_STATES];
	struct metrics metrics = {
		.options = reading->options, .plan = &reading->plan, .tally = host_tally(reading->host),
		.levels = levels, .output = &reading->output.counts, .states = states, .rows = rows,
		.row_count = row_count, .time_ns = reading->last_ns,
	};
	int error;

	host_states(reading->host, states);
	error = metrics_write(&metrics, reading->options->textfile);
	if (!error)
		return;
	log_error("%s: %s", reading->options->textfile, strerror(-error));
	reading->status = STATUS_FAILED;
}

static void finish(struct reading *reading)
{
	const struct service *rows;
	struct levels levels;
	u32 count;
	int error;

	if (!reading->stop)
		host_conclude(reading->host, HOW_END_OF_CAPTURE, reading->last_ns);
	do
		error = output_wait(&reading->output, 1000);
	while (!error && output_wants_write(&reading->output));
	run_output_status(error, &reading->status);
	host_levels(reading->host, &levels);
	count = host_services(reading->host, &rows);
	run_summary(reading->options, host_tally(reading->host), &levels, &reading->output, rows, count,
		    reading->last_ns - reading->first_ns);
	if (reading->options->textfile)
		write_metrics(reading, &levels, rows, count);
}

int run_capture(const struct options *options)
{
	struct reading reading = { .options = options, .status = STATUS_OK };
	struct capture *capture = NULL;
	struct config config;
	char error[512];

	if (run_prepare(options, &config, &reading.plan))
		return STATUS_USAGE;
	/* both directions lie in one file, and its hosts' sockets are not ours */
	if (config.view == VIEW_HOST)
		config.view = VIEW_TAP;
	if (capture_open(&capture, options->read_path, options->filter, error, sizeof(error))) {
		log_error("%s", error);
		return STATUS_FAILED;
	}
	if (host_new(&reading.host, &config, on_event, &reading)) {
		log_error("no memory for the tables\ntry a smaller --memory");
		reading.status = STATUS_FAILED;
	} else if (run_open_output(options, &reading.output)) {
		reading.status = STATUS_FAILED;
	} else {
		clock_open(&reading.clock, CLOCK_CAPTURE);
		reading.output.line.clock = &reading.clock;
		read_packets(&reading, capture);
		finish(&reading);
	}
	output_close(&reading.output);
	host_free(reading.host);
	capture_close(capture);
	return reading.status;
}
