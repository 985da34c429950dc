# SPDX-License-Identifier: GPL-2.0-only
"""Floods in captures: what is told of each, once, of whom; and what is not told."""
import re

import pytest

import floods
from conftest import read
from floods import SERVER


def told(capture, data, *options):
    reading = read(capture(data), "-j", "-e", "flood,silent", *options)
    assert (reading.status, reading.messages) == (0, "")
    return reading.events


def phases(events, kind="flood"):
    return [event["phase"] for event in events if event["event"] == kind and event["phase"] != "update"]


def check_one(events, verdict, server_ip, **fields):
    """One flood from start to end, found at once, and always of the same."""
    assert phases(events) == ["start", "end"], events
    start, end = events[0], events[-1]
    for event in events:
        assert (event["server_ip"], event.get("server_port"), event.get("server_prefix")) == (
            server_ip, fields.get("server_port"), fields.get("server_prefix"))
    assert end["verdict"] == verdict
    assert start["duration_ns"] <= 2 * 10**9 and "syn_total" not in start
    assert end["duration_ns"] > 2 * 10**9 and end["peak_syn_rate"] >= start["syn_rate"] // 2
    return start, end


def test_spoofed(capture):
    events = told(capture, floods.capture(floods.beside(4), floods.syns(3000, 4, [SERVER])))
    start, end = check_one(events, "spoofed", *SERVER[:1], server_port=SERVER[1])
    assert 10 <= start["usual_rate"] <= 30
    assert 8000 < end["syn_total"] < 13000
    assert 5000 < end["sources"] < 13000
    updates = [event for event in events if event["phase"] == "update"]
    assert all(b["time"][:19] != a["time"][:19] for a, b in zip(updates, updates[1:]))  # one a second
    assert "cookies_sent" not in end  # of a capture no kernel tells


def test_real_hosts(capture):
    events = told(capture, floods.capture(floods.beside(6), floods.repeated_by_real_hosts(20, 600, 6)))
    check_one(events, "real_hosts", *SERVER[:1], server_port=SERVER[1])
    assert any(event.get("sources", 0) and event["sources"] < 200 for event in events if event["phase"] == "update")


def test_sweep_of_ports_is_one_flood(capture):
    swept = [("10.0.0.2", port) for port in range(1, 1000)]
    check_one(told(capture, floods.capture(floods.beside(4), floods.syns(5000, 4, swept))), "spoofed", "10.0.0.2")


def test_carpet_is_one_flood(capture):
    swept = [(f"10.0.7.{host}", 80) for host in range(1, 255)]
    check_one(told(capture, floods.capture(floods.beside(4), floods.syns(5000, 4, swept))), "spoofed", "10.0.7.0",
              server_prefix=24)


def test_everything_at_once(capture):
    """Every port of every address of a prefix: more services than there are rows."""
    swept = [(f"10.0.7.{host}", port) for host in range(1, 101) for port in range(1, 201)]
    check_one(told(capture, floods.capture(floods.beside(4), floods.syns(5000, 4, swept))), "spoofed", "10.0.7.0",
              server_prefix=24)


def test_silent_server(capture):
    """Asked as often as ever, and no answer any more; then it answers again."""
    frames = floods.capture(floods.usual(floods.CALM), floods.unanswered(10, floods.USUAL),
                            floods.usual(10, begin=floods.later(floods.BEGIN, 11), network="10.7"))
    events = told(capture, frames)
    assert phases(events) == []
    assert [(event["phase"], event["kind"]) for event in events] == [("start", "no_answer"), ("end", "no_answer")]
    assert {(event["server_ip"], event["server_port"]) for event in events} == {SERVER}
    assert 8 * 10**9 < events[-1]["duration_ns"] < 13 * 10**9


def test_flash_crowd_is_told_to_who_asks(capture):
    crowd = floods.capture(floods.beside(10), floods.usual(10, 800, floods.BEGIN, network="10.7"))
    assert told(capture, crowd) == []
    reading = read(capture(crowd), "-j", "-v", "-e", "flood,silent")
    assert [(event["phase"], event["verdict"]) for event in reading.events] == [
        ("start", "flash_crowd"), ("end", "flash_crowd")]


def test_one_sided_view_says_nothing_of_answers(capture):
    syns = [frame for frame in floods.beside(4) + floods.syns(3000, 4, [SERVER], answered=False)
            if frame.data[26:30] != bytes((10, 0, 0, 2))]
    events = told(capture, floods.capture(syns), "--view", "one-sided")
    assert phases(events) == ["start", "end"]
    assert {event["verdict"] for event in events} <= {"spoofed", "real_hosts"}


@pytest.mark.parametrize("count", [1, 2])
def test_count_stops_at_floods_too(capture, count):
    events = told(capture, floods.capture(floods.beside(4), floods.syns(3000, 4, [SERVER])), "-c", str(count))
    assert len(events) == count


def test_every_event_is_in_the_sums(capture):
    reading = read(capture(floods.capture(floods.beside(4), floods.syns(3000, 4, [SERVER]))), "-j", "-v")
    assert re.search("sums +all balance", reading.stderr)
    assert [event["seq"] for event in reading.events] == list(range(1, len(reading.events) + 1))
    suppressed = int(re.search(r"^    events_suppressed +(\d+)$", reading.stderr, re.M)[1])
    assert suppressed > 8000  # half-open: the flood's summaries stand for them


def test_bins_are_what_passed(capture, tmp_path, monkeypatch):
    path = tmp_path / "bins"
    monkeypatch.setenv("TCPSHAKE_BINS", str(path))
    told(capture, floods.capture(floods.beside(4), floods.syns(3000, 4, [SERVER])))
    bins = [line.split() for line in path.read_text().splitlines()]
    assert all(bin[1:3] == ["10.0.0.2", "80"] for bin in bins)
    legitimate = floods.USUAL * (floods.CALM + 4 + floods.AFTER)
    assert sum(int(bin[3]) for bin in bins) == legitimate + 12000
    assert sum(int(bin[5]) for bin in bins) == legitimate + 12000
    assert sum(int(bin[6]) for bin in bins) == legitimate
    ticks = [int(bin[0]) for bin in bins]
    assert ticks == sorted(set(ticks)) and ticks[0] == floods.wire.BEGIN_NS // 10**8 + 1
