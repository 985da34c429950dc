/* SPDX-License-Identifier: GPL-2.0-only */
/* -r: the engine over a capture file, at capture time. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "capture.h"
#include "floods.h"
#include "host.h"
#include "log.h"
#include "losses.h"
#include "metrics.h"
#include "progress.h"
#include "run.h"

/*
 * The tables are larger than the caches: what a packet will need of them is
 * fetched while the next ones are being read.
 */
#define AHEAD 8

#define LOOK_TURNS   1024 /* of reading ahead, between two looks around */
#define LAST_WAIT_MS 1000 /* for who reads the events, once a signal came */

struct packet {
	struct segment seg;
	enum parse_result result;
	u64 time;
};

enum stop {
	STOP_NOT,
	STOP_OUTPUT,   /* nobody takes events any more, or all that were asked for are out */
	STOP_DURATION,
	STOP_SIGNAL,
};

struct reading {
	const struct options *options;
	struct output output;
	struct clock clock;
	struct host *host;
	struct floods *floods;
	struct tally told; /* counters when losses were last told */
	struct plan plan;
	struct progress progress;
	u64 first_ns, last_ns;
	enum exit_status status;
	enum stop stop;
	int output_over; /* and it was told why */
};

static volatile sig_atomic_t end_asked, summary_asked;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		summary_asked = 1;
	else
		end_asked = 1;
}

/* A second SIGINT or SIGTERM ends the process itself. */
static void catch_signals(void)
{
	struct sigaction ask = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	/* who waits for a pipe shall wake up */
	struct sigaction end = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGUSR1, &ask, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
}

/* Tells once what became of the output; a cut file's status outlives a reader that left. */
static void check_output(struct reading *reading, int error)
{
	enum exit_status status = STATUS_OK;

	if (!error || reading->output_over)
		return;
	progress_erase(&reading->progress);
	reading->output_over = run_output_status(error, &status);
	if (status != STATUS_OK)
		reading->status = status;
	reading->stop = STOP_OUTPUT;
}

/* Unlike a live run a capture can wait. */
static void wait_for_reader(struct reading *reading)
{
	while (output_congested(&reading->output) && reading->stop != STOP_OUTPUT && !end_asked)
		check_output(reading, output_wait(&reading->output, 1000));
}

static void stop_when_enough(struct reading *reading)
{
	if (reading->options->count && output_told(&reading->output) >= reading->options->count)
		reading->stop = STOP_OUTPUT;
}

static void on_event(void *arg, const struct event *event)
{
	struct reading *reading = arg;

	if (event->kind >= EVENT_KINDS)
		return;
	if (reading->stop == STOP_OUTPUT) {
		reading->output.counts.beyond++;
		return;
	}
	wait_for_reader(reading);
	if (reading->stop != STOP_OUTPUT)
		check_output(reading, output_event(&reading->output, event, NULL));
	stop_when_enough(reading);
}

static void on_report(void *arg, const struct report *report, u64 time)
{
	struct reading *reading = arg;

	if (reading->stop != STOP_OUTPUT)
		wait_for_reader(reading);
	if (reading->stop == STOP_OUTPUT)
		return;
	check_output(reading, output_report(&reading->output, report->flood ? EVENT_FLOOD : EVENT_SILENT, report,
					    time));
	stop_when_enough(reading);
}

/* As it would be live: what the tables had no room for. */
static void tell_losses(struct reading *reading, u64 time)
{
	if (reading->stop != STOP_OUTPUT)
		check_output(reading, losses_tell(&reading->output, &reading->told, host_tally(reading->host), time));
}

static void on_tick(void *arg, u64 tick)
{
	struct reading *reading = arg;

	if (tick % TICKS_PER_SEC == 0)
		tell_losses(reading, tick * TICK_NS);
	floods_tick(reading->floods, tick, FLOODS_QUIET);
}

/* Who writes to a pipe may take his time: each packet is looked at, and its events told, at once. */
static int is_stream(const struct reading *reading)
{
	return !strcmp(reading->options->read_path, "-");
}

/* Some packets more. Returns like capture_next() of the one that could not be read. */
static int read_ahead(const struct reading *reading, struct capture *capture, struct packet *packets, u32 *count)
{
	const u32 most = is_stream(reading) ? 1 : AHEAD;
	int got = 1;

	for (*count = 0; *count < most; (*count)++) {
		struct packet *packet = &packets[*count];

		got = capture_next(capture, &packet->seg, &packet->result, &packet->time);
		if (got != 1)
			break;
		if (packet->result == PARSE_TCP)
			host_expect(reading->host, &packet->seg);
	}
	return got;
}

static void take(struct reading *reading, struct packet *packet)
{
	const u64 duration = reading->options->duration_ns;

	if (!reading->first_ns)
		reading->first_ns = packet->time;
	if (duration && packet->time - reading->first_ns > duration) {
		reading->last_ns = reading->first_ns + duration;
		reading->stop = STOP_DURATION;
		host_clock(reading->host, reading->last_ns);
		return;
	}
	reading->last_ns = packet->time;
	host_packet(reading->host, packet->result, &packet->seg, packet->time);
}

static void print_summary(struct reading *reading)
{
	const struct service *rows;
	struct levels levels;
	u32 count = host_services(reading->host, &rows);

	progress_erase(&reading->progress);
	host_levels(reading->host, &levels);
	run_summary(reading->options, host_tally(reading->host), &levels, &reading->output, rows, count,
		    reading->last_ns - reading->first_ns);
}

/* What need not be done for every packet. */
static void look_around(struct reading *reading, const struct capture *capture)
{
	u64 done, size;

	if (end_asked)
		reading->stop = STOP_SIGNAL;
	if (summary_asked) {
		summary_asked = 0;
		print_summary(reading);
	}
	if (!reading->progress.size)
		return;
	capture_extent(capture, &done, &size);
	progress_tell(&reading->progress, done, host_tally(reading->host)->count[C_packets]);
}

static void read_packets(struct reading *reading, struct capture *capture)
{
	struct packet packets[AHEAD];
	int got = 1;
	u32 count, turn = 0;

	while (got == 1 && !reading->stop) {
		got = read_ahead(reading, capture, packets, &count);
		for (u32 i = 0; i < count && !reading->stop; i++)
			take(reading, &packets[i]);
		if (is_stream(reading) && !reading->stop && output_wants_write(&reading->output))
			check_output(reading, output_flush(&reading->output));
		if (!(turn++ % LOOK_TURNS) || end_asked || summary_asked)
			look_around(reading, capture);
	}
	progress_erase(&reading->progress);
	/* a signal is an error to who reads a pipe */
	if (got < 0 && !reading->stop) {
		log_error("%s", capture_error(capture));
		reading->status = STATUS_FAILED;
	}
}

/* Of the whole capture, once: it stays, for nobody will write it again. */
static void write_metrics(struct reading *reading)
{
	u64 states[TCP_STATES];
	struct levels levels;
	struct metrics metrics = {
		.options = reading->options, .plan = &reading->plan, .tally = host_tally(reading->host),
		.levels = &levels, .output = &reading->output.counts, .states = states,
		.floods = floods_counts(reading->floods),
		.time_ns = reading->last_ns,
	};
	int error;

	host_levels(reading->host, &levels);
	host_states(reading->host, states);
	metrics.row_count = host_services(reading->host, &metrics.rows);
	error = metrics_write(&metrics, reading->options->textfile);
	if (!error)
		return;
	log_error("%s: %s", reading->options->textfile, strerror(-error));
	reading->status = STATUS_FAILED;
}

static void finish(struct reading *reading)
{
	int error;

	floods_tick(reading->floods, reading->last_ns / TICK_NS + 1, FLOODS_QUIET);
	tell_losses(reading, reading->last_ns);
	if (reading->stop != STOP_OUTPUT)
		host_conclude(reading->host, reading->stop ? HOW_END_OF_RUN : HOW_END_OF_CAPTURE,
			      reading->last_ns);
	/* behind the others: until then the summaries of a flood stand for them */
	floods_conclude(reading->floods, reading->last_ns);
	do
		error = end_asked ? output_drain_at_exit(&reading->output, LAST_WAIT_MS)
				  : output_wait(&reading->output, 1000);
	while (!error && output_wants_write(&reading->output));
	check_output(reading, error);
	print_summary(reading);
	if (reading->options->textfile)
		write_metrics(reading);
}

static int open_engine(struct reading *reading, const struct config *config)
{
	const struct floods_config floods = floods_config_of(reading->options);
	struct floods_side side = { .tell = on_report, .arg = reading };

	if (host_new(&reading->host, config, on_event, reading))
		return -ENOMEM;
	host_service_table(reading->host, &side.table);
	host_on_tick(reading->host, on_tick, reading);
	return floods_new(&reading->floods, &floods, &side, 0);
}

int run_capture(const struct options *options)
{
	struct reading reading = { .options = options, .status = STATUS_OK };
	struct capture *capture = NULL;
	struct config config;
	char error[512];
	u64 done, size;

	if (run_prepare(options, &config, &reading.plan))
		return STATUS_USAGE;
	/* both directions lie in one file, and its hosts' sockets are not ours */
	if (config.view == VIEW_HOST)
		config.view = VIEW_TAP;
	if (capture_open(&capture, options->read_path, options->filter, error, sizeof(error))) {
		log_error("%s", error);
		return STATUS_FAILED;
	}
	if (open_engine(&reading, &config)) {
		log_error("no memory for the tables\ntry a smaller --memory");
		reading.status = STATUS_FAILED;
	} else if (run_open_output(options, &reading.output)) {
		reading.status = STATUS_FAILED;
	} else {
		clock_open(&reading.clock, CLOCK_CAPTURE);
		reading.output.line.clock = &reading.clock;
		catch_signals();
		capture_extent(capture, &done, &size);
		progress_open(&reading.progress, size, !options->quiet);
		read_packets(&reading, capture);
		finish(&reading);
	}
	output_close(&reading.output);
	floods_free(reading.floods);
	host_free(reading.host);
	capture_close(capture);
	return reading.status;
}
