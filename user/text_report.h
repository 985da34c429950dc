/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a text line for what no single connection tells: everything behind the label. */
#ifndef TCPSHAKE_TEXT_REPORT_H
#define TCPSHAKE_TEXT_REPORT_H

#include "put.h"
#include "report.h"

void text_phase(struct put *put, enum phase phase); /* with a space behind */
void text_flood(struct put *put, const struct flood_report *flood);
void text_silent(struct put *put, const struct silent_report *silent);
void text_ports(struct put *put, const struct ports_report *ports);
void text_loss(struct put *put, enum loss_what what, u64 count);

#endif
