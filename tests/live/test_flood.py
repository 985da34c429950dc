# SPDX-License-Identifier: GPL-2.0-only
"""
Floods by live frames, as fast as this machine makes them (flood.c).

TCPSHAKE_FLOOD_SECONDS is how long each lasts (make floods: 20 s, and more of them); what is
asserted depends neither on it nor on the rate reached, which is printed (pytest -s).
"""
import collections
import datetime
import json
import os
import socket

import pytest

from flooding import (FLOOD, HOLD, MODES, NO_ONE, Connections, Flood, SlowLab, answer_everyone, cpu_seconds, flood,
                      resident_bytes, retention, take_redirected)
from lab import Flow, Lab, until

SECONDS = float(os.environ.get("TCPSHAKE_FLOOD_SECONDS", "0.5"))
SHORT = SECONDS < 2
NOBODY = ["10.2.77.1", "fd00::2:4d01"]  # on the link; the server's stack answers neither
RATE = 200
ADDRESSES = 4  # of real clients

pytestmark = pytest.mark.skipif(not (os.path.exists(FLOOD) and os.path.exists(HOLD)),
                                reason=f"{FLOOD} or {HOLD} is not built")


@pytest.fixture
def lab():
    with Lab() as made:
        take_redirected(made.server, "s0")
        yield made


@pytest.fixture
def slow_lab():
    with SlowLab(ADDRESSES) as made:
        yield made


@pytest.mark.parametrize("mode, kind", [("native", kind) for kind in MODES]
                         + [("tc", kind) for kind in (("syn", "scan") if SHORT else MODES)])
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


def test_forgeries_at_an_open_port(lab, mode, tmp_path):
    """The stack answers what it is told to, with SYN-ACKs, cookies and RSTs. None of it makes a connection."""
    answer_everyone(lab)
    lab.server.sysctl("net.ipv4.tcp_synack_retries", 1)
    listeners = [lab.listen(family, port=8080) for family in (socket.AF_INET, socket.AF_INET6)]
    delivered = {}
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("-e", "flood,silent,loss", "--give-up-after", "4", mode=mode, stdout=file)
        for n, kind in enumerate(MODES):
            delivered[kind] = flood(lab, [sock.getsockname()[0] for sock in listeners], mode=kind, port=8080,
                                    count=20000, first=n * 20000)["delivered"]
        until(lambda: settled(watch), "the tables to be empty", 30)
        watch.stop()
    counters = watch.counters
    assert counters["packets"] >= sum(delivered.values())
    assert counters["handshakes_started"] >= delivered["syn"] + delivered["scan"]
    assert counters["handshakes_completed"] == counters["begun_by_handshake"] == counters["begun_by_adoption"] == 0


def read_events(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def flows(events, kind, **fields):
    return [Flow(*(event[name] for name in Flow._fields)) for event in events
            if event["event"] == kind and all(event.get(key) == value for key, value in fields.items())]


class Rhythm:
    """When the metrics file was written."""

    def __init__(self, path):
        self.path, self.written = path, []

    def look(self):
        stamp = os.stat(self.path).st_mtime
        if not self.written or stamp != self.written[-1]:
            self.written.append(stamp)

    def gap(self):
        return max(b - a for a, b in zip(self.written, self.written[1:]))


def lost_events(events):
    return sum(event["count"] for event in events if event.get("what", "").startswith("events"))


def seconds(event):
    return datetime.datetime.fromisoformat(event["time"][:26] + "+00:00").timestamp()


def settled(watch):
    """All that was begun is over, and nothing is watched any more."""
    watch.ask()
    sums = watch.sums
    return sums["watch filter"] == (0, 0) and "0 unfinished" in "".join(watch.summary)


@pytest.mark.parametrize("mode, answered", [("native", False), ("tc", True)]
                         + ([] if SHORT else [("native", True), ("tc", False)]))
def test_real_connections_beside_a_flood(slow_lab, mode, answered, tmp_path):
    """Each real connection to the service under attack is told, though its handshake takes 0.2 s.

    Unanswered: the SYNs are for another MAC, so tcpshake sees them and the stack does not; that is the fastest.
    """
    lab, textfile = slow_lab, tmp_path / "tcpshake.prom"
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("--give-up-after", "5", "--half-open-after", "3", "--textfile", str(textfile), "--interval", "1", mode=mode,
                          stdout=file)
        listener = lab.listen(socket.AF_INET, backlog=4096)
        before = [lab.pair(socket.AF_INET, listener) for _ in range(20)]
        clients = Connections(lab, listener, RATE, ADDRESSES)
        until(lambda: len(clients.opened) > RATE / 2, "the first connections")
        until(textfile.exists, "the metrics")
        rhythm, pid = Rhythm(textfile), watch.process.pid
        cpu, resident = cpu_seconds(pid), resident_bytes(pid)
        attack = Flood(lab, [lab.server_ip(socket.AF_INET)], mac=None if answered else NO_ONE,
                       port=listener.getsockname()[1], seconds=SECONDS + 2)
        until(lambda: rhythm.look() or attack.process.poll() is not None, "the end of the flood", 60)
        cpu, resident = cpu_seconds(pid) - cpu, resident_bytes(pid) - resident
        opened = clients.stop()
        sent = attack.report()
        for client, server, flow in before:
            assert client.send(b"still") == 5 and server.recv(9) == b"still"
            client.close()
            server.close()
        until(lambda: settled(watch), "the tables to be empty", 30)
        held = lab.held()
        watch.stop()
    events = read_events(tmp_path / "events")
    print(f"{mode}, {'' if answered else 'un'}answered: {sent['rate']:,.0f} SYN/s, {len(opened)} connections; "
          f"the ring remembers {retention(watch, sent['rate']):.2f} s, {watch.counters['handshakes_evicted']:,} evicted; "
          f"{cpu / sent['delivered'] * 1e6:.3f} s of CPU a million SYNs, {resident / 2**10:+.0f} KiB, {lost_events(events)} events lost before the flood was found, "
          f"metrics every {rhythm.gap():.1f} s at the latest; {held['passed']} frames held")
    assert rhythm.gap() < 4
    assert resident < 8 << 20  # the pages of the two queues of events, once each
    # what it costs to be there at all, and what the flood costs
    assert cpu < 0.03 * (rhythm.written[-1] - rhythm.written[0] + 1) + 0.15 * sent["delivered"] / 1e6
    assert not clients.failed
    floods = [event for event in events if event["event"] == "flood"]
    assert floods[0]["phase"] == "start" and {event["server_port"] for event in floods} == {listener.getsockname()[1]}
    real = opened + [flow for _, _, flow in before]
    lost = lost_events(events)
    others = collections.Counter(event["event"] for event in events)
    for told in flows(events, "open"), flows(events, "close", opened=True, how="fin"):
        assert len(set(told)) == len(told) and set(told) <= set(real)
        missing = set(real) - set(told)
        # each SYN is an event until the flood is found: what the ring buffer cannot take then is told as lost
        assert len(missing) <= lost
        assert not [flow for flow in missing if clients.opened_at.get(flow, 0) > seconds(floods[0]) + 1]
    assert len([event for event in events if seconds(event) > seconds(floods[0]) + 1]) < 10 * (rhythm.written[-1] - seconds(floods[0]) + 12) + \
        2 * len(real), others
    counters, real = watch.counters, len(real)
    # the device's count of what found its queue full has the forwarder's frames in it
    assert 0 <= counters["handshakes_started"] - sent["delivered"] - real <= held["lost"]
    assert counters["handshakes_completed"] == counters["begun_by_handshake"] == counters["connections_fin"] == real
    assert counters["handshakes_timed_out"] + counters["handshakes_evicted"] == counters["handshakes_started"] - real
    # with SYN cookies a connection may end twice for the server, and its stray segments are pending, too
    assert sum(event["count"] for event in events if event.get("what") == "pending_evicted") == \
        counters["handshakes_evicted"] + counters["adoptions_evicted"]
    assert counters["begun_by_adoption"] == 0
