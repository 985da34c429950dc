# SPDX-License-Identifier: GPL-2.0-only
"""Who holds what lingers: against the processes themselves, and against `ss`."""
import os
import socket

import pytest

from lab import PATIENCE, until

V4, V6 = socket.AF_INET, socket.AF_INET6
SOON = ["--close-wait-after", "0.3", "--fin-wait-after", "0.3"]


def test_close_wait_is_held_by_us(lab, family, mode):
    watch = lab.watch(*SOON, mode=mode)
    client, server, flow = lab.pair(family)
    client.sendall(b"x" * 1234)
    client.shutdown(socket.SHUT_WR)
    event = watch.expect("linger", flow, phase="start", state="CLOSE_WAIT", holder="server")
    print(event, watch.errors)
    assert event["pid"] == os.getpid()
    server.close()
    event = watch.expect("linger", flow, phase="end", state="CLOSE_WAIT")
    print(event)
    watch.stop()
