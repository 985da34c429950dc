/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parser reads from packets that are as they should be. */
#include "guard.h"
#include "packets.h"

static struct address v4(u8 a, u8 b, u8 c, u8 d)
{
	const u8 bytes[4] = {a, b, c, d};
	u32 wire;

	memcpy(&wire, bytes, 4);
	return address_v4(wire);
}

/* 10.0.0.1.51344 > 10.0.0.2.443: Flags [S], seq 1000, win 512,
 * options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0 */
static const u8 syn[] = {ETHERNET(0x0800), IPV4(60), TCP(10, SYN), OPTIONS_OF_LINUX};

static void syn_over_ipv4(void **state)
{
	const struct address client = v4(10, 0, 0, 1), server = v4(10, 0, 0, 2);

	(void)state;
	assert_int_equal(PARSE(syn), PARSE_TCP);
	assert_true(address_equal(&seg.key.addr[seg.sender], &client));
	assert_true(address_equal(&seg.key.addr[PEER_OF(seg.sender)], &server));
	assert_int_equal(seg.key.port[seg.sender], 51344);
	assert_int_equal(seg.key.port[PEER_OF(seg.sender)], 443);
	assert_int_equal(seg.key.zero, 0);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.ack, 2000);
	assert_int_equal(seg.len, 0);
	assert_int_equal(seg.flags, TCP_SYN);
	assert_int_equal(seg.offers, OFFER_MSS | OFFER_SACK | OFFER_TIMESTAMPS | OFFER_WSCALE);
	assert_int_equal(seg.mss, 1460);
	assert_int_equal(seg.wscale, 7);
}

static void caller_fields_stay(void **state)
{
	(void)state;
	assert_int_equal(PARSE(syn), PARSE_TCP);
	assert_int_equal(seg.time, 0x5555555555555555);
	assert_int_equal(seg.hash, 0x5555555555555555);
	assert_int_equal(seg.rcv_nxt, 0x55555555);
	assert_int_equal(seg.ifindex, 0x55555555);
	assert_int_equal(seg.place, 0x5555);
	assert_int_equal(seg.numbers, 0x55);
	assert_int_equal(seg.own, 0x55);
}

/* 2001:db8::1.51344 > 2001:db8::2.443: Flags [P.], seq 1000:1003, ack 2000, win 512, length 3 */
static void data_over_ipv6(void **state)
{
	static const u8 data[] = {ETHERNET(0x86dd), IPV6(23, 6), TCP(5, PSH | ACK), 'a', 'b', 'c'};

	(void)state;
	assert_int_equal(PARSE(data), PARSE_TCP);
	assert_memory_equal(&seg.key.addr[seg.sender], data + 14 + 8, 16);
	assert_memory_equal(&seg.key.addr[PEER_OF(seg.sender)], data + 14 + 24, 16);
	assert_int_equal(seg.key.port[seg.sender], 51344);
	assert_int_equal(seg.len, 3);
	assert_int_equal(seg.flags, TCP_PSH | TCP_ACK);
	assert_int_equal(seg.offers, 0);
	assert_int_equal(seg.mss, 0);
	assert_int_equal(seg.wscale, 0);
}

/* 10.0.0.1.51344 > 10.0.0.2.443: Flags [.], ack 2000, win 512, length 0 (frame: 60 bytes) */
static void padding_is_not_payload(void **state)
{
	static const u8 ack[60] = {ETHERNET(0x0800), IPV4(40), TCP(5, ACK)};

	(void)state;
	assert_int_equal(PARSE(ack), PARSE_TCP);
	assert_int_equal(seg.len, 0);
}

/* Flags [.], seq 1000:2460, ack 2000, length 1460, of which 54 bytes were captured */
static void snap_length_does_not_shorten(void **state)
{
	static const u8 data[] = {ETHERNET(0x0800), IPV4(1500), TCP(5, ACK)};

	(void)state;
	assert_int_equal(parse_cut(LINK_ETHERNET, data, sizeof(data), 1514), PARSE_TCP);
	assert_int_equal(seg.len, 1460);
	/* nor does a frame that says it is shorter than IP says */
	assert_int_equal(PARSE(data), PARSE_TCP);
	assert_int_equal(seg.len, 1460);
}

/* BIG TCP: the length in the IP header is 0, the frame has 70,000 bytes of payload */
static void length_zero_is_the_frame(void **state)
{
	static const u8 ipv4[] = {ETHERNET(0x0800), IPV4(0), TCP(5, ACK)};
	static const u8 ipv6[] = {ETHERNET(0x86dd), IPV6(0, 6), TCP(5, ACK)};

	(void)state;
	assert_int_equal(parse_cut(LINK_ETHERNET, ipv4, sizeof(ipv4), sizeof(ipv4) + 70000), PARSE_TCP);
	assert_int_equal(seg.len, 70000);
	assert_int_equal(parse_cut(LINK_ETHERNET, ipv6, sizeof(ipv6), sizeof(ipv6) + 70000), PARSE_TCP);
	assert_int_equal(seg.len, 70000);
}

/* vlan 1, p 0, ethertype 802.1Q, vlan 2, … IPv4, 10.0.0.1.51344 > 10.0.0.2.443: Flags [.], ack 2000 */
static void tags_up_to_four(void **state)
{
	static const u8 one[] = {ETHERNET(0x8100), TAG(1, 0x0800), IPV4(40), TCP(5, ACK)};
	static const u8 two[] = {ETHERNET(0x88a8), TAG(1, 0x8100), TAG(2, 0x86dd), IPV6(20, 6), TCP(5, ACK)};
	static const u8 four[] = {ETHERNET(0x9100), TAG(1, 0x88a8), TAG(2, 0x8100), TAG(3, 0x8100),
				  TAG(4, 0x0800),   IPV4(40),	    TCP(5, ACK)};
	static const u8 five[] = {ETHERNET(0x8100), TAG(1, 0x8100), TAG(2, 0x8100), TAG(3, 0x8100),
				  TAG(4, 0x8100),   TAG(5, 0x0800), IPV4(40),	    TCP(5, ACK)};

	(void)state;
	assert_int_equal(PARSE(one), PARSE_TCP);
	assert_int_equal(PARSE(two), PARSE_TCP);
	assert_int_equal(PARSE(four), PARSE_TCP);
	assert_int_equal(PARSE(five), PARSE_NOT_TCP);
}

/* IP (options (EOL)) 10.0.0.1.51344 > 10.0.0.2.443: Flags [.], seq 1000:1001, ack 2000, length 1 */
static void ipv4_options_are_skipped(void **state)
{
	static const u8 one_word[] = {ETHERNET(0x0800), IPV4_FULL(6, 45, 0, 6), ZERO4, TCP(5, ACK), 'x'};
	static const u8 ten_words[] = {ETHERNET(0x0800),
				       IPV4_FULL(15, 81, 0, 6),
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       ZERO4,
				       TCP(5, ACK),
				       'x'};

	(void)state;
	assert_int_equal(PARSE(one_word), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.len, 1);
	assert_int_equal(PARSE(ten_words), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.len, 1);
}

/* IP6 2001:db8::1 > 2001:db8::2: HBH DSTOPT … 51344 > 443: Flags [.], seq 1000:1001, ack 2000, length 1 */
static void ipv6_extensions_are_skipped(void **state)
{
	static const u8 kinds[] = {ETHERNET(0x86dd),  IPV6(65, 0),    EXTENSION(60),
				   EXTENSION(43),     EXTENSION(135), EXTENSION(51),
				   AUTHENTICATION(6), TCP(5, ACK),    'x'};
	static const u8 longer[] = {ETHERNET(0x86dd), IPV6(45, 0), EXTENSION_OF_24(6), TCP(5, ACK), 'x'};
	static const u8 eight[] = {ETHERNET(0x86dd), IPV6(85, 0),   EXTENSION(60), EXTENSION(60),
				   EXTENSION(60),    EXTENSION(60), EXTENSION(60), EXTENSION(60),
				   EXTENSION(60),    EXTENSION(6),  TCP(5, ACK),   'x'};
	static const u8 nine[] = {ETHERNET(0x86dd),
				  IPV6(93, 0),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(60),
				  EXTENSION(6),
				  TCP(5, ACK),
				  'x'};

	(void)state;
	assert_int_equal(PARSE(kinds), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.len, 1);
	assert_int_equal(PARSE(longer), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.len, 1);
	assert_int_equal(PARSE(eight), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.len, 1);
	assert_int_equal(PARSE(nine), PARSE_NOT_TCP);
}

/* IP (flags [+]) 10.0.0.1.51344 > 10.0.0.2.443: Flags [.], seq 1000:1004, ack 2000, length 4 */
static void first_fragment_counts_what_it_holds(void **state)
{
	static const u8 ipv4[] = {
	    ETHERNET(0x0800), IPV4_FULL(5, 44, MORE, 6), TCP(5, ACK), 'a', 'b', 'c', 'd'};
	static const u8 ipv6[] = {
	    ETHERNET(0x86dd), IPV6(32, 44), FRAGMENT(6, 1), TCP(5, ACK), 'a', 'b', 'c', 'd'};
	static const u8 atomic[] = {ETHERNET(0x86dd), IPV6(28, 44), FRAGMENT(6, 0), TCP(5, ACK)};

	(void)state;
	assert_int_equal(PARSE(ipv4), PARSE_TCP);
	assert_int_equal(seg.len, 4);
	assert_int_equal(PARSE(ipv6), PARSE_TCP);
	assert_int_equal(seg.len, 4);
	assert_int_equal(PARSE(atomic), PARSE_TCP);
	assert_int_equal(seg.len, 0);
}

/* The second byte of a fragment header is reserved and no length: whatever stands there. */
static void fragment_header_has_no_length(void **state)
{
	static const u8 packet[] = {ETHERNET(0x86dd), IPV6(28, 44), 6, 9, B16(0), B32(1), TCP(5, ACK)};

	(void)state;
	assert_int_equal(PARSE(packet), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
}

/* Without a link header: the same packets, by the version in their first byte */
static void version_decides_without_ethernet(void **state)
{
	static const u8 ipv4[] = {IPV4(40), TCP(5, ACK)};
	static const u8 ipv6[] = {IPV6(20, 6), TCP(5, ACK)};
	static const u8 other[] = {0x55, 0, B16(40), 0, 1, 0, 0, 64, 6};

	(void)state;
	assert_int_equal(PARSE_IP(ipv4), PARSE_TCP);
	assert_int_equal(PARSE_IP(ipv6), PARSE_TCP);
	assert_int_equal(PARSE_IP(other), PARSE_NOT_TCP);
}

/* 10.0.0.2.0 > 10.0.0.1.0: Flags [.], ack 0 */
static void port_zero_is_legal(void **state)
{
	static const u8 packet[] = {ETHERNET(0x0800), IPV4(40), ZERO4, ZERO4, ZERO4, 0x50, ACK,
				    B16(0),	      ZERO4};

	(void)state;
	assert_int_equal(PARSE(packet), PARSE_TCP);
	assert_int_equal(seg.key.port[0], 0);
	assert_int_equal(seg.key.port[1], 0);
}

/* What a hook does when the headers are not where it can read them. */
static void copy_is_parsed_like_the_frame(void **state)
{
	struct frame_copy copy = {.reach = sizeof(syn), .wire_len = sizeof(syn), .first = LINK_ETHERNET};

	(void)state;
	memcpy(copy.byte, syn, sizeof(syn));
	assert_int_equal(parse_copy(&copy, &seg), PARSE_TCP);
	assert_int_equal(seg.wscale, 7);
	memcpy(copy.byte, syn + 14, sizeof(syn) - 14);
	copy.first = LINK_IP;
	assert_int_equal(parse_copy(&copy, &seg), PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(syn_over_ipv4),
	    cmocka_unit_test(caller_fields_stay),
	    cmocka_unit_test(data_over_ipv6),
	    cmocka_unit_test(padding_is_not_payload),
	    cmocka_unit_test(snap_length_does_not_shorten),
	    cmocka_unit_test(length_zero_is_the_frame),
	    cmocka_unit_test(tags_up_to_four),
	    cmocka_unit_test(ipv4_options_are_skipped),
	    cmocka_unit_test(ipv6_extensions_are_skipped),
	    cmocka_unit_test(first_fragment_counts_what_it_holds),
	    cmocka_unit_test(fragment_header_has_no_length),
	    cmocka_unit_test(version_decides_without_ethernet),
	    cmocka_unit_test(port_zero_is_legal),
	    cmocka_unit_test(copy_is_parsed_like_the_frame),
	};

	return cmocka_run_group_tests(tests, map_guard, NULL);
}
