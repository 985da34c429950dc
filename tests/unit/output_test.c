/* SPDX-License-Identifier: GPL-2.0-only */
/* The output queue: nothing blocks, nothing is lost in silence, no line is cut. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "output.h"

#define ALL_EVENTS 0xff

static struct output output;
static struct clock clock_;
static char *received;
static size_t received_bytes;

static int teardown(void **state)
{
	(void)state;
	output_close(&output);
	free(received);
	received = NULL;
	received_bytes = 0;
	return 0;
}

static void open_at(int fd, u32 events)
{
	assert_int_equal(output_open(&output, fd, FORMAT_JSON, events, 0), 0);
	clock_open(&clock_, CLOCK_CAPTURE);
	output.line.clock = &clock_;
}

static void check_balance(void)
{
	const struct output_counts *counts = &output.counts;

	assert_int_equal(counts->accepted + counts->own, counts->written + counts->queued + counts->lost);
}

static void send_events(u64 n)
{
	struct event event = sample_close();

	for (u64 i = 0; i < n; i++)
		output_event(&output, &event, NULL);
	check_balance();
}

/* Appends what is there, without waiting. */
static void receive(int fd)
{
	char bytes[65536];
	ssize_t n;
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	while (poll(&ready, 1, 0) > 0 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		received = realloc(received, received_bytes + (size_t)n + 1);
		memcpy(received + received_bytes, bytes, (size_t)n);
		received_bytes += (size_t)n;
		received[received_bytes] = 0;
	}
}

/* Reads and flushes until nothing is queued. */
static void drain_to(int fd)
{
	do {
		assert_int_equal(output_flush(&output), 0);
		receive(fd);
	} while (output_wants_write(&output));
	receive(fd);
	check_balance();
	assert_int_equal(output.counts.queued, 0);
}

/*
 * Every line is whole and in order: seq grows by one, but where lines were lost,
 * and there a loss event has just that count. Returns the number of lines.
 */
static u64 check_lines(void)
{
	u64 lines = 0, last = 0, missing = 0, told = 0;

	for (char *line = received, *end; line < received + received_bytes; line = end + 1, lines++) {
		unsigned long long seq, count;
		char *what;

		end = strchr(line, '\n');
		assert_non_null(end);
		*end = 0;
		assert_int_equal(end[-1], '}');
		assert_int_equal(sscanf(line, "{\"schema\":1,\"seq\":%llu,", &seq), 1);
		assert_true(seq > last);
		missing += seq - last - 1;
		last = seq;
		what = strstr(line, "\"what\":\"events_");
		if (!what)
			continue;
		assert_int_equal(sscanf(strstr(what, "\"count\""), "\"count\":%llu", &count), 1);
		told += count;
		assert_int_equal(told, missing); /* right behind the gap */
	}
	assert_int_equal(told, missing);
	return lines;
}

static void test_pipe(void **state)
{
	int fds[2], flags;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	flags = fcntl(fds[1], F_GETFL);
	open_at(fds[1], ALL_EVENTS);
	assert_int_equal(output.way, WAY_NONBLOCK);
	send_events(100);
	drain_to(fds[0]);
	assert_int_equal(check_lines(), 100);
	assert_int_equal(output.counts.written, 100);
	/* others who share the pipe see no other flags than before */
	assert_int_equal(fcntl(fds[1], F_GETFL), flags);
	close(fds[0]);
	close(fds[1]);
}

/* A reader who stops: nobody waits, whole lines are dropped and told afterwards. */
static void stall_and_go_on(int write_fd, int read_fd)
{
	send_events(20000); /* some 14 MB: more than the queue and the pipe hold */
	assert_true(output.counts.lost > 0);
	assert_true(output.counts.queued > 0);
	assert_int_equal(output_flush(&output), 0);
	drain_to(read_fd);
	send_events(3);
	drain_to(read_fd);
	assert_int_equal(check_lines(), output.counts.written);
	assert_int_equal(output.counts.own, 1);
	assert_int_equal(output.counts.accepted, 20003);
	close(read_fd);
	close(write_fd);
}

static void test_stalled_pipe(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], ALL_EVENTS);
	stall_and_go_on(fds[1], fds[0]);
}

static void test_stalled_socket(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	open_at(fds[1], ALL_EVENTS);
	assert_int_equal(output.way, WAY_SOCKET);
	stall_and_go_on(fds[1], fds[0]);
}

/* Where nothing can be opened anew, here for want of descriptors, poll() is asked. */
static void test_stalled_pipe_polled(void **state)
{
	struct rlimit limit, none;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = (rlim_t)fds[1] + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	open_at(fds[1], ALL_EVENTS);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(output.way, WAY_POLL);
	stall_and_go_on(fds[1], fds[0]);
}

/* A loss that is not selected leaves a gap in seq and nothing else. */
static void test_loss_not_selected(void **state)
{
	int fds[2];
	char *last;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], 1u << EVENT_CLOSE);
	send_events(20000);
	drain_to(fds[0]);
	free(received);
	received = NULL;
	received_bytes = 0;
	send_events(1);
	drain_to(fds[0]);
	last = received;
	assert_memory_equal(last, "{\"schema\":1,\"seq\":20001,", 24);
	assert_int_equal(output.counts.own, 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_loss_in_the_ring(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], ALL_EVENTS);
	send_events(2);
	assert_int_equal(output_loss(&output, LOSS_EVENTS_RING, 5, FIRST_NS), 0);
	assert_int_equal(output_loss(&output, LOSS_EVENTS_RING, 0, FIRST_NS), 0);
	assert_int_equal(output_loss(&output, LOSS_PENDING_EVICTED, 9, FIRST_NS), 0);
	send_events(1);
	drain_to(fds[0]);
	assert_int_equal(output.counts.own, 2);
	assert_non_null(strstr(received, "\"seq\":8,\"event\":\"loss\""));
	assert_non_null(strstr(received, "\"what\":\"events_ring\",\"count\":5}"));
	assert_non_null(strstr(received, "\"seq\":9,\"event\":\"loss\""));
	assert_non_null(strstr(received, "\"what\":\"pending_evicted\",\"count\":9}"));
	assert_non_null(strstr(received, "\"seq\":10,\"event\":\"close\""));
	check_lines();
	close(fds[0]);
	close(fds[1]);
}

static void test_reader_leaves(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], ALL_EVENTS);
	send_events(3);
	assert_int_equal(output_look(&output), 0);
	close(fds[0]);
	assert_int_equal(output_flush(&output), -EPIPE);
	assert_int_equal(output_flush(&output), -EPIPE);
	send_events(1);
	assert_false(output_wants_write(&output));
	assert_int_equal(output.counts.lost, 4);
	close(fds[1]);
}

static void test_reader_leaves_unasked(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], ALL_EVENTS);
	assert_int_equal(output_look(&output), 0);
	close(fds[0]);
	assert_int_equal(output_look(&output), -EPIPE);
	close(fds[1]);
}

/* The reader may have gone before we begin: a pipe without one cannot be opened anew. */
static void test_reader_never_there(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	open_at(fds[1], ALL_EVENTS);
	send_events(1);
	assert_int_equal(output_flush(&output), -EPIPE);
	close(fds[1]);
}

static void test_disk_full(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	open_at(fd, ALL_EVENTS);
	send_events(1);
	assert_int_equal(output_flush(&output), -ENOSPC);
	assert_int_equal(output_drain_at_exit(&output, 1000), -ENOSPC);
	assert_int_equal(output.counts.lost, 1);
	check_balance();
	close(fd);
}

/* A file takes what it is given, where it stands and as it was opened. */
static void test_file(void **state)
{
	char path[] = "/tmp/output_test.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, "before\n", 7), 7);
	open_at(fd, ALL_EVENTS);
	assert_int_equal(output.way, WAY_FILE);
	assert_int_equal(output_fd(&output), -1);
	send_events(20000);
	assert_int_equal(output_drain_at_exit(&output, 1000), 0);
	assert_int_equal(output.counts.written, 20000);
	assert_int_equal(output.counts.lost, 0);
	lseek(fd, 0, SEEK_SET);
	receive(fd);
	assert_memory_equal(received, "before\n", 7);
	memmove(received, received + 7, received_bytes -= 7);
	received[received_bytes] = 0;
	assert_int_equal(check_lines(), 20000);
	close(fd);
}

/* A capture waits for its reader: congestion tells when. */
static void test_congestion(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], ALL_EVENTS);
	for (int i = 0; i < 20000; i++) {
		send_events(1);
		while (output_congested(&output)) {
			receive(fds[0]);
			assert_int_equal(output_wait(&output, 1000), 0);
		}
	}
	drain_to(fds[0]);
	assert_int_equal(output.counts.lost, 0);
	assert_int_equal(check_lines(), 20000);
	close(fds[0]);
	close(fds[1]);
}

/* At the end nobody waits for ever: what the reader did not take is lost, and counted. */
static void test_drain_gives_up(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	open_at(fds[1], ALL_EVENTS);
	send_events(1000);
	assert_int_equal(output_drain_at_exit(&output, 10), 0);
	assert_true(output.counts.lost > 0);
	assert_int_equal(output.counts.queued, 0);
	check_balance();
	close(fds[0]);
	close(fds[1]);
}

static void test_quiet(void **state)
{
	(void)state;
	assert_int_equal(output_open(&output, -1, FORMAT_TEXT, ALL_EVENTS, 1), 0);
	send_events(5);
	assert_int_equal(output_loss(&output, LOSS_EVENTS_RING, 2, 0), 0);
	assert_int_equal(output_flush(&output), 0);
	assert_int_equal(output.counts.written, 6);
	assert_int_equal(output.seq, 8);
	check_balance();
}

static void test_no_descriptor(void **state)
{
	(void)state;
	assert_int_equal(output_open(&output, -1, FORMAT_TEXT, ALL_EVENTS, 0), -EBADF);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pipe),
		TEST(test_stalled_pipe),
		TEST(test_stalled_socket),
		TEST(test_stalled_pipe_polled),
		TEST(test_loss_not_selected),
		TEST(test_loss_in_the_ring),
		TEST(test_reader_leaves),
		TEST(test_reader_leaves_unasked),
		TEST(test_reader_never_there),
		TEST(test_disk_full),
		TEST(test_file),
		TEST(test_congestion),
		TEST(test_drain_gives_up),
		TEST(test_quiet),
		TEST(test_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
