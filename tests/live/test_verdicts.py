# SPDX-License-Identifier: GPL-2.0-only
"""
What is behind many SYNs, or behind none answered: the right verdict, each time.

TCPSHAKE_VERDICTS: how often each scenario is played (make verdicts: 20 times).
"""
import datetime
import os
import socket

import pytest

from flooding import FLOOD, Connections, Flood, answer_everyone, take_redirected
from lab import BINARY, Lab, brief, run, until

TIMES = int(os.environ.get("TCPSHAKE_VERDICTS", "1"))
HOSTS = 50
USUAL = 50  # connections a second before trouble begins
V4 = socket.AF_INET

pytestmark = [pytest.mark.skipif(not os.path.exists(FLOOD), reason=f"{FLOOD} is not built"),
              pytest.mark.skipif(os.path.exists(BINARY) and "--flood-" not in run(BINARY, "--help").stdout,
                                 reason="this tcpshake tells no floods yet")]

again = pytest.mark.parametrize("time", range(1, TIMES + 1))


@pytest.fixture
def lab():
    with Lab(addresses=HOSTS) as made:
        take_redirected(made.server, "s0")
        for host in (made.client, made.server):
            host.sysctl("net.core.somaxconn", 65535)
        made.server.sysctl("net.ipv4.tcp_synack_retries", 2)
        answer_everyone(made)
        yield made


def seconds(event):
    return datetime.datetime.fromisoformat(event["time"][:26]).timestamp()


class Service:
    """A listener that is watched, with its usual traffic."""

    def __init__(self, lab, rate=USUAL, seconds=4, options=()):
        self.lab = lab
        self.watch = lab.watch("-e", "flood,silent,loss", *options)
        self.listener = lab.listen(V4, backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.clients = Connections(lab, self.listener, rate, HOSTS) if rate else None
        if rate:
            until(lambda: len(self.clients.opened) >= rate * seconds, "the usual connections", 10 * seconds)

    @property
    def named(self):
        return {"server_ip": self.lab.server_ip(V4), "server_port": self.port}

    def told(self, *kinds):
        return [event for event in self.watch.events if event["event"] in kinds]

    def expect(self, event, patience=30, **fields):
        return self.watch.expect(event, patience=patience, **self.named, **fields)

    def stop(self):
        """The run's end. Returns its flood and silent events."""
        self.watch.stop()
        return self.told("flood", "silent")


def check_flood(service, verdict):
    """One flood, of the right service and with a right verdict at the end, that ended."""
    told = service.stop()
    assert {event["event"] for event in told} == {"flood"}, [brief(event) for event in told]
    assert [event["phase"] for event in told if event["phase"] != "update"] == ["start", "end"]
    assert all({key: event[key] for key in service.named} == service.named for event in told)
    assert told[-1]["verdict"] == verdict, [brief(event) for event in told]
    updates = [seconds(event) for event in told if event["phase"] == "update"]
    assert all(b - a >= 0.99 for a, b in zip(updates, updates[1:])), updates
    return told


@again
def test_spoofed(lab, time):
    service = Service(lab)
    attack = Flood(lab, [lab.server_ip(V4)], port=service.port, seconds=4, pace=5000)
    service.expect("flood", phase="start")
    sent = attack.report()
    service.expect("flood", phase="end")
    service.clients.stop()
    assert not service.clients.failed
    end = check_flood(service, "spoofed")[-1]
    assert 0.5 * sent["delivered"] < end["sources"] < 1.5 * sent["delivered"]
    assert end["completion_ratio"] < 0.5


@again
def test_real_hosts(lab, time):
    """Their SYN-ACKs do not get to them: they try again, each time after twice as long."""
    service = Service(lab, rate=0)
    lab.client.drop("tcp flags & (syn|ack) == syn|ack")
    clients = Connections(lab, service.listener, 600, HOSTS)
    service.expect("flood", phase="start")
    until(lambda: clients.begun > 3000, "enough of them", 60)
    clients.drop()
    service.expect("flood", phase="end", patience=60)
    end = check_flood(service, "real_hosts")[-1]
    assert HOSTS / 2 < end["sources"] < HOSTS * 2
    assert not clients.opened


@again
def test_flash_crowd(lab, time):
    """2,000 connections a second where there were few. -v may tell it, as what it is."""
    service = Service(lab)
    crowd = Connections(lab, service.listener, 2000, HOSTS, accepts=False)
    until(lambda: len(crowd.opened) > 10000, "the crowd", 120)
    crowd.stop()
    service.clients.stop()
    assert not crowd.failed and not service.clients.failed
    assert {event.get("verdict") for event in service.stop()} <= {"flash_crowd"}


@again
@pytest.mark.parametrize("kind", ["refusing", "no_answer"])
def test_server_stopped(lab, time, kind):
    """Closed, its host refuses for it; behind a firewall, nobody says anything."""
    service = Service(lab)
    if kind == "refusing":
        service.clients.stop_listening()
    else:
        dropped = lab.server.drop(f"tcp dport {service.port}")
    begin = service.watch.wait_for(lambda: service.told("silent", "flood"), "silent", 30)[0]
    assert (begin["event"], begin.get("kind"), begin["phase"]) == ("silent", kind, "start"), brief(begin)
    assert {key: begin[key] for key in service.named} == service.named
    if kind == "refusing":
        service.clients.listen_again()
    else:
        lab.server.pass_again(dropped)
    service.expect("silent", phase="end")
    service.clients.drop()
    told = service.stop()
    assert [(event["event"], event["kind"], event["phase"]) for event in told] == \
        [("silent", kind, "start"), ("silent", kind, "end")], [brief(event) for event in told]


@again
def test_accept_queue_full(lab, time):
    """Nobody accepts: the kernel drops SYNs, and the ACKs of SYN-ACKs. Until someone does."""
    service = Service(lab)
    service.clients.stop_accepting()
    begin = service.watch.wait_for(lambda: service.told("silent", "flood"), "silent", 30)[0]
    assert (begin["event"], begin.get("kind"), begin["phase"]) == ("silent", "overflow", "start"), brief(begin)
    assert {key: begin[key] for key in service.named} == service.named
    service.clients.accept_again()
    service.expect("silent", phase="end")
    service.clients.drop()
    told = service.stop()
    assert [(event["event"], event["kind"], event["phase"]) for event in told] == \
        [("silent", "overflow", "start"), ("silent", "overflow", "end")], [brief(event) for event in told]
