/* SPDX-License-Identifier: GPL-2.0-only */
#include "escape.h"

static const char hex[] = "0123456789abcdef";

/*
 * Length of the well-formed UTF-8 sequence at the front (Unicode table 3-7: no
 * overlong forms, no surrogates, nothing beyond U+10FFFF), 0 when there is none.
 */
static size_t utf8_length(const u8 *s, size_t n, u32 *code)
{
	u32 least, c;
	size_t length;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
	if (n < length)
		return 0;
	c = s[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return length;
}

/* What a terminal would obey or show elsewhere than it stands. */
static int misleads(u32 code)
{
	return (code >= 0x80 && code < 0xa0) || code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void put_u_escape(struct put *put, u32 code)
{
	char text[6] = { '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15],
			 hex[code & 15] };

	put_bytes(put, text, sizeof(text));
}

static void put_json_ascii(struct put *put, u8 c)
{
	if (c == '"' || c == '\\') {
		put_char(put, '\\');
		put_char(put, (char)c);
	} else if (c < 0x20 || c == 0x7f) {
		put_u_escape(put, c);
	} else {
		put_char(put, (char)c);
	}
}

void put_json_string(struct put *put, const char *bytes, size_t n)
{
	const u8 *s = (const u8 *)bytes;

	put_char(put, '"');
	for (size_t i = 0; i < n;) {
		u32 code = 0xfffd;
		size_t length;

		if (s[i] < 0x80) {
			put_json_ascii(put, s[i++]);
			continue;
		}
		length = utf8_length(s + i, n - i, &code);
		if (!length || misleads(code))
			put_u_escape(put, code);
		else
			put_bytes(put, bytes + i, length);
		i += length ? length : 1;
	}
	put_char(put, '"');
}

void put_text_escaped(struct put *put, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u8 c = (u8)bytes[i];

		if (c == '\\') {
			PUT(put, "\\\\");
		} else if (c >= 0x20 && c < 0x7f) {
			put_char(put, (char)c);
		} else {
			char text[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			put_bytes(put, text, sizeof(text));
		}
	}
}
