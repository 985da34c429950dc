# SPDX-License-Identifier: GPL-2.0-only
"""
A flood of spoofed SYNs, found, described and told once, while a real client connects.

What is compared are counts and times of packets and of what the detector was told, never the time
that anything took.
"""
import datetime
import socket
import time

from lab import lose_connection
from spoofing import Flood

RATE = 2000  # SYN/s: little for a machine, much for a service that is at rest
FOUND_WITHIN = 2  # seconds from the first SYN to the tick that tells; 0.4 s where nothing else wants the CPUs
ENDED_WITHIN = 10 + 2  # the quiet seconds that it waits for, and as much
HEARD_OF = 4  # seconds of connections: how long a handshake takes here is known


def seconds(event):
    """Of an event's time, since 1970."""
    text = event["time"].rstrip("Z")[:26]
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()


def be_heard_of(lab, listener, watch):
    """Connections, one after another. Returns their flows."""
    flows = []

    def span():
        opens = [seconds(event) for event in watch.events if event["event"] == "open"]
        return len(opens) >= 10 and opens[-1] - opens[0] > HEARD_OF

    while not span():
        flows.append(lab.pair(socket.AF_INET, listener)[2])
        watch.expect("open", flows[-1])
        time.sleep(HEARD_OF / 20)  # their pace
    return flows


def phases(watch, phase):
    return [event for event in watch.events if event["event"] == "flood" and event["phase"] == phase]


def test_a_spoofed_flood_is_told_once_and_a_client_meanwhile(lab, mode):
    listener = lab.listen(socket.AF_INET, backlog=1024)
    port = listener.getsockname()[1]
    watch = lab.watch("--half-open-after", "1", "--give-up-after", "3", mode=mode)
    usual = be_heard_of(lab, listener, watch)
    flood = Flood(lab, [port])
    start = watch.wait_for(lambda: phases(watch, "start"), "the start of the flood")[0]
    assert (start["server_ip"], start["server_port"]) == (lab.server_ip(socket.AF_INET), port)
    # of the SYN-ACKs those that come late would make the verdict of a slow machine another
    assert start["verdict"] in ("spoofed", "server_silent")
    assert 0 < seconds(start) - flood.began < FOUND_WITHIN, (seconds(start), flood.began)
    print(f"found {seconds(start) - flood.began:.2f} s after the first SYN")
    update = watch.wait_for(lambda: phases(watch, "update")[2:], "three updates")[-1]
    client, server, flow = lab.pair(socket.AF_INET, listener)
    lose_connection(client)
    watch.wait_for(lambda: [e for e in watch.events if e["event"] == "close" and
                            e["client_port"] == flow.client_port], "the client's close")
    flood.stop()
    end = watch.wait_for(lambda: phases(watch, "end"), "the end of the flood", 60)[0]
    assert seconds(end) - flood.ended < ENDED_WITHIN, (seconds(end), flood.ended)
    assert abs(end["duration_ns"] / 1e9 - (flood.ended - flood.began)) < FOUND_WITHIN
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
    assert watch.counters["handshakes_started"] == flood.sent + len(usual) + 1
    assert len(strangers) + watch.counters["events_suppressed"] >= flood.sent
    # deadlines are found within a second, and those found after the end are told again
    between = [event for event in strangers if seconds(start) + 0.2 < seconds(event) < seconds(end) - 1.5]
    assert not [event for event in between if event["event"] == "half_open"]
    # a beginning that was told has its end, too
    begun = {event["client_port"] for event in strangers if event["event"] == "half_open"}
    assert {event["client_port"] for event in between} <= begun
