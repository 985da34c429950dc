# SPDX-License-Identifier: GPL-2.0-only
"""
Floods by live frames, as fast as this machine makes them (flood.c).

TCPSHAKE_FLOOD_SECONDS is how long each lasts; what is asserted depends neither on
it nor on the rate reached, which is printed.
"""
import os

import pytest

from flooding import FLOOD, MODES, flood, take_redirected
from lab import Lab

SECONDS = float(os.environ.get("TCPSHAKE_FLOOD_SECONDS", "1"))
NOBODY = ["10.2.77.1", "fd00::2:4d01"]  # on the link; the server's stack answers neither

pytestmark = pytest.mark.skipif(not os.path.exists(FLOOD), reason=f"{FLOOD} is not built")


@pytest.fixture
def lab():
    with Lab() as made:
        take_redirected(made.server, "s0")
        yield made


@pytest.mark.parametrize("kind", MODES)
def test_every_packet_is_counted(lab, mode, kind, tmp_path):
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("-e", "flood,silent,loss", mode=mode, stdout=file)
        sent = flood(lab, NOBODY, mode=kind, seconds=SECONDS)
        watch.stop()
    print(f"{kind}, {mode}: {sent['rate']:,.0f}/s")
    counters = watch.counters
    of_flood = counters["packets"] - counters["not_tcp"]  # neighbour discovery is about
    assert of_flood == sent["delivered"] > 0
    if kind in ("syn", "scan"):
        assert counters["handshakes_started"] == sent["delivered"]
    elif kind == "pair":
        if not sent["dropped"]:
            of_family = (sent["sent"] + 1) // 2, sent["sent"] // 2
            assert counters["handshakes_started"] == sum((count + 1) // 2 for count in of_family)
        assert counters["handshakes_completed"] == 0, "a forged ACK proves nothing"
    assert counters["begun_by_handshake"] == counters["begun_by_adoption"] == 0
