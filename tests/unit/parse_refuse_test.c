/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parser says of packets that are cut, broken, fragments or no TCP. */
#include "guard.h"
#include "packets.h"

/* 10.0.0.1.51344 > 10.0.0.2.443: Flags [S], seq 1000, win 512,
 * options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0 */
static const u8 syn[] = {ETHERNET(0x0800), IPV4(60), TCP(10, SYN), OPTIONS_OF_LINUX};
#define SYN_HEADER 54 /* bytes before its options */

/* IP6 2001:db8::1 > 2001:db8::2: HBH frag (0x00000001:0|20) 51344 > 443: Flags [.], ack 2000 */
static const u8 ack[] = {ETHERNET(0x88a8), TAG(1, 0x8100), TAG(2, 0x86dd), IPV6(36, 0),
			 EXTENSION(44),	   FRAGMENT(6, 0), TCP(5, ACK)};

static void assert_untouched(void)
{
	for (size_t i = 0; i < sizeof(seg); i++)
		assert_int_equal(((u8 *)&seg)[i], 0x55);
}

/* The capture, or the frame itself, ends at any byte. */
static void cut_at_every_byte(void **state)
{
	(void)state;
	for (u32 n = 0; n < SYN_HEADER; n++) {
		assert_int_equal(parse_cut(LINK_ETHERNET, syn, n, sizeof(syn)), PARSE_TRUNCATED);
		assert_untouched();
	}
	for (u32 n = 0; n < sizeof(ack); n++) {
		assert_int_equal(parse_cut(LINK_ETHERNET, ack, n, sizeof(ack)), PARSE_TRUNCATED);
		assert_untouched();
	}
	assert_int_equal(PARSE(ack), PARSE_TCP);
}

/* A snap length of 68 was usual: it ends within the options, which then count as far as they go. */
static void cut_within_the_options(void **state)
{
	(void)state;
	for (u32 n = SYN_HEADER; n <= sizeof(syn); n++) {
		u32 words = (n - SYN_HEADER) & ~3u;

		assert_int_equal(parse_cut(LINK_ETHERNET, syn, n, sizeof(syn)), PARSE_TCP);
		assert_int_equal(seg.seq, 1000);
		assert_int_equal(seg.len, 0);
		assert_int_equal(seg.offers, (words >= 4 ? OFFER_MSS : 0) | (words >= 8 ? OFFER_SACK : 0) |
						 (words >= 16 ? OFFER_TIMESTAMPS : 0) |
						 (words >= 20 ? OFFER_WSCALE : 0));
	}
}

/* Not readable here, but a copy would have it: all that a hook needs to know. */
static void beyond_at_every_byte(void **state)
{
	(void)state;
	for (u32 n = 0; n < sizeof(syn); n++) {
		assert_int_equal(parse_part(LINK_ETHERNET, syn, n, sizeof(syn), sizeof(syn)), PARSE_BEYOND);
		assert_untouched();
	}
	for (u32 n = 0; n < sizeof(ack); n++) {
		assert_int_equal(parse_part(LINK_ETHERNET, ack, n, sizeof(ack), sizeof(ack)), PARSE_BEYOND);
		assert_untouched();
	}
}

/* The options end behind all that can be had, but a copy would have more of them than can be read here. */
static void beyond_for_a_part_of_the_options(void **state)
{
	(void)state;
	assert_int_equal(parse_part(LINK_ETHERNET, syn, SYN_HEADER, sizeof(syn) - 4, sizeof(syn)),
			 PARSE_BEYOND);
	assert_untouched();
}

static void fragments_after_the_first(void **state)
{
	/* IP 10.0.0.1 > 10.0.0.2: tcp (frag offset 1480) */
	static const u8 ipv4[] = {ETHERNET(0x0800), IPV4_FULL(5, 40, 185, 6), TCP(5, ACK)};
	/* IP6 2001:db8::1 > 2001:db8::2: frag (1480|20) */
	static const u8 ipv6[] = {ETHERNET(0x86dd), IPV6(28, 44), FRAGMENT(6, 185 << 3), TCP(5, ACK)};
	/* its first header is one that TCP may follow */
	static const u8 unsure[] = {ETHERNET(0x86dd), IPV6(28, 44), FRAGMENT(60, 185 << 3), TCP(5, ACK)};
	/* IP 10.0.0.1 > 10.0.0.2: udp (frag offset 1480) */
	static const u8 udp4[] = {ETHERNET(0x0800), IPV4_FULL(5, 40, 185, 17), TCP(5, ACK)};
	static const u8 udp6[] = {ETHERNET(0x86dd), IPV6(28, 44), FRAGMENT(17, 185 << 3), TCP(5, ACK)};

	(void)state;
	assert_int_equal(PARSE(ipv4), PARSE_FRAGMENT);
	assert_int_equal(PARSE(ipv6), PARSE_FRAGMENT);
	assert_int_equal(PARSE(unsure), PARSE_FRAGMENT);
	assert_int_equal(PARSE(udp4), PARSE_NOT_TCP);
	assert_int_equal(PARSE(udp6), PARSE_NOT_TCP);
	assert_untouched();
}

/* A first fragment may end within the TCP header: nothing contradicts, but it is not all there. */
static void tiny_first_fragment(void **state)
{
	static const u8 ipv4[] = {ETHERNET(0x0800), IPV4_FULL(5, 28, MORE, 6), TCP(5, SYN)};
	static const u8 ipv6[] = {ETHERNET(0x86dd), IPV6(16, 44), FRAGMENT(6, 1), TCP(5, SYN)};
	static const u8 options[] = {ETHERNET(0x0800), IPV4_FULL(5, 40, MORE, 6), TCP(10, SYN)};
	static const u8 extension[] = {ETHERNET(0x86dd), IPV6(8, 44), FRAGMENT(60, 1), EXTENSION(6)};

	(void)state;
	assert_int_equal(PARSE(ipv4), PARSE_TRUNCATED);
	assert_int_equal(PARSE(ipv6), PARSE_TRUNCATED);
	assert_int_equal(PARSE(options), PARSE_TRUNCATED);
	assert_int_equal(PARSE(extension), PARSE_TRUNCATED);
}

static void headers_that_contradict(void **state)
{
	static const u8 version4[] = {ETHERNET(0x0800), IPV6(40, 6), TCP(5, ACK)};
	static const u8 version6[] = {ETHERNET(0x86dd), IPV4(40), TCP(5, ACK)};
	static const u8 short_ip[] = {ETHERNET(0x0800), IPV4_FULL(4, 40, 0, 6), TCP(5, ACK)};
	static const u8 total_below_header[] = {ETHERNET(0x0800), IPV4(19), TCP(5, ACK)};
	static const u8 tcp_behind_ipv4[] = {ETHERNET(0x0800), IPV4(39), TCP(5, ACK)};
	static const u8 tcp_behind_ipv6[] = {ETHERNET(0x86dd), IPV6(19, 6), TCP(5, ACK)};
	static const u8 short_tcp[] = {ETHERNET(0x0800), IPV4(40), TCP(4, ACK)};
	static const u8 options_behind_ip[] = {ETHERNET(0x0800), IPV4(59), TCP(10, SYN), OPTIONS_OF_LINUX};
	static const u8 extension_behind_ip[] = {ETHERNET(0x86dd), IPV6(7, 0), EXTENSION(6), TCP(5, ACK)};
	static const u8 long_extension[] = {ETHERNET(0x86dd), IPV6(28, 0), 6, 255, 1, 4, ZERO4, TCP(5, ACK)};
	/* of length 0 the frame has no room for a header */
	static const u8 zero_and_no_room[] = {ETHERNET(0x0800), IPV4(0), ZERO4};

	(void)state;
	assert_int_equal(PARSE(version4), PARSE_MALFORMED);
	assert_int_equal(PARSE(version6), PARSE_MALFORMED);
	assert_int_equal(PARSE(short_ip), PARSE_MALFORMED);
	assert_int_equal(PARSE(total_below_header), PARSE_MALFORMED);
	assert_int_equal(PARSE(tcp_behind_ipv4), PARSE_MALFORMED);
	assert_int_equal(PARSE(tcp_behind_ipv6), PARSE_MALFORMED);
	assert_int_equal(PARSE(short_tcp), PARSE_MALFORMED);
	assert_int_equal(PARSE(options_behind_ip), PARSE_MALFORMED);
	assert_int_equal(PARSE(extension_behind_ip), PARSE_MALFORMED);
	assert_int_equal(PARSE(long_extension), PARSE_MALFORMED);
	assert_int_equal(PARSE(zero_and_no_room), PARSE_MALFORMED);
	assert_untouched();
}

static void no_tcp(void **state)
{
	/* ARP, Request who-has 10.0.0.2 tell 10.0.0.1 */
	static const u8 arp[] = {ETHERNET(0x0806), B16(1), B16(0x0800), 6,     4,
				 B16(1),	   ZERO4,  ZERO4,	ZERO4, ZERO4};
	/* IP 10.0.0.1.51344 > 10.0.0.2.443: UDP */
	static const u8 udp[] = {
	    ETHERNET(0x0800), IPV4_FULL(5, 28, 0, 17), B16(51344), B16(443), B16(8), B16(0)};
	/* IP 10.0.0.1 > 10.0.0.2: ICMP host unreachable, quoting a SYN */
	static const u8 icmp[] = {ETHERNET(0x0800), IPV4_FULL(5, 68, 0, 1), 3, 1, B16(0), ZERO4, IPV4(60),
				  TCP(10, SYN)};
	/* IP 10.0.0.1 > 10.0.0.2: IP 10.0.0.1.51344 > 10.0.0.2.443: Flags [S] */
	static const u8 ipip[] = {ETHERNET(0x0800), IPV4_FULL(5, 60, 0, 4), IPV4(40), TCP(5, SYN)};
	static const u8 gre[] = {ETHERNET(0x0800), IPV4_FULL(5, 64, 0, 47), B16(0), B16(0x0800), IPV4(40),
				 TCP(5, SYN)};
	/* IP6 2001:db8::1 > 2001:db8::2: ESP(spi=0x00000001,seq=0x1) */
	static const u8 esp[] = {ETHERNET(0x86dd), IPV6(8, 50), B32(1), B32(1)};
	/* 802.3, its length where a type would be */
	static const u8 stp[] = {ETHERNET(38), 0x42, 0x42, 3, 0, 0, 0, 0};

	(void)state;
	assert_int_equal(PARSE(arp), PARSE_NOT_TCP);
	assert_int_equal(PARSE(udp), PARSE_NOT_TCP);
	assert_int_equal(PARSE(icmp), PARSE_NOT_TCP);
	assert_int_equal(PARSE(ipip), PARSE_NOT_TCP);
	assert_int_equal(PARSE(gre), PARSE_NOT_TCP);
	assert_int_equal(PARSE(esp), PARSE_NOT_TCP);
	assert_int_equal(PARSE(stp), PARSE_NOT_TCP);
	assert_untouched();
}

/* A copy of 256 bytes ends, even if someone claims that it went further. */
static void buffer_has_an_end(void **state)
{
	static const u8 longest[] = {ETHERNET(0x86dd), IPV6(2068, 0), 6, 255, 1, 4, ZERO4};
	u8 buffer[PARSE_BUFFER] = {0};
	struct frame f = {buffer, NULL, 4096, 4096};

	(void)state;
	memcpy(buffer, longest, sizeof(longest));
	assert_int_equal(parse_packet(&f, FRAME_BUFFER, LINK_ETHERNET, &seg), PARSE_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cut_at_every_byte),
	    cmocka_unit_test(cut_within_the_options),
	    cmocka_unit_test(beyond_for_a_part_of_the_options),
	    cmocka_unit_test(beyond_at_every_byte),
	    cmocka_unit_test(fragments_after_the_first),
	    cmocka_unit_test(tiny_first_fragment),
	    cmocka_unit_test(headers_that_contradict),
	    cmocka_unit_test(no_tcp),
	    cmocka_unit_test(buffer_has_an_end),
	};

	return cmocka_run_group_tests(tests, map_guard, NULL);
}
