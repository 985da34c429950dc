/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes from outside, and the writer that everything goes through. */
#include "sample.h"

#include <iconv.h>

#include "escape.h"

static const char *json_of(const char *bytes, size_t n)
{
	static char text[1024];
	struct put put = put_into(text, sizeof(text) - 1);

	put_json_string(&put, bytes, n);
	assert_false(put.overflow);
	*put.at = 0;
	return text;
}

static const char *text_of(const char *bytes, size_t n)
{
	static char text[1024];
	struct put put = put_into(text, sizeof(text) - 1);

	put_text_escaped(&put, bytes, n);
	assert_false(put.overflow);
	*put.at = 0;
	return text;
}

#define JSON(literal) json_of(literal, sizeof(literal) - 1)
#define TEXT(literal) text_of(literal, sizeof(literal) - 1)

static void test_json(void **state)
{
	(void)state;
	assert_string_equal(JSON("java"), "\"java\"");
	assert_string_equal(JSON(""), "\"\"");
	assert_string_equal(JSON("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	assert_string_equal(JSON("\0\n\033\177"), "\"\\u0000\\u000a\\u001b\\u007f\"");
	assert_string_equal(JSON("\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\"");
	assert_string_equal(JSON("\xc2\x9b"), "\"\\u009b\""); /* CSI, one character */
	assert_string_equal(JSON("\xe2\x80\xae"), "\"\\u202e\""); /* turns the line around */
}

/* Unicode table 3-7: what is not well-formed. */
static void test_json_invalid_utf8(void **state)
{
	(void)state;
	assert_string_equal(JSON("\xff"), "\"\\ufffd\"");
	assert_string_equal(JSON("\x80x"), "\"\\ufffdx\"");
	assert_string_equal(JSON("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
	assert_string_equal(JSON("\xe0\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string_equal(JSON("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string_equal(JSON("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_string_equal(JSON("\xe2\x82"), "\"\\ufffd\\ufffd\""); /* cut short */
	assert_string_equal(JSON("\xc3\""), "\"\\ufffd\\\"\"");
}

static void test_text(void **state)
{
	(void)state;
	assert_string_equal(TEXT("nginx: worker"), "nginx: worker");
	assert_string_equal(TEXT("a\\x1b"), "a\\\\x1b");
	assert_string_equal(TEXT("\033]0;x\007"), "\\x1b]0;x\\x07");
	assert_string_equal(TEXT("\r\n\0"), "\\x0d\\x0a\\x00");
	assert_string_equal(TEXT("\xc3\x9b"), "\\xc3\\x9b"); /* 0x9b is CSI to a Latin-1 terminal */
}

/* By another hand: the C library's decoder. */
static void check_utf8(const char *text)
{
	char wide[8192], *in = (char *)(uintptr_t)text, *out = wide;
	size_t in_left = strlen(text), out_left = sizeof(wide);
	iconv_t decoder = iconv_open("UTF-32LE", "UTF-8");

	assert_true(decoder != (iconv_t)-1);
	if (iconv(decoder, &in, &in_left, &out, &out_left) == (size_t)-1 || in_left)
		fail_msg("not UTF-8: %s", text);
	iconv_close(decoder);
}

/* All bytes, in every company: JSON stays ASCII or well-formed, text printable. */
static void test_any_bytes(void **state)
{
	u32 random = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char bytes[24];
		const char *json, *text;
		size_t n = round % sizeof(bytes);

		for (size_t i = 0; i < n; i++) {
			random = random * 1664525 + 1013904223;
			bytes[i] = (char)(round & 1 ? random >> 24 : 0xc0 | random >> 26);
		}
		json = json_of(bytes, n);
		check_utf8(json);
		for (const u8 *s = (const u8 *)json; *s; s++)
			assert_true(*s >= 0x20 && *s != 0x7f);
		text = text_of(bytes, n);
		for (const char *s = text; *s; s++)
			assert_true(*s >= 0x20 && *s < 0x7f);
	}
}

static void test_bounds(void **state)
{
	char *small;

	(void)state;
	/* every size: never beyond the end (the sanitizer sees to it), and the flag is set */
	for (size_t size = 0; size < 16; size++) {
		struct put put;

		small = malloc(size ? size : 1);
		put = put_into(small, size);
		put_json_string(&put, "\033\xff\"abc", 6);
		assert_true(put.overflow);
		assert_true(put_length(&put) <= size);
		free(small);
	}
}

#define PUTS(expected, call) \
	do { \
		char text[128]; \
		struct put put = put_into(text, sizeof(text) - 1); \
		call; \
		*put.at = 0; \
		assert_string_equal(text, expected); \
	} while (0)

static void test_numbers(void **state)
{
	(void)state;
	PUTS("0", put_u64(&put, 0));
	PUTS("9", put_u64(&put, 9));
	PUTS("10", put_u64(&put, 10));
	PUTS("100", put_u64(&put, 100));
	PUTS("65535", put_u64(&put, 65535));
	PUTS("18446744073709551615", put_u64(&put, ~0ULL));
	PUTS("007", put_digits(&put, 7, 3));
	PUTS("999", put_grouped(&put, 999));
	PUTS("48,210", put_grouped(&put, 48210));
	PUTS("1,000,005", put_grouped(&put, 1000005));
	PUTS("18,446,744,073,709,551,615", put_grouped(&put, ~0ULL));
	PUTS("0.4", put_decimal(&put, 400000, 1));
	PUTS("1.00", put_decimal(&put, 999999, 2));
	PUTS("0.004", put_ratio(&put, 4000));
	PUTS("1", put_ratio(&put, 1000000));
	PUTS("0.123456", put_ratio(&put, 123456));
	PUTS("0", put_ratio(&put, 0));
}

static void test_durations(void **state)
{
	(void)state;
	PUTS("0.003 ms", put_duration(&put, 3000));
	PUTS("0.08 ms", put_duration(&put, 80000));
	PUTS("23.1 ms", put_duration(&put, 23100000));
	PUTS("412 ms", put_duration(&put, 412000000));
	PUTS("3.6 s", put_duration(&put, 3600000000));
	PUTS("60 s", put_duration(&put, SECONDS(60)));
	PUTS("12 min", put_duration(&put, SECONDS(12 * 60 + 5)));
	PUTS("3 h", put_duration(&put, SECONDS(3 * 3600)));
	PUTS("213503 days", put_duration(&put, ~0ULL));
}

static void put_v6_text(struct put *put, const char *text)
{
	struct address address = v6(text);

	put_address(put, &address);
}

/* RFC 5952 section 4 */
static void test_addresses(void **state)
{
	struct address mapped = v4("192.0.2.1"), six = v6("2001:db8::1");

	(void)state;
	PUTS("192.0.2.1", put_address(&put, &mapped));
	PUTS("192.0.2.1:443", put_endpoint(&put, &mapped, 443));
	PUTS("[2001:db8::1]:443", put_endpoint(&put, &six, 443));
	PUTS("::", put_v6_text(&put, "::"));
	PUTS("::1", put_v6_text(&put, "::1"));
	PUTS("1::", put_v6_text(&put, "1::"));
	PUTS("2001:db8:0:1:1:1:1:1", put_v6_text(&put, "2001:db8:0:1:1:1:1:1"));
	PUTS("2001:0:0:1::1", put_v6_text(&put, "2001:0:0:1:0:0:0:1"));
	PUTS("2001:db8::1:0:0:1", put_v6_text(&put, "2001:db8:0:0:1:0:0:1"));
	PUTS("fe80::ab:cd0:10", put_v6_text(&put, "FE80::AB:CD0:10"));
	PUTS("1:2:3:4:5:6:7:8", put_v6_text(&put, "1:2:3:4:5:6:7:8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),	  cmocka_unit_test(test_json_invalid_utf8),
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_durations), cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
