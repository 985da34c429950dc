/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters at clsact, for kernels without TCX. They do not go with their process:
 * those that a killed run left are found by their handles. The qdisc stays, for
 * others may have filters in it.
 */
#ifndef TCPSHAKE_CLSACT_H
#define TCPSHAKE_CLSACT_H

#include "kernel_parts.h"

/* Takes off what killed runs left on this device. */
void clsact_sweep(u32 ifindex);

/* 0 or a negative errno; EUSERS: too many runs on this device. The caller notes in_filter or out_filter. */
int clsact_attach(int program, struct hooked *hooked, enum bpf_tc_attach_point point);
int clsact_holds(const struct hooked *hooked, enum bpf_tc_attach_point point);
void clsact_detach(struct hooked *hooked); /* both sides; nothing there is fine */

#endif
