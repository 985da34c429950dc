/* SPDX-License-Identifier: GPL-2.0-only */
/* From rows of the service table to what the summary tells of them. */
#ifndef TCPSHAKE_SERVICES_H
#define TCPSHAKE_SERVICES_H

#include "service_row.h"
#include "summary.h"

/* Rows that saw a SYN, as summaries; *out is allocated. Returns how many, or -ENOMEM. */
int services_summarise(const struct service *rows, u32 count, struct service_summary **out);

#endif
