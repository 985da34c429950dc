/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line: what is accepted, what is refused and how that is told. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "options.h"
#include "plan.h"

static struct options options;
static char told[4096];

/* Parses a line split at spaces; what was written to standard error stands in told[]. */
static int parse(const char *line)
{
	static char words[1024];
	char *argv[64] = { "tcpshake" };
	int argc = 1, error, saved = dup(STDERR_FILENO), pipes[2];
	ssize_t n;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	dup2(pipes[1], STDERR_FILENO);
	error = options_parse(argc, argv, &options);
	dup2(saved, STDERR_FILENO);
	n = read(pipes[0], told, sizeof(told) - 1);
	told[n > 0 ? n : 0] = 0;
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
	return error;
}

static void accept_line(const char *line)
{
	if (parse(line))
		fail_msg("'%s': %s", line, told);
	assert_string_equal(told, "");
}

static void refuse_line(const char *line, const char *says)
{
	if (parse(line) != -EINVAL)
		fail_msg("'%s' was accepted", line);
	if (strncmp(told, "tcpshake: ", 10) || !strstr(told, says))
		fail_msg("'%s' says '%s', not '%s'", line, told, says);
}

static void test_defaults(void **state)
{
	(void)state;
	accept_line("-i eth0");
	assert_int_equal(options.interfaces, 1);
	assert_string_equal(options.interface[0], "eth0");
	assert_int_equal(options.format, FORMAT_TEXT);
	assert_int_equal(options.events, 0xff);
	assert_int_equal(options.interval_ms, 5000);
	assert_int_equal(options.mode, MODE_AUTO);
	assert_int_equal(options.view, VIEW_HOST);
	assert_int_equal(options.half_open_after_ms, 3000);
	assert_int_equal(options.close_wait_after_ms, 60000);
	assert_int_equal(options.fin_wait_after_ms, 90000);
	assert_int_equal(options.time_wait_after_ms, 0);
	assert_int_equal(options.idle_after_ms, 8000000);
	assert_int_equal(options.give_up_after_ms, 75000);
	assert_int_equal(options.memory, 128 << 20);
	assert_int_equal(options.flood_sensitivity, 5);
	assert_int_equal(options.flood_min_rate, 50);
	assert_null(options.read_path);
	assert_null(options.textfile);
}

static void test_interfaces(void **state)
{
	(void)state;
	accept_line("-i eth0 veth* --interface=eth1 eth0 -v");
	assert_int_equal(options.interfaces, 3);
	assert_string_equal(options.interface[0], "eth0");
	assert_string_equal(options.interface[1], "eth1");
	assert_string_equal(options.interface[2], "veth*");
	assert_int_equal(options.verbose, 1);
	refuse_line("", "nothing to watch");
	refuse_line("-i eth0 -r file", "not both");
	refuse_line("-r file eth0", "not both");
	refuse_line("-f tcp eth0", "only with a capture");
}

static void test_all_options(void **state)
{
	(void)state;
	accept_line("-r - -f syn -o json -e open,loss --textfile /t/x.prom --interval 2.5 --mode tc "
		    "--view one-sided --half-open-after 0.25 --close-wait-after 0 --fin-wait-after 1 "
		    "--time-wait-after 30 --idle-after 600 --give-up-after 10 --slow-open 1.5 --memory 64M "
		    "--flood-sensitivity 10 --flood-min-rate 1000 --label-port 80,443 -c 7 --duration 0.5 -q -vv -4");
	assert_string_equal(options.read_path, "-");
	assert_string_equal(options.filter, "syn");
	assert_int_equal(options.format, FORMAT_JSON);
	assert_int_equal(options.events, 1 << EVENT_OPEN | 1 << EVENT_LOSS);
	assert_string_equal(options.textfile, "/t/x.prom");
	assert_int_equal(options.interval_ms, 2500);
	assert_int_equal(options.mode, MODE_TC);
	assert_int_equal(options.view, VIEW_ONE_SIDED);
	assert_int_equal(options.half_open_after_ms, 250);
	assert_int_equal(options.close_wait_after_ms, 0);
	assert_int_equal(options.slow_open_ns, 1500000);
	assert_int_equal(options.memory, 64 << 20);
	assert_int_equal(options.flood_sensitivity, 10);
	assert_int_equal(options.flood_min_rate, 1000);
	assert_int_equal(options.label_ports, 2);
	assert_int_equal(options.label_port[1], 443);
	assert_int_equal(options.count, 7);
	assert_int_equal(options.duration_ns, NSEC_PER_SEC / 2);
	assert_int_equal(options.quiet, 1);
	assert_int_equal(options.verbose, 2);
	accept_line("-j eth0");
	assert_int_equal(options.format, FORMAT_JSON);
	accept_line("--mode native --view tap eth0 --half 1"); /* unambiguous beginnings, as getopt has it */
	assert_int_equal(options.half_open_after_ms, 1000);
}

/* Each message names the option, the value and what is accepted. */
static void test_refusals(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "eth0 --memory 12X", "--memory 12X: not understood" },
		{ "eth0 --flood-sensitivity 0", "from 1 to 10" },
		{ "eth0 --flood-sensitivity 11", "from 1 to 10" },
		{ "eth0 --flood-min-rate 0", "from 1 to 1000000" },
		{ "eth0 --memory 12X", "1M to 256G" },
		{ "eth0 --memory 1023K", "1M to 256G" },
		{ "eth0 --memory 99999999999999999999G", "not understood" },
		{ "eth0 -o xml", "--output xml" },
		{ "eth0 -o xml", "text or json" },
		{ "eth0 -e open,shut", "--events open,shut" },
		{ "eth0 -e open,", "half_open" },
		{ "eth0 --mode xdp", "auto, native, tc or generic" },
		{ "eth0 --view both", "host, tap or one-sided" },
		{ "eth0 --half-open-after -1", "--half-open-after -1" },
		{ "eth0 --half-open-after 1e3", "seconds" },
		{ "eth0 --half-open-after 1.", "seconds" },
		{ "eth0 --half-open-after .5", "seconds" },
		{ "eth0 --give-up-after 0", "above 0" },
		{ "eth0 --interval 0", "above 0" },
		{ "eth0 --slow-open 5ms", "milliseconds" },
		{ "eth0 --port 0", "--port 0" },
		{ "eth0 --port 65536", "65535" },
		{ "eth0 --port 90-80", "ranges" },
		{ "eth0 --port 80,,90", "ranges" },
		{ "eth0 --port 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "too many" },
		{ "eth0 --host 10.0.0.0/33", "prefixes" },
		{ "eth0 --host 2001:db8::/129", "prefixes" },
		{ "eth0 --host 10.0.0", "prefixes" },
		{ "eth0 --host example.org", "prefixes" },
		{ "eth0 --label-port 80-90", "80,443" },
		{ "eth0 -c 0", "at least 1" },
		{ "eth0 -c 1x", "--count 1x" },
		{ "eth0 --duration 0", "above 0" },
		{ "eth0 -x", "-x: no such option" },
		{ "eth0 --what", "--what: no such option" },
		{ "eth0 --json=1", "takes no value" },
		{ "eth0 -r", "--read: FILE is missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refuse_line(cases[i].line, cases[i].says);
}

static void test_refused_leaves_untouched(void **state)
{
	(void)state;
	accept_line("eth7 -c 5");
	refuse_line("eth0 -c 6 --mode never", "--mode");
	assert_int_equal(options.count, 5);
}

static void test_bytes_of_users_are_escaped(void **state)
{
	(void)state;
	refuse_line("eth0 -o \033[31mred", "\\x1b[31mred");
	assert_null(strchr(told, '\033'));
}

static void test_ports_and_hosts(void **state)
{
	struct config config = { 0 };

	(void)state;
	accept_line("eth0 --port 80,8000-8100 --port 443 --host 10.1.2.3/8,2001:db8::1 --host ::/0");
	options_to_config(&options, &config);
	assert_int_equal(config.ports, 3);
	assert_int_equal(config.port[1].first, 8000);
	assert_int_equal(config.port[1].last, 8100);
	assert_int_equal(config.port[2].last, 443);
	assert_int_equal(config.hosts, 3);
	for (u32 i = 0; i < 2; i++) {
		struct address in = i ? v6("2001:db8::1") : v4("10.200.0.1");
		struct address out = i ? v6("2001:db8::2") : v4("11.0.0.1");
		const struct host_prefix *host = &config.host[i];

		assert_true((in.word[0] & host->mask.word[0]) == host->value.word[0] &&
			    (in.word[1] & host->mask.word[1]) == host->value.word[1]);
		assert_false((out.word[0] & host->mask.word[0]) == host->value.word[0] &&
			     (out.word[1] & host->mask.word[1]) == host->value.word[1]);
	}
	assert_int_equal(config.host[2].mask.word[0] | config.host[2].mask.word[1], 0);
}

static void test_config_timers(void **state)
{
	struct config config = { 0 };

	(void)state;
	accept_line("eth0 --half-open-after 0.01 --close-wait-after 0 --fin-wait-after 1.05 "
		    "--idle-after 999999999 --slow-open 2 --view tap");
	options_to_config(&options, &config);
	assert_int_equal(config.half_open_after, 1); /* up: little is not never */
	assert_int_equal(config.close_wait_after, 0);
	assert_int_equal(config.fin_wait_after, 11);
	assert_int_equal(config.idle_after, TICKS_MAX);
	assert_int_equal(config.give_up_after, 750);
	assert_int_equal(config.slow_open_ns, 2000000);
	assert_int_equal(config.view, VIEW_TAP);
	assert_int_equal(config.pair_limit, PAIR_LIMIT);
	accept_line("-r file");
	options_to_config(&options, &config);
	assert_int_equal(config.idle_after, 0);
}

static void test_config_events(void **state)
{
	const u32 suspect = 1u << EVENT_SUSPECT;
	struct config config = { 0 };

	(void)state;
	accept_line("eth0 -e close,linger");
	options_to_config(&options, &config);
	assert_int_equal(config.events, 1u << EVENT_CLOSE | 1u << EVENT_LINGER | suspect);
	accept_line("eth0 -q");
	options_to_config(&options, &config);
	assert_int_equal(config.events, suspect);
	accept_line("eth0 -q -c 3");
	options_to_config(&options, &config);
	assert_int_equal(config.events, 0xff | suspect);
}

static void test_config_families(void **state)
{
	struct config config = { 0 };

	(void)state;
	accept_line("eth0 -4");
	options_to_config(&options, &config);
	assert_true(config.no_ipv6 && !config.no_ipv4);
	accept_line("eth0 -6");
	options_to_config(&options, &config);
	assert_true(config.no_ipv4 && !config.no_ipv6);
	accept_line("eth0 -46");
	options_to_config(&options, &config);
	assert_true(!config.no_ipv4 && !config.no_ipv6);
}

/* Help and version go to standard output, and nothing is said on the other. */
static void test_help(void **state)
{
	int saved = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	assert_int_equal(parse("--help"), 1);
	assert_int_equal(parse("-V eth0"), 1);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(null);
	assert_string_equal(told, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refused_leaves_untouched),
		cmocka_unit_test(test_bytes_of_users_are_escaped),
		cmocka_unit_test(test_ports_and_hosts),
		cmocka_unit_test(test_config_timers),
		cmocka_unit_test(test_config_events),
		cmocka_unit_test(test_config_families),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
