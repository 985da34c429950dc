/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPSHAKE_TEXT_H
#define TCPSHAKE_TEXT_H

#include "line.h"

/* One line with its '\n', no terminating 0. Returns its length, or -ENOSPC. */
int text_event(const struct event *event, struct line_context *context, char *buffer, size_t size);

#endif
