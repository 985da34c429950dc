# SPDX-License-Identifier: GPL-2.0-only
"""
Nothing lost, nothing invented: as many connections as the machine makes.

traffic.c makes them and keeps a tally of what its sockets said. Counters must
equal that tally and the kernels' own; events and told losses together must
equal the counters, also when the ring buffer is one page, tcpshake is stopped
or nobody reads what it prints; with tables that are too small, what was not
followed must be counted, to the last one.
"""
import collections
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from frames import SYN, ethernet, packet
from lab import ROOT, Lab, field, until
from service import read_metrics, wait_metrics

TRAFFIC = os.path.join(os.environ.get("TCPSHAKE_BUILD", os.path.join(ROOT, "build")), "live", "traffic")
COUNT = int(os.environ.get("TCPSHAKE_VOLUME", "100000"))
STOPPED = float(os.environ.get("TCPSHAKE_STOPPED", "5"))
ADDRESSES = 32  # 32 x 32 pairs of addresses: ports enough while they wait 60 s each

pytestmark = pytest.mark.skipif(not os.path.exists(TRAFFIC), reason=f"{TRAFFIC} is not built")


@pytest.fixture
def lab():
    with Lab(addresses=ADDRESSES) as made:
        for host in (made.client, made.server):
            host.sysctl("net.core.somaxconn", 65535)
            # With it, a FIN that comes in one batch with the third ACK is handed to the request that this ACK
            # turns into a socket, and makes another: thrown away at once, but it has been counted in PassiveOpens.
            host.sysctl("net.ipv4.tcp_early_demux", 0)
        yield made


class Traffic:
    def __init__(self, lab, count=COUNT, at_once=100, held=0, rate=0):
        self.lab = lab
        self.before = lab.client.netstat(), lab.server.netstat()
        self.process = subprocess.Popen([TRAFFIC, lab.client.name, lab.server.name, str(count), str(at_once),
                                         str(ADDRESSES), str(held), str(rate)], stdout=subprocess.PIPE, text=True)
        lab.stack.callback(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def tally(self):
        """Once all is over, on the wire too: its own tally, which must agree with the kernels'."""
        output, _ = self.process.communicate(timeout=300)
        assert self.process.returncode == 0
        tally = json.loads(output)
        until(lambda: not any(set(host.sockets().values()) - {"TIME_WAIT"}
                              for host in (self.lab.client, self.lab.server)), "the last sockets to close", 30)
        assert tally["failed"] == 0 and tally["accepted"] == tally["opened"]
        assert tally["opened"] + tally["refused"] == tally["started"]
        assert tally["fin"] + tally["reset"] == tally["opened"]
        assert self.moved(0, "TcpActiveOpens") == tally["started"]
        assert self.moved(1, "TcpPassiveOpens") == tally["opened"]
        return tally

    def moved(self, side, name):
        host = (self.lab.client, self.lab.server)[side]
        return host.netstat()[name] - self.before[side][name]


def check_counters(watch, tally):
    counters = watch.counters
    told = {name: counters[name] for name in (
        "handshakes_started", "handshakes_completed", "handshakes_refused", "begun_by_handshake", "connections_fin",
        "connections_reset", "time_wait_entered")}
    assert told == {"handshakes_started": tally["started"], "handshakes_completed": tally["opened"],
                    "handshakes_refused": tally["refused"], "begun_by_handshake": tally["opened"],
                    "connections_fin": tally["fin"], "connections_reset": tally["reset"],
                    "time_wait_entered": tally["fin"]}
    nothing = [name for name in counters if re.match("handshakes_(?!started|completed|refused)|connections_(?!fin|reset)"
                                                     "|begun_refused|begun_by_adoption|time_wait_evicted", name)]
    assert not nothing, {name: counters[name] for name in nothing}


def lost_by_summary(watch):
    """What the summary says: (in the ring buffer, at the output)."""
    line = next(line for line in watch.summary if line.startswith("  events"))
    match = re.search(r"\(([\d,]+) in the ring buffer, ([\d,]+) at the output\)", line)
    return tuple(int(number.replace(",", "")) for number in match.groups()) if match else (0, 0)


def check_events(watch, events):
    """Events and told losses together are all that was made, and the numbers skip by just what was lost."""
    told = collections.Counter()
    for event in events:
        if event["event"] == "loss":
            told[event["what"]] += event["count"]
    assert (told["events_ring"], told["events_output"]) == lost_by_summary(watch)
    lost = told["events_ring"] + told["events_output"]
    assert len(events) + lost + watch.counters["events_suppressed"] == watch.sums["events made"][0]
    numbers = [event["seq"] for event in events]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == len(events) + lost
    return lost


def read_events(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def kinds(events):
    return collections.Counter(event["event"] for event in events)


@pytest.mark.parametrize("mode", ["native", "tc", "generic"])
def test_every_connection_is_counted_and_told(lab, mode, tmp_path):
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("--memory", "512M", "-e", "open,half_open,close,loss", mode=mode, stdout=file)
        tally = Traffic(lab, COUNT if mode != "generic" else COUNT // 5).tally()
        watch.stop()
    check_counters(watch, tally)
    events = read_events(tmp_path / "events")
    assert kinds(events) == {"open": tally["opened"], "close": tally["started"]}
    how = collections.Counter(event["how"] for event in events if event["event"] == "close")
    assert how == {"fin": tally["fin"], "reset": tally["reset"], "refused": tally["refused"]}
    by = collections.Counter((event["server_port"] - 7000, event["how"], event.get("by")) for event in events
                             if event["event"] == "close")
    assert by[0, "fin", "client"] == tally["client_closes"] and by[1, "fin", "server"] == tally["server_closes"]
    assert by[2, "reset", "client"] == tally["client_resets"] and by[3, "reset", "server"] == tally["server_resets"]
    assert by[5, "fin", "client"] == tally["half_close"]
    assert {(field(event, "client_bytes"), field(event, "server_bytes")) for event in events
            if event["event"] == "close" and event["server_port"] == 7005} == {(32, 3000)}
    # each has one open, and one close after it
    open_now = collections.Counter()
    for event in events:
        flow = tuple(event[name] for name in ("client_ip", "client_port", "server_ip", "server_port"))
        if event["event"] == "open":
            open_now[flow] += 1
        elif event["opened"]:
            open_now[flow] -= 1
    assert not +open_now and not -open_now


def test_a_ring_of_one_page(lab, tmp_path):
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("--memory", "512M", stdout=file, environment={"TCPSHAKE_RING_PAGES": "1"})
        tally = Traffic(lab, COUNT // 2).tally()
        watch.stop()
    check_counters(watch, tally)
    lost = check_events(watch, read_events(tmp_path / "events"))
    assert lost > 0, "nothing overflowed: this has tested nothing"


def test_a_stopped_consumer(lab, tmp_path):
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("--memory", "512M", stdout=file)
        traffic = Traffic(lab, COUNT // 2)
        watch.signal(signal.SIGSTOP)
        traffic.process.wait(120)  # stopped for as long as there is traffic
        watch.signal(signal.SIGCONT)
        tally = traffic.tally()
        watch.stop()
    check_counters(watch, tally)
    lost = check_events(watch, read_events(tmp_path / "events"))
    assert lost > 0, "nothing overflowed: this has tested nothing"


def unaccounted(metrics):
    """Events that were made and are neither told nor counted as lost: those on their way in the ring."""
    made = metrics["tcpshake_events_made_total"] + metrics["tcpshake_events_own_total"]
    ends = ("filtered", "suppressed", "lost_in_ring", "lost_at_output", "written")
    return made - sum(metrics[f"tcpshake_events_{end}_total"] for end in ends) - metrics["tcpshake_events_queued"]


def versions_of(path, over):
    """Each version of a metrics file, and the longest time between two of them."""
    versions, longest, since = [read_metrics(path)], 0, time.monotonic()
    while not over():
        time.sleep(0.01)
        metrics, now = read_metrics(path), time.monotonic()
        if metrics["tcpshake_last_update_timestamp_seconds"] != versions[-1]["tcpshake_last_update_timestamp_seconds"]:
            versions.append(metrics)
            longest, since = max(longest, now - since), now
    return versions, max(longest, time.monotonic() - since)


def test_a_reader_that_does_not_read(lab, tmp_path):
    """Its own events are lost, by number; nothing else is, and the metrics keep their rhythm."""
    path, interval, rate = tmp_path / "x.prom", 0.2, 2000
    watch = lab.watch("--memory", "512M", "--textfile", str(path), "--interval", str(interval),
                      "-e", "open,half_open,close,loss")
    wait_metrics(path)
    watch.paused.clear()
    traffic = Traffic(lab, int(rate * STOPPED), rate=rate)
    versions, longest = versions_of(path, lambda: traffic.process.poll() is not None)
    tally = traffic.tally()
    assert longest < 2 and len(versions) > 0.8 * STOPPED / interval, (longest, len(versions))
    # it still does not read, and all has been counted
    last = wait_metrics(path, lambda m: m["tcpshake_connections_fin_total"] + m["tcpshake_connections_reset_total"]
                        == tally["opened"] and not unaccounted(m))
    assert last["tcpshake_handshakes_started_total"] == tally["started"]
    assert last["tcpshake_events_made_total"] == tally["opened"] + tally["started"]
    assert last["tcpshake_events_lost_in_ring_total"] == 0
    lost = last["tcpshake_events_lost_at_output_total"]
    assert lost > 0, "nothing overflowed: this has tested nothing"
    most = max(unaccounted(metrics) for metrics in versions)
    print(f"{tally['started']} connections in {tally['seconds']} s, {len(versions)} versions of the metrics, the longest"
          f" wait {longest:.2f} s; events: {last['tcpshake_events_made_total']:.0f} made, {lost:.0f} lost,"
          f" at most {most:.0f} on their way")
    watch.paused.set()
    assert watch.expect("loss", patience=60)["what"] == "events_output"
    watch.stop()
    check_counters(watch, tally)
    told = [event["count"] for event in watch.events if event["event"] == "loss"]
    assert told == [lost] == [check_events(watch, watch.events)]


@pytest.mark.parametrize("mode", ["native", "tc"])
def test_too_small_a_connection_table(lab, mode, tmp_path):
    """Thousands stay open beside the others: what finds no room is counted and told."""
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("--memory", "2M", mode=mode, stdout=file)
        tally = Traffic(lab, COUNT // 4, held=6000).tally()
        watch.stop()
    counters = watch.counters
    assert counters["handshakes_started"] == tally["started"]
    assert counters["handshakes_completed"] == tally["opened"]
    assert counters["handshakes_refused"] == tally["refused"]
    not_followed = counters["begun_refused_table_full"]
    assert not_followed > 0, "there was room: this has tested nothing"
    assert counters["begun_by_handshake"] + not_followed == tally["opened"]
    events = read_events(tmp_path / "events")
    check_events(watch, events)
    # one that found no room may be taken up by its second FIN, once its tombstone is evicted too: that one stays
    left = [event for event in events if event["event"] == "close" and event["how"] == "end_of_run"]
    assert all(event.get("adopted") for event in left), left
    ended = counters["connections_fin"] + counters["connections_reset"] + counters["connections_evicted"]
    assert ended + len(left) - counters["begun_by_adoption"] + not_followed == tally["fin"] + tally["reset"]
    assert sum(event["count"] for event in events if event.get("what") == "connections_refused") == \
        not_followed + counters["adoptions_refused_table_full"]
    assert kinds(events)["open"] == tally["opened"]


def ended(counters):
    return counters["handshakes_evicted"] + counters["handshakes_timed_out"]


@pytest.mark.parametrize("mode", ["native", "tc"])
def test_too_small_a_pending_table(lab, mode, tmp_path):
    """SYNs that nobody answers, more than there is room for; and true clients among them."""
    count = 20000
    sender = lab.own(lab.client.packet_socket("c0"))
    with open(tmp_path / "events", "w") as file:
        watch = lab.watch("--memory", "1M", "--half-open-after", "0", "--give-up-after", "1", mode=mode, stdout=file)
        listener = lab.listen(socket.AF_INET, backlog=1000)
        opened = 0
        for n in range(count):
            content = packet((f"192.0.2.{n >> 14}", 1024 + (n & 16383)), ("198.51.100.1", 80), SYN, n * 7919)
            sender.send(ethernet(lab.server_mac, lab.client_mac, content))
            if n % 100 == 0:
                lab.client_socket(socket.AF_INET).connect(listener.getsockname())
                opened += 1
        until(lambda: ended(watch.ask()) == count, "the SYNs to be given up", 20)
        watch.stop()
    counters = watch.counters
    assert counters["handshakes_started"] == count + opened
    assert counters["handshakes_completed"] == opened
    assert counters["handshakes_evicted"] > 0, "there was room: this has tested nothing"
    assert counters["events_suppressed"] == counters["handshakes_evicted"], "of these a loss tells"
    assert ended(counters) == count
    events = read_events(tmp_path / "events")
    check_events(watch, events)
    assert sum(event["count"] for event in events if event.get("what") == "pending_evicted") == \
        counters["handshakes_evicted"]
    assert kinds(events)["open"] == opened
