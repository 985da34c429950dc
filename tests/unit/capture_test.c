/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files: both formats, both byte orders, each link type, any time. */
#include "made_file.h"

static void pcap_in_each_order_and_unit(void **state)
{
	(void)state;
	for (swapped = 0; swapped <= 1; swapped++) {
		begin_pcap(MICRO, 1);
		put_pcap(1700000000, 123456, ether_syn, sizeof(ether_syn), 60);
		assert_int_equal(open_made(NULL), 0);
		expect_syn();
		assert_int_equal(now, 1700000000123456000);
		assert_int_equal(seg.ifindex, 0);
		assert_int_equal(seg.place, place_of(0, HOOK_IN));
		assert_int_equal(seg.hash, 0);
		assert_int_equal(seg.numbers, NUMBERS_UNKNOWN);
		assert_int_equal(seg.own, 0);
		expect_end();

		begin_pcap(NANO, 1);
		put_pcap(1700000000, 123456789, ether_syn, sizeof(ether_syn), 60);
		assert_int_equal(open_made(NULL), 0);
		expect_syn();
		assert_int_equal(now, 1700000000123456789);
		expect_end();
	}
	swapped = 0;
}

static void pcapng_in_each_order_and_unit(void **state)
{
	(void)state;
	for (swapped = 0; swapped <= 1; swapped++) {
		made_size = 0;
		begin_section();
		put_interface(1, 0, 6);
		put_interface(101, 65535, 9);
		put_interface(1, 96, 0x80 | 10);
		put_block(0, 1700000000123456, ether_syn, sizeof(ether_syn), 60);
		put_block(1, 1700000000123456789, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
		put_block(2, (1700000001ull << 10) + 512, ether_syn, sizeof(ether_syn), 60);
		assert_int_equal(open_made(NULL), 0);
		expect_syn();
		assert_int_equal(now, 1700000000123456000);
		assert_int_equal(seg.ifindex, 1);
		assert_int_equal(seg.place, place_of(1, HOOK_IN));
		expect_syn();
		assert_int_equal(now, 1700000000123456789);
		assert_int_equal(seg.ifindex, 2);
		expect_syn();
		assert_int_equal(now, 1700000001500000000);
		assert_int_equal(seg.ifindex, 3);
		expect_end();
	}
	swapped = 0;
}

/* As cat makes them of two files: the byte order and the interfaces begin anew. */
static void pcapng_of_two_sections(void **state)
{
	(void)state;
	made_size = 0;
	begin_section();
	put_interface(1, 0, 6);
	put_block(0, 1000000, ether_syn, sizeof(ether_syn), 60);
	swapped = 1;
	begin_section();
	put_interface(101, 0, 9);
	put_block(0, 2000000000, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	swapped = 0;
	assert_int_equal(open_made(NULL), 0);
	expect_syn();
	expect_syn();
	assert_int_equal(now, 2000000000);
	expect_end();
}

static void pcapng_simple_and_unknown_blocks(void **state)
{
	(void)state;
	made_size = 0;
	begin_section();
	put_interface(1, 54, 6);
	put32(0x0bad); /* a block of a kind that is not known */
	put32(16);
	put32(0);
	put32(16);
	put32(3); /* a simple packet: without time, cut at the snap length */
	put32(16 + 56);
	put32(60);
	put(ether_syn, sizeof(ether_syn));
	put("\0\0", 2);
	put32(16 + 56);
	assert_int_equal(open_made(NULL), 0);
	expect_syn();
	assert_int_equal(now, 1);
	expect_end();
}

/* A USB monitor beside Ethernet: what is not known is no TCP, and the rest is read. */
static void pcapng_with_an_unknown_link_type(void **state)
{
	(void)state;
	made_size = 0;
	begin_section();
	put_interface(1, 0, 6);
	put_interface(220, 0, 6);
	put_block(0, 1, ether_syn, sizeof(ether_syn), 60);
	put_block(1, 2, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	put_block(0, 3, ether_syn, sizeof(ether_syn), 60);
	assert_int_equal(open_made(NULL), 0);
	expect_syn();
	assert_int_equal(next(), 1);
	assert_int_equal(result, PARSE_NOT_TCP);
	expect_syn();
	expect_end();
}

static void each_link_type(void **state)
{
	static const struct {
		u32 link_type, size;
		u8 header[20];
	} links[] = {
	    {0, 4, {2, 0, 0, 0}},
	    {0, 4, {0, 0, 0, 2}},
	    {1, 14, {ETHERNET(0x0800)}},
	    {9, 2, {0, 0x21}},
	    {9, 4, {0xff, 3, 0, 0x21}},
	    {9, 3, {0xff, 3, 0x21}},
	    {12, 0, {0}},
	    {14, 0, {0}},
	    {101, 0, {0}},
	    {50, 4, {0xff, 3, 0, 0x21}},
	    {50, 4, {0x0f, 0, 8, 0}},
	    {51, 8, {0x11, 0, 0, 1, 0, 42, 0, 0x21}},
	    {108, 4, {0, 0, 0, 2}},
	    {113, 16, {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0}},
	    {113, 20, {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, TAG(1, 0x0800)}},
	    {228, 0, {0}},
	    {276, 20, {8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0}},
	};
	u8 packet[sizeof(links[0].header) + sizeof(ip_syn)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		const u32 size = links[i].size + sizeof(ip_syn);

		memcpy(packet, links[i].header, links[i].size);
		memcpy(packet + links[i].size, ip_syn, sizeof(ip_syn));
		begin_pcap(MICRO, links[i].link_type);
		put_pcap(1, 0, packet, size, size);
		for (u32 cut = 0; cut < size; cut++)
			put_pcap(1, 0, packet, cut, size);
		assert_int_equal(open_made(NULL), 0);
		expect_syn();
		assert_int_equal(seg.len, 0);
		for (u32 cut = 0; cut < size; cut++) {
			assert_int_equal(next(), 1);
			assert_int_equal(result, PARSE_TRUNCATED);
		}
		expect_end();
	}
}

static void cooked_capture_tells_interface_and_direction(void **state)
{
	static const u8 out[] = {8, 0, 0, 0, 0, 0, 0, 7, 0, 1,	      4,
				 6, 2, 0, 0, 0, 0, 1, 0, 0, IPV4(40), TCP(5, SYN)};

	(void)state;
	begin_pcap(MICRO, 276);
	put_pcap(1, 0, out, sizeof(out), sizeof(out));
	assert_int_equal(open_made(NULL), 0);
	expect_syn();
	assert_int_equal(seg.ifindex, 7);
	assert_int_equal(seg.place, place_of(7, HOOK_OUT));
	expect_end();
}

static void time_never_runs_backwards(void **state)
{
	static const struct {
		u32 sec, usec;
		u64 expected;
	} stamps[] = {
	    {0, 0, 1}, /* 0 would say: not known */
	    {10, 500000, 10500000000},
	    {9, 0, 10500000000},
	    {10, 1600000, 11600000000},		  /* more than a second of microseconds */
	    {0x90000000, 0, 2415919104000000000}, /* after 2038 */
	    {10, 0, 2415919104000000000},
	};

	(void)state;
	begin_pcap(MICRO, 101);
	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++)
		put_pcap(stamps[i].sec, stamps[i].usec, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	assert_int_equal(open_made(NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++) {
		expect_syn();
		assert_int_equal(now, stamps[i].expected);
	}
	expect_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pcap_in_each_order_and_unit),
	    cmocka_unit_test(pcapng_in_each_order_and_unit),
	    cmocka_unit_test(pcapng_of_two_sections),
	    cmocka_unit_test(pcapng_simple_and_unknown_blocks),
	    cmocka_unit_test(pcapng_with_an_unknown_link_type),
	    cmocka_unit_test(each_link_type),
	    cmocka_unit_test(cooked_capture_tells_interface_and_direction),
	    cmocka_unit_test(time_never_runs_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
