/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values as users write them. Each function takes the whole text or returns
 * -EINVAL (-ENOSPC: a list with more entries than there is room for) and leaves
 * its outputs untouched then.
 */
#ifndef TCPSHAKE_VALUES_H
#define TCPSHAKE_VALUES_H

#include "config.h"

int value_whole(const char *text, u64 most, u64 *value);

/*
 * A number with or without a fraction, times 10^digits (3: seconds to ms), up
 * to 10^18. What is finer than that is rounded up, so that little is not nothing.
 */
int value_decimal(const char *text, int digits, u64 *value);

/* A whole number with K, M or G (powers of 1024), or of bytes. */
int value_size(const char *text, u64 *bytes);

/* "80,8000-8100": appended to what is there. Ports from 1 to 65535. */
int value_ports(const char *text, struct port_range *range, u32 *count, u32 most);

/* "10.0.0.0/8,2001:db8::1": appended. Bits beyond a prefix are ignored. */
int value_hosts(const char *text, struct host_prefix *host, u32 *count, u32 most);

/* The index of text in names, or -EINVAL. */
int value_choice(const char *text, const char *const *names, int count);

#endif
