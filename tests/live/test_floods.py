# SPDX-License-Identifier: GPL-2.0-only
"""
A flood of spoofed SYNs, found, described and told once, while a real client connects.

The sender is paced by the clock, so that a slow machine sends later and not
less; what is compared are counts and times of packets, never the time it took.
"""
import datetime
import socket
import struct
import threading
import time

from frames import SYN, ethernet, packet
from lab import lose_connection

RATE = 2000  # SYN/s: little for a machine, much for a service that is at rest


FOUND_WITHIN = 8  # seconds


class Flood:
    """SYNs from addresses of 198.18.0.0/15, each once, to these ports, until stopped."""

    def __init__(self, lab, ports, rate=RATE):
        self.out = lab.own(lab.client.packet_socket(lab.client_device))
        self.lab, self.ports, self.rate = lab, ports, rate
        self.sent, self.began, self.ended = 0, None, None
        self.stopping = threading.Event()
        # the answers go to the client, who is not those addresses and is not to reset what they began
        lab.server.ip("route", "add", "198.18.0.0/15", "via", lab.client_ip(socket.AF_INET))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def frame(self, number):
        source = socket.inet_ntoa(struct.pack(">I", 0xC6120000 + number % (1 << 17)))
        content = packet((source, 1024 + number % 60000), (self.lab.server_ip(socket.AF_INET),
                                                           self.ports[number % len(self.ports)]), SYN, number)
        return ethernet(self.lab.server_mac, self.lab.client_mac, content)

    def run(self):
        start = time.monotonic()
        self.began = time.time()
        while not self.stopping.wait(0.005):
            due = int((time.monotonic() - start) * self.rate)
            for number in range(self.sent, min(due, self.sent + self.rate // 10)):
                self.out.send(self.frame(number))
                self.sent += 1
        self.ended = time.time()

    def stop(self):
        self.stopping.set()
        self.thread.join()


def seconds(event):
    """Of an event's time, since 1970."""
    text = event["time"].rstrip("Z")[:26]
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()


def phases(watch, phase):
    return [event for event in watch.events if event["event"] == "flood" and event["phase"] == phase]


def test_a_spoofed_flood_is_told_once_and_a_client_meanwhile(lab, mode):
    listener = lab.listen(socket.AF_INET, backlog=1024)
    port = listener.getsockname()[1]
    watch = lab.watch("--half-open-after", "1", "--give-up-after", "3", mode=mode)
    usual = [lab.pair(socket.AF_INET, listener)[2] for _ in range(5)]
    flood = Flood(lab, [port])
    start = watch.wait_for(lambda: phases(watch, "start"), "the start of the flood")[0]
    assert (start["server_ip"], start["server_port"]) == (lab.server_ip(socket.AF_INET), port)
    # of the SYN-ACKs those that come late would make the verdict of a slow machine another
    assert start["verdict"] in ("spoofed", "server_silent")
    assert seconds(start) - flood.began < FOUND_WITHIN, (seconds(start), flood.began)
    update = watch.wait_for(lambda: phases(watch, "update")[2:], "three updates")[-1]
    client, server, flow = lab.pair(socket.AF_INET, listener)
    lose_connection(client)
    watch.wait_for(lambda: [e for e in watch.events if e["event"] == "close" and
                            e["client_port"] == flow.client_port], "the client's close")
    flood.stop()
    end = watch.wait_for(lambda: phases(watch, "end"), "the end of the flood", 60)[0]
    assert len(phases(watch, "start")) == len(phases(watch, "end")) == 1
    assert update["verdict"] == end["verdict"] == "spoofed"
    assert {top["prefix"].split(".")[0] for top in update.get("top_sources", [])} <= {"198"}
    assert update["sources"] > 1000 and end["sources"] <= flood.sent * 1.1
    assert flood.sent * 0.4 <= end["syn_total"] <= flood.sent + 10
    assert end["peak_syn_rate"] > RATE // 2
    opened = {event["client_port"] for event in watch.events if event["event"] == "open"}
    assert opened == {f.client_port for f in usual} | {flow.client_port}
    strangers = [e for e in watch.events if e["event"] in ("half_open", "close") and e["client_ip"].startswith("198.")]
    watch.stop()
    assert watch.counters["handshakes_started"] == flood.sent + 6
    assert len(strangers) + watch.counters["events_suppressed"] >= flood.sent
    # deadlines are found within a second, and those found after the end are told again
    between = [event for event in strangers if seconds(start) + 0.2 < seconds(event) < seconds(end) - 1.5]
    assert not [event for event in between if event["event"] == "half_open"]
    # a beginning that was told has its end, too
    begun = {event["client_port"] for event in strangers if event["event"] == "half_open"}
    assert {event["client_port"] for event in between} <= begun
    assert end["duration_ns"] > 2 * 10**9
