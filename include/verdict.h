/* SPDX-License-Identifier: GPL-2.0-only */
/* What the detector calls the trouble of a service. */
#ifndef TCPSHAKE_VERDICT_H
#define TCPSHAKE_VERDICT_H

enum verdict {
	VERDICT_SPOOFED,       /* answered, and no one there to complete */
	VERDICT_REAL_HOSTS,    /* few sources, or stacks that retransmit and back off */
	VERDICT_SERVER_SILENT, /* far more SYNs than usual, and no SYN-ACK */
	VERDICT_FLASH_CROWD,   /* completions rise with the SYNs: no alarm */
	VERDICTS
};

enum silent_kind {
	SILENT_NO_ANSWER,
	SILENT_REFUSING,
	SILENT_OVERFLOW, /* the accept queue is full; where it cannot be asked: it answers some */
	SILENT_KINDS
};

#endif
