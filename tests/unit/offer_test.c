/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of a SYN, well formed and not, and ECN in its flags. */
#include "guard.h"
#include "packets.h"

/* Offers of a SYN with these options, padded to whole words with END. */
static u8 offers_of(const u8 *options, u32 length)
{
	const u32 words = (length + 3) / 4;
	const u8 head[] = {ETHERNET(0x0800), IPV4(40 + words * 4), TCP(5 + words, SYN)};
	u8 packet[sizeof(head) + TCP_OPTIONS_MAX] = {0};

	memcpy(packet, head, sizeof(head));
	memcpy(packet + sizeof(head), options, length);
	assert_int_equal(parse_cut(LINK_ETHERNET, packet, sizeof(head) + words * 4, sizeof(head) + words * 4),
			 PARSE_TCP);
	return seg.offers;
}

#define OFFERS(...) offers_of((const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

static void each_option(void **state)
{
	(void)state;
	assert_int_equal(OFFERS(2, 4, B16(536)), OFFER_MSS);
	assert_int_equal(seg.mss, 536);
	assert_int_equal(OFFERS(3, 3, 2), OFFER_WSCALE);
	assert_int_equal(seg.wscale, 2);
	assert_int_equal(OFFERS(4, 2), OFFER_SACK);
	assert_int_equal(OFFERS(8, 10, B32(1), B32(0)), OFFER_TIMESTAMPS);
	assert_int_equal(OFFERS(34, 2), OFFER_FAST_OPEN);
	assert_int_equal(OFFERS(34, 10, 1, 2, 3, 4, 5, 6, 7, 8), OFFER_FAST_OPEN);
	assert_int_equal(OFFERS(254, 4, B16(0xf989)), OFFER_FAST_OPEN);
}

/* RFC 7323 section 2.3 */
static void wscale_above_14_counts_as_14(void **state)
{
	(void)state;
	assert_int_equal(OFFERS(3, 3, 14), OFFER_WSCALE);
	assert_int_equal(seg.wscale, 14);
	assert_int_equal(OFFERS(3, 3, 15), OFFER_WSCALE);
	assert_int_equal(seg.wscale, 14);
	assert_int_equal(OFFERS(3, 3, 255), OFFER_WSCALE);
	assert_int_equal(seg.wscale, 14);
}

static void unknown_options_are_stepped_over(void **state)
{
	(void)state;
	assert_int_equal(OFFERS(30, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2), OFFER_SACK);
	assert_int_equal(OFFERS(254, 4, B16(0x1234), 4, 2), OFFER_SACK);
	assert_int_equal(OFFERS(1, 1, 1, 1, 1, 4, 2), OFFER_SACK);
}

static void wrong_length_offers_nothing(void **state)
{
	(void)state;
	assert_int_equal(OFFERS(2, 3, 5, 4, 2), OFFER_SACK);
	assert_int_equal(OFFERS(3, 4, 7, 0, 4, 2), OFFER_SACK);
	assert_int_equal(OFFERS(4, 3, 0, 3, 3, 7), OFFER_WSCALE);
	assert_int_equal(OFFERS(8, 2, 4, 2), OFFER_SACK);
	assert_int_equal(OFFERS(254, 3, 0xf9, 4, 2), OFFER_SACK);
}

/* What comes behind nonsense is not looked at; what came before stands. */
static void nonsense_ends_the_walk(void **state)
{
	(void)state;
	assert_int_equal(OFFERS(4, 2, 3, 0, 2, 4, B16(1460)), OFFER_SACK);
	assert_int_equal(OFFERS(4, 2, 3, 1, 2, 4, B16(1460)), OFFER_SACK);
	assert_int_equal(OFFERS(4, 2, 0, 0, 2, 4, B16(1460)), OFFER_SACK);
	assert_int_equal(OFFERS(4, 2, 2, 4), OFFER_SACK); /* the last one ends behind the header */
	assert_int_equal(OFFERS(4, 2, 1, 3), OFFER_SACK); /* the last one has no length */
	assert_int_equal(OFFERS(4, 2, 30, 255), OFFER_SACK);
}

/* Forty bytes are the most that there can be. */
static void longest_list(void **state)
{
	u8 options[TCP_OPTIONS_MAX];

	(void)state;
	memset(options, TCP_OPTION_NOP, sizeof(options));
	assert_int_equal(offers_of(options, sizeof(options)), 0);
	options[38] = TCP_OPTION_SACK_OK;
	options[39] = 2;
	assert_int_equal(offers_of(options, sizeof(options)), OFFER_SACK);
	memset(options, TCP_OPTION_MSS, sizeof(options));
	options[39] = 4;
	assert_int_equal(offers_of(options, sizeof(options)), 0);
}

static void ecn(void **state)
{
	/* 10.0.0.1.51344 > 10.0.0.2.443: Flags [SEW], [SE], [S.E], [S.EW], [.EW] */
	static const u8 asks[] = {ETHERNET(0x0800), IPV4(40), TCP(5, SYN | ECE | CWR)};
	static const u8 half[] = {ETHERNET(0x0800), IPV4(40), TCP(5, SYN | ECE)};
	static const u8 agrees[] = {ETHERNET(0x0800), IPV4(40), TCP(5, SYN | ACK | ECE)};
	static const u8 echoes[] = {ETHERNET(0x0800), IPV4(40), TCP(5, SYN | ACK | ECE | CWR)};
	static const u8 later[] = {ETHERNET(0x0800), IPV4(40), TCP(5, ACK | ECE | CWR)};

	(void)state;
	assert_int_equal(PARSE(asks), PARSE_TCP);
	assert_int_equal(seg.offers, OFFER_ECN);
	assert_int_equal(PARSE(half), PARSE_TCP);
	assert_int_equal(seg.offers, 0);
	assert_int_equal(PARSE(agrees), PARSE_TCP);
	assert_int_equal(seg.offers, OFFER_ECN);
	assert_int_equal(PARSE(echoes), PARSE_TCP);
	assert_int_equal(seg.offers, 0);
	assert_int_equal(PARSE(later), PARSE_TCP);
	assert_int_equal(seg.offers, 0);
}

/* An option is of interest in a SYN only: timestamps in each segment are not read. */
static void only_a_syn_offers(void **state)
{
	static const u8 data[] = {ETHERNET(0x0800), IPV4(44), TCP(6, ACK), 2, 4, B16(1460)};

	(void)state;
	assert_int_equal(PARSE(data), PARSE_TCP);
	assert_int_equal(seg.offers, 0);
	assert_int_equal(seg.mss, 0);
	assert_int_equal(seg.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_option),
	    cmocka_unit_test(wscale_above_14_counts_as_14),
	    cmocka_unit_test(unknown_options_are_stepped_over),
	    cmocka_unit_test(wrong_length_offers_nothing),
	    cmocka_unit_test(nonsense_ends_the_walk),
	    cmocka_unit_test(longest_list),
	    cmocka_unit_test(ecn),
	    cmocka_unit_test(only_a_syn_offers),
	};

	return cmocka_run_group_tests(tests, map_guard, NULL);
}
