/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPSHAKE_JSON_H
#define TCPSHAKE_JSON_H

#include "line.h"

#define JSON_SCHEMA 1

/* One object and '\n', no terminating 0. Returns its length, or -ENOSPC. */
int json_event(const struct event *event, struct line_context *context, char *buffer, size_t size);

#endif
