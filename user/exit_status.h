/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPSHAKE_EXIT_STATUS_H
#define TCPSHAKE_EXIT_STATUS_H

enum exit_status {
	STATUS_OK,
	STATUS_FAILED,	      /* while running */
	STATUS_USAGE,
	STATUS_NOT_PERMITTED,
	STATUS_CANNOT,	      /* kernel, driver or device */
	STATUS_INTERFACE_GONE, /* the last one */
};

#endif
