/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes from outside: names of processes, interfaces and containers, and what a
 * capture claims. Any byte may be in them.
 */
#ifndef TCPSHAKE_ESCAPE_H
#define TCPSHAKE_ESCAPE_H

#include "put.h"

/*
 * A JSON string with its quotes: always valid UTF-8. What is not UTF-8 becomes
 * U+FFFD, byte by byte; controls (C0, DEL, C1) and the characters that reorder
 * or break a line (U+200E, U+200F, U+2028-202E, U+2066-2069) become \uXXXX, so
 * that a terminal which shows the line obeys none of them.
 */
void put_json_string(struct put *put, const char *bytes, size_t n);

/*
 * For a terminal or a log: printable ASCII as it is, the backslash doubled, any
 * other byte as \xNN. Not even valid UTF-8 passes: its bytes 0x80-0x9f are
 * controls to a terminal with another character set.
 */
void put_text_escaped(struct put *put, const char *bytes, size_t n);

#endif
