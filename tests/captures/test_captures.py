# SPDX-License-Identifier: GPL-2.0-only
"""The project's own captures: the events of each, exactly. See script.py and make.py."""
import collections
import re

import pytest

import make
import wire
from conftest import read

SCRIPTS = make.scripts()
PLAIN = make.plain_files()
ALL = make.captures()


FEW = 10  # of thousands


def counter(reading, name):
    """Of the summary of -v; what did not move is not in it."""
    found = re.search(rf"^    {name} +(\d+)$", reading.stderr, re.M)
    return int(found[1]) if found else 0


def told(reading):
    """The events without what numbers them."""
    assert (reading.status, reading.messages) == (0, "")
    events = reading.events
    assert [event.pop("seq") for event in events] == list(range(1, len(events) + 1))
    return events


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(capture, name):
    script = SCRIPTS[name]
    events = told(read(capture(make.of_script(script)), "-j"))
    for event, expected in zip(events, script.expected):
        assert event == expected
    assert events[len(script.expected):] == [] and script.expected[len(events):] == []


def plain_events(client, server):
    ends = {"schema": 1, "client_ip": client, "client_port": 40000, "server_ip": server, "server_port": 80}
    offers = {"%s_%s" % (side, word): False for side in ("client", "server") for word in ("sack", "timestamps", "ecn")}
    counts = dict.fromkeys(("server_syn", "client_synack", "client_rst", "server_rst", "duplicates", "challenge_acks",
                            "disproved"), 0)
    return [
        {**ends, **offers, "event": "open", "time": "2023-11-14T22:13:20.020000000Z", "kind": "three_way",
         "client_isn": 1000, "server_isn": 5000, "open_ns": 20 * 10**6, "syn_synack_ns": 10**7,
         "synack_ack_ns": 10**7, "client_syn": 1, "server_synack": 1},
        {**ends, **counts, "event": "close", "time": "2023-11-14T22:13:20.060000000Z", "how": "fin", "by": "client",
         "sequence": "three_way", "opened": True, "client_state": "TIME_WAIT", "server_state": "CLOSED",
         "time_wait": "client", "duration_ns": 60 * 10**6, "half_closed_ns": 10**7, "client_bytes": 5,
         "server_bytes": 0, "client_syn": 1, "server_synack": 1, "client_fin": 1, "server_fin": 1,
         "conn_state": "SF"},
    ]


@pytest.mark.parametrize("name", PLAIN)
def test_same_connection_in_every_format(capture, name):
    """Every link type and IP, both byte orders, all time units, several interfaces and sections, little captured."""
    ends = make.V6.values() if name.endswith("ipv6") else ("10.0.0.1", "10.0.0.2")
    assert told(read(capture(PLAIN[name]), "-j")) == plain_events(*ends)


@pytest.mark.parametrize("snap", range(0, 54))
def test_less_than_the_headers_was_captured(capture, snap):
    got = read(capture(wire.pcap(wire.plain_frames(), snap=snap)), "-j")
    assert (got.status, got.messages, got.events) == (0, "", [])
    assert re.search(r"packets +7: .*7 truncated", got.stderr)


def kinds_of(events):
    """How many of each: event, and how it ended or what it waited for."""
    return collections.Counter((event["event"], event.get("how", event.get("waiting_for", "")), event.get("conn_state"))
                               for event in events)


def test_flood_in(capture):
    """
    Ten seconds pass before the last ACK, so each SYN without one is half open, and has its close at the end: in
    so many words, or the flood's summaries stand for it.
    """
    reading = read(capture(ALL["flood-in"]), "-j", "-v")
    events, kinds = reading.events, kinds_of(reading.events)
    spoofed = make.FLOOD - make.FLOOD_REAL
    assert (kinds["open", "", None], kinds["close", "fin", "SF"]) == (make.FLOOD_REAL, make.FLOOD_REAL)
    assert kinds["half_open", "ack", None] < FEW
    spoken = kinds["half_open", "ack", None] + kinds["close", "end_of_capture", "S1"]
    assert spoken + counter(reading, "events_suppressed") == spoofed + 1 + spoofed
    floods = [event for event in events if event["event"] == "flood"]
    assert [floods[0]["phase"], floods[-1]["phase"]] == ["start", "end"]
    assert {(flood["server_ip"], flood.get("server_port"), flood["verdict"]) for flood in floods} == {
        (*make.FLOOD_SERVER, "spoofed")}
    late = [event for event in events if event["event"] == "open"][-1]
    assert (late["client_ip"], late["synack_ack_ns"]) == (make.stranger(1900), 10**10 - 10**5)


def test_flood_out(capture):
    events = told(read(capture(ALL["flood-out"]), "-j"))
    refused = make.FLOOD // 10 - make.FLOOD_REAL
    assert kinds_of(events) == {
        ("close", "refused", "REJ"): refused, ("close", "aborted", "RSTO"): make.FLOOD_REAL,
        ("close", "end_of_capture", "S0"): make.FLOOD - refused - make.FLOOD_REAL}


def test_flood_into_a_small_table(capture):
    """What does not fit is evicted, told and counted; who completes while it is remembered is not."""
    got = read(capture(make.flood_in(3 * make.FLOOD)), "-j", "--memory", "1M", "-v")
    assert counter(got, "handshakes_evicted") > 0
    assert counter(got, "handshakes_completed") == 3 * make.FLOOD_REAL
    assert re.search("sums +all balance", got.stderr)


@pytest.mark.parametrize("name", [name for name in ALL if name != "empty"])
def test_counters_balance(capture, name):
    got = read(capture(ALL[name]), "-q", "-v")
    assert got.status == 0
    assert re.search("sums +all balance", got.stderr)
