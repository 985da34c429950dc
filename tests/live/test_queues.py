# SPDX-License-Identifier: GPL-2.0-only
"""
Accept queues that are full, and what only looks like it.

That nothing is told is awaited by packets, not by time: until the host has dropped or the clients have
opened so many.
"""
import re
import socket
import threading

import pytest

from flooding import Connections
from lab import Lab, brief, lose_connection, until

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def lab():
    with Lab() as made:
        made.server.sysctl("net.core.somaxconn", 65535)
        yield made


def watched(lab, *options):
    return lab.watch("-e", "flood,silent,loss", *options)


def told(watch):
    return [event for event in watch.events if event["event"] in ("flood", "silent")]


def short(watch):
    return [(event["event"], event.get("kind"), event["phase"]) for event in told(watch)]


def overflows(lab):
    return lab.server.netstat()["TcpExtListenOverflows"]


OVERFLOW = [("silent", "overflow", "start"), ("silent", "overflow", "end")]


class SlowServer:
    """Accepts one connection after another, `rate` a second."""

    def __init__(self, lab, listener, rate):
        self.listener, self.pause = listener, 1 / rate
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        listener.setblocking(False)
        self.thread.start()
        lab.stack.callback(self.stop)

    def run(self):
        while not self.over.wait(self.pause):
            try:
                self.listener.accept()[0].close()
            except BlockingIOError:
                pass

    def stop(self):
        self.over.set()
        self.thread.join()


@pytest.mark.parametrize("family", [V4, V6], ids=["v4", "v6"])
def test_two_clients_a_second(lab, family):
    """So few that the packets alone would say nothing for half a minute; the listener is any address's."""
    watch = watched(lab)
    listener = lab.own(lab.server.socket(V6))
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", 0))
    listener.listen(2)
    port = listener.getsockname()[1]
    address = lab.server_ip(family)
    clients = []
    done = threading.Event()

    def ask():
        while not done.wait(0.5):
            clients.append(lab.begin(family, port)[0])

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    start = watch.wait_for(lambda: told(watch), "its start", 60)[0]
    assert (start["server_ip"], start["server_port"]) == (address, port), brief(start)
    done.set()
    asking.join()
    for client in clients:
        lose_connection(client)
    listener.close()
    watch.wait_for(lambda: told(watch)[1:], "its end", 60)
    watch.stop()
    assert short(watch) == OVERFLOW


def test_accepts_too_slowly(lab):
    """Some get in, some do not: a queue of eight, 20 a second leave it and 60 come."""
    watch = watched(lab)
    listener = lab.listen(V4, backlog=8)
    server = SlowServer(lab, listener, 20)
    clients = Connections(lab, listener, 60, accepts=False)
    start = watch.expect("silent", phase="start", patience=60)
    assert start["kind"] == "overflow" and start["server_port"] == listener.getsockname()[1]
    clients.drop()
    watch.expect("silent", phase="end", patience=60)
    server.stop()
    watch.stop()
    assert short(watch) == OVERFLOW


def connected(sock):
    try:
        sock.getpeername()
        return True
    except OSError:
        return False


def test_bursts_that_are_worked_off(lab):
    """Full for a moment again and again; the clients' second try gets in."""
    watch = watched(lab)
    listener = lab.listen(V4, backlog=16)
    server = SlowServer(lab, listener, 200)
    clients = Connections(lab, listener, 20, accepts=False)
    for _ in range(4):
        before = overflows(lab)
        burst = [lab.begin(V4, listener.getsockname()[1])[0] for _ in range(60)]
        until(lambda: overflows(lab) > before, "an overflow")
        until(lambda: all(map(connected, burst)), "all of the burst", 30)
    clients.drop()
    server.stop()
    watch.stop()
    assert not told(watch), [brief(event) for event in told(watch)]


def test_another_listener_is_full(lab):
    """Its drops are counted by the same host, while a firewall throws away some of this one's SYNs."""
    watch = watched(lab)
    full = lab.listen(V4, backlog=1)
    good = lab.listen(V4, backlog=4096)
    clients = Connections(lab, good, 40)
    until(lambda: len(clients.opened) > 200, "the usual connections", 60)
    lab.server.drop(f"tcp dport {good.getsockname()[1]} tcp flags & (syn|ack) == syn numgen random mod 10 0")
    others = Connections(lab, full, 20, accepts=False)
    watch.expect("silent", phase="start", server_port=full.getsockname()[1], kind="overflow", patience=60)
    until(lambda: len(clients.opened) > 600, "more connections", 60)
    others.drop()
    clients.drop()
    watch.stop()
    assert {event["server_port"] for event in told(watch)} == {full.getsockname()[1]}


def test_firewall_that_lets_some_pass(lab):
    """More than half of the SYNs are thrown away before the listener, which has room: whatever it is, not its queue."""
    watch = watched(lab)
    listener = lab.listen(V4, backlog=4096)
    clients = Connections(lab, listener, 40)
    until(lambda: len(clients.opened) > 200, "the usual connections", 60)
    lab.server.drop(f"tcp dport {listener.getsockname()[1]} tcp flags & (syn|ack) == syn numgen random mod 10 < 6")
    until(lambda: len(clients.opened) > 600, "more connections", 60)
    clients.drop()
    watch.stop()
    assert {event.get("kind") for event in told(watch)} <= {"no_answer"}, [brief(event) for event in told(watch)]


def test_text_names_it(lab):
    watch = lab.start("-i", "s0", "--mode", "native", "-e", "silent")
    watch.wait_error(r": in by .*, out ", patience=60)
    listener = lab.listen(V4, backlog=4)
    clients = Connections(lab, listener, 20, accepts=False)
    pattern = rf"SILENT +{re.escape(lab.server_ip(V4))}:{listener.getsockname()[1]} +START accept queue overflow: "
    watch.wait_for(lambda: any(re.search(pattern, line) for line in watch.text), pattern, 60)
    clients.drop()
