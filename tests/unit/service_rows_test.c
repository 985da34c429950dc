/* SPDX-License-Identifier: GPL-2.0-only */
/* Which row a service's counts go to when there is room, when there is none, and when there is room again. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "quiet_rows.h"
#include "stage.h"

#define LINES 512 /* of the table: 4,096 rows, as by default */

static struct host *host;
static struct service_table table;

static void lay(u32 lines)
{
	struct config config = stage_config();

	config.table[TABLE_SERVICES].rows = lines;
	assert_int_equal(host_new(&host, &config, NULL, NULL), 0);
	host_service_table(host, &table);
	assert_int_equal(table.count, lines * LINE_WORDS + 1);
	engine = (struct engine *)host;
}

static int lay_table(void **state)
{
	(void)state;
	lay(LINES);
	return 0;
}

static int clear_table(void **state)
{
	(void)state;
	host_free(host);
	return 0;
}

static struct address v4(u32 n)
{
	return address_v4(htonl(n));
}

static struct address v6(const char *text)
{
	struct address a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct flow flow_to(struct address server, u16 port)
{
	struct flow flow = { .key = { .addr = { v4(0x01020304), server }, .port = { 1000, port } } };

	return flow;
}

static void syn(struct address server, u16 port)
{
	struct flow flow = flow_to(server, port);

	service_syn(env_tally(), &flow.key, flow_server(&flow), 0);
}

static void end(struct address server, u16 port)
{
	struct flow flow = flow_to(server, port);

	service_count(env_tally(), &flow, SERVICE_TIMED_OUT);
}

static void complete(struct address server, u16 port)
{
	struct flow flow = flow_to(server, port);

	syn(server, port);
	service_completed(env_tally(), &flow, 1000000);
}

/* The rows in use of a rank, and what they counted of SYNs. */
static u32 rows_of(enum rank rank, u64 *syns)
{
	u32 n = 0;

	*syns = 0;
	for (u32 i = 0; i + 1 < table.count; i++) {
		const struct service *row = &table.rows[i];
		enum rank is = row->prefix < SERVICE_WHOLE ? RANK_PREFIX : row->port ? RANK_PORT : RANK_ADDRESS;

		if (!table.words[i] || is != rank)
			continue;
		assert_int_equal(row->born % 2, 0);
		*syns += row->count[SERVICE_SYN];
		n++;
	}
	return n;
}

static struct service *row_of(struct address server, u16 port, u8 prefix)
{
	struct service *found = NULL;

	for (u32 i = 0; i + 1 < table.count; i++) {
		struct service *row = &table.rows[i];

		if (!table.words[i] || row->port != port || row->prefix != prefix ||
		    !address_equal(&row->addr, &server))
			continue;
		assert_null(found); /* one row a service */
		found = row;
	}
	return found;
}

static u64 births(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < table.count; i++)
		sum += table.rows[i].born;
	return sum;
}

static u64 others(void)
{
	return table.rows[table.count - 1].count[SERVICE_SYN];
}

static void while_there_is_room_each_has_its_own(void **state)
{
	struct address server = v4(0x0a000001);

	(void)state;
	for (u16 port = 1; port <= 100; port++) {
		for (u16 n = 0; n < port; n++)
			syn(server, port);
	}
	for (u16 port = 1; port <= 100; port++)
		assert_int_equal(row_of(server, port, SERVICE_WHOLE)->count[SERVICE_SYN], port);
	assert_int_equal(births(), 200);
}

/* All ports of one address, port 0 too, twice: rows of ports, and one of the address for those that found no room. */
static void a_scan_of_all_ports_comes_to_one_row_of_the_address(void **state)
{
	struct address server = v4(0x0a000001);
	u64 ports, address, before;

	(void)state;
	for (u32 port = 0; port < 65536; port++)
		syn(server, (u16)port);
	assert_int_equal(rows_of(RANK_ADDRESS, &address), 1);
	assert_in_range(rows_of(RANK_PORT, &ports), LINES * LINE_WORDS - LINES, LINES * LINE_WORDS - 1);
	assert_int_equal(rows_of(RANK_PREFIX, &before), 0);
	assert_in_range(ports + address, 65535, 65536); /* the row of the address may have taken one of a port */
	assert_int_equal(env_tally()->count[C_services_other], 0);

	before = births();
	for (u32 port = 0; port < 65536; port++)
		syn(server, (u16)port);
	/* what had room left it has now: a row that moved makes a free word */
	assert_in_range(births() - before, 0, 2 * LINES);
	assert_int_equal(rows_of(RANK_ADDRESS, &address), 1);
	assert_int_equal(env_tally()->count[C_services_other], 0);
}

static void carpet(u32 addresses)
{
	for (u32 n = 0; n < addresses; n++)
		syn(v4(0x0b000000 + n), 80);
}

/* 100,000 addresses in 391 /24s. What passes a second time finds all as it is. */
static void a_carpet_comes_to_rows_of_prefixes(void **state)
{
	u64 syns[RANKS], before;
	u32 prefixes;

	(void)state;
	carpet(100000);
	prefixes = rows_of(RANK_PREFIX, &syns[RANK_PREFIX]);
	assert_in_range(prefixes, 300, 391);
	assert_true(syns[RANK_PREFIX] > 75000);
	assert_int_equal(env_tally()->count[C_services_other], 0);

	carpet(100000);
	before = births();
	carpet(100000);
	assert_int_equal(births(), before);
	assert_int_equal(env_tally()->count[C_services_other], 0);
	rows_of(RANK_PREFIX, &syns[RANK_PREFIX]);
	assert_true(syns[RANK_PREFIX] > 3 * 75000);
}

static void a_carpet_over_v6_too(void **state)
{
	struct address server = v6("2001:db8::");
	struct service *row;
	u64 syns;

	(void)state;
	for (u32 n = 0; n < 40000; n++) {
		server.word[1] = n;
		syn(server, 443);
	}
	assert_int_equal(rows_of(RANK_PREFIX, &syns), 1);
	row = row_of(v6("2001:db8::"), 0, SERVICE_PREFIX_6);
	assert_non_null(row);
	assert_int_equal(row->count[SERVICE_SYN], syns);
	assert_true(syns > 30000);
	assert_int_equal(env_tally()->count[C_services_other], 0);
}

/* What completed a handshake, or is in alarm, keeps its row and its counts. */
static void the_known_stay(void **state)
{
	struct address server = v4(0x0a000001), alarmed = v4(0x0a000002);

	(void)state;
	for (u16 port = 1; port <= 100; port++)
		complete(server, port);
	syn(alarmed, 443);
	row_of(alarmed, 443, SERVICE_WHOLE)->alarm = ALARM_WITHOUT_SOURCES;
	for (u32 port = 200; port < 65536; port++)
		syn(server, (u16)port);
	carpet(100000);
	for (u16 port = 1; port <= 100; port++) {
		const struct service *row = row_of(server, port, SERVICE_WHOLE);

		assert_non_null(row);
		assert_int_equal(row->count[SERVICE_SYN], 1);
		assert_int_equal(row->count[SERVICE_COMPLETED], 1);
	}
	assert_int_equal(row_of(alarmed, 443, SERVICE_WHOLE)->count[SERVICE_SYN], 1);
	assert_int_equal(env_tally()->count[C_services_other], 0);
}

/* In a table full of a scan a service that answers is worth a row. */
static void a_completion_makes_room(void **state)
{
	struct address scanned = v4(0x0a000001), server = v4(0x0a000002);

	(void)state;
	for (u32 port = 0; port < 65536; port++)
		syn(scanned, (u16)port);
	syn(server, 443);
	assert_null(row_of(server, 443, SERVICE_WHOLE));
	assert_non_null(row_of(server, 0, SERVICE_WHOLE));
	complete(server, 443);
	assert_int_equal(row_of(server, 443, SERVICE_WHOLE)->count[SERVICE_COMPLETED], 1);
	syn(server, 443);
	assert_int_equal(row_of(server, 443, SERVICE_WHOLE)->count[SERVICE_SYN], 1);
}

/* More prefixes than rows: those that come too late share the last one, and it is counted how often. */
static void what_finds_no_room_at_all_is_the_others(void **state)
{
	u64 syns, all = 0;

	(void)state;
	host_free(host);
	lay(4);
	for (u32 n = 0; n < 10000; n++)
		syn(v4(n << 8), 80);
	assert_int_equal(rows_of(RANK_PREFIX, &syns), 4 * LINE_WORDS);
	all += syns;
	assert_int_equal(rows_of(RANK_PORT, &syns) + rows_of(RANK_ADDRESS, &syns), 0);
	assert_int_equal(others(), env_tally()->count[C_services_other]);
	/* each row was a port's, an address's and a prefix's at the most */
	assert_in_range(10000 - others() - all, 0, 2 * 4 * LINE_WORDS);
}

/* Names that could be taken for each other: no two share a row. */
static void addresses_that_cannot_be_are_told_apart(void **state)
{
	const struct address odd[] = {
		v4(0), v4(0xffffffff), v4(0xffff), v4(0x7f000001), v4(0xe0000001), v6("::"), v6("::1"),
		v6("::ffff"), v6("ff02::1"), v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), v6("0:ffff:0a00:1::"),
		v6("::fffe:a00:1"),
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
		for (u32 n = 0; n <= i; n++) {
			syn(odd[i], 0);
			syn(odd[i], 80);
			syn(odd[i], 65535);
		}
	}
	for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
		assert_int_equal(row_of(odd[i], 0, SERVICE_WHOLE)->count[SERVICE_SYN], i + 1);
		assert_int_equal(row_of(odd[i], 80, SERVICE_WHOLE)->count[SERVICE_SYN], i + 1);
		assert_int_equal(row_of(odd[i], 65535, SERVICE_WHOLE)->count[SERVICE_SYN], i + 1);
	}
}

static void only_syns_and_completions_make_rows(void **state)
{
	(void)state;
	end(v4(1), 80);
	assert_int_equal(births(), 0);
	assert_int_equal(env_tally()->count[C_services_other], 1);
	syn(v4(1), 80);
	end(v4(1), 80);
	assert_int_equal(row_of(v4(1), 80, SERVICE_WHOLE)->count[SERVICE_TIMED_OUT], 1);
}

/* --- rows that are freed --- */

static void seconds(struct quiet_rows *quiet, u32 from, u32 to)
{
	for (u64 tick = from * TICKS_PER_SEC; tick <= to * TICKS_PER_SEC; tick++)
		quiet_rows_tick(quiet, &table, tick);
}

static void quiet_rows_are_freed(void **state)
{
	struct address scanned = v4(1), known = v4(2), waits = v4(3), alarmed = v4(4), busy = v4(5);
	struct quiet_rows quiet;

	(void)state;
	assert_int_equal(quiet_rows_open(&quiet, table.count - 1), 0);
	syn(scanned, 1), end(scanned, 1);
	complete(known, 1);
	syn(waits, 1);
	syn(alarmed, 1), end(alarmed, 1);
	row_of(alarmed, 1, SERVICE_WHOLE)->alarm = 1;
	syn(busy, 1), end(busy, 1);
	seconds(&quiet, 0, 59);
	assert_non_null(row_of(scanned, 1, SERVICE_WHOLE));
	syn(busy, 1), end(busy, 1);
	seconds(&quiet, 60, 71);
	assert_null(row_of(scanned, 1, SERVICE_WHOLE));
	assert_non_null(row_of(busy, 1, SERVICE_WHOLE));
	seconds(&quiet, 72, 131);
	assert_null(row_of(busy, 1, SERVICE_WHOLE));
	assert_non_null(row_of(waits, 1, SERVICE_WHOLE));
	seconds(&quiet, 132, 700);
	assert_null(row_of(waits, 1, SERVICE_WHOLE));
	assert_non_null(row_of(known, 1, SERVICE_WHOLE));
	assert_non_null(row_of(alarmed, 1, SERVICE_WHOLE));

	/* who comes again begins anew */
	syn(scanned, 1);
	assert_int_equal(row_of(scanned, 1, SERVICE_WHOLE)->count[SERVICE_SYN], 1);
	assert_int_equal(row_of(scanned, 1, SERVICE_WHOLE)->count[SERVICE_TIMED_OUT], 0);
	quiet_rows_close(&quiet);
}

/* Of a gap no more is looked at than can change anything, and it comes to the same. */
static void a_gap_frees_as_its_ticks_would(void **state)
{
	struct quiet_rows quiet;

	(void)state;
	assert_int_equal(quiet_rows_open(&quiet, table.count - 1), 0);
	syn(v4(1), 1), end(v4(1), 1);
	syn(v4(2), 1);
	complete(v4(3), 1);
	seconds(&quiet, 0, 20);
	quiet_rows_tick(&quiet, &table, 69 * TICKS_PER_SEC);
	assert_non_null(row_of(v4(1), 1, SERVICE_WHOLE));
	quiet_rows_tick(&quiet, &table, 70 * TICKS_PER_SEC);
	assert_null(row_of(v4(1), 1, SERVICE_WHOLE));
	assert_non_null(row_of(v4(2), 1, SERVICE_WHOLE));
	quiet_rows_tick(&quiet, &table, 10000000000ULL);
	assert_null(row_of(v4(2), 1, SERVICE_WHOLE));
	assert_non_null(row_of(v4(3), 1, SERVICE_WHOLE));
	quiet_rows_close(&quiet);
}

#define with_table(function) cmocka_unit_test_setup_teardown(function, lay_table, clear_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_table(while_there_is_room_each_has_its_own),
		with_table(a_scan_of_all_ports_comes_to_one_row_of_the_address),
		with_table(a_carpet_comes_to_rows_of_prefixes),
		with_table(a_carpet_over_v6_too),
		with_table(the_known_stay),
		with_table(a_completion_makes_room),
		with_table(what_finds_no_room_at_all_is_the_others),
		with_table(addresses_that_cannot_be_are_told_apart),
		with_table(only_syns_and_completions_make_rows),
		with_table(quiet_rows_are_freed),
		with_table(a_gap_frees_as_its_ticks_would),
	};

	return cmocka_run_group_tests_name("service_rows_test", tests, NULL, NULL);
}
