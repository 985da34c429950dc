# SPDX-License-Identifier: GPL-2.0-only
"""Processes that hold connections, and a run that is to say so. conftest.py has the fixtures for all tests."""
import contextlib
import os
import re
import signal
import socket

import pytest

import lab as laboratory

V4 = socket.AF_INET
SOON = ["--close-wait-after", "0.3", "--fin-wait-after", "0.3"]


class Child:
    """A process of its own that does some work, says that it is done, and then only holds what it has."""

    def __init__(self, work=lambda: None):
        done, told = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            with contextlib.suppress(BaseException):
                os.close(done)
                work()
                os.write(told, b"x")
                while True:
                    signal.pause()
            os._exit(1)
        os.close(told)
        said = os.read(done, 1)
        os.close(done)
        assert said == b"x", "the child's work failed"

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None


class Place:
    """One run for many tests. Each closes its sockets, so that none is part of the next one's pile."""

    def __init__(self, lab, watch):
        self.lab, self.watch = lab, watch
        self.stack = contextlib.ExitStack()

    def child(self, *args):
        return self.stack.enter_context(contextlib.closing(Child(*args)))

    def own(self, *socks):
        for sock in socks:
            self.stack.enter_context(contextlib.closing(sock))

    def pair(self, family=V4, listener=None):
        listener = listener or self.lab.listen(family)
        pair = self.lab.pair(family, listener)
        self.own(listener, *pair[:2])
        return pair

    def half_closed(self, family=V4, listener=None, data=b""):
        """A connection whose client has closed: the server's end is in CLOSE_WAIT."""
        client, server, flow = self.pair(family, listener)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return client, server, flow

    def held_by_a_child(self, count, *work):
        """As many in CLOSE_WAIT, of a new process only. Returns it and the flows."""
        listener = self.lab.listen(V4)
        pairs = [self.pair(V4, listener) for _ in range(count)]
        holder = self.child(*work)
        for client, server, _ in pairs:
            server.close()
            client.shutdown(socket.SHUT_WR)
        return holder, [flow for _, _, flow in pairs]

    def lingers(self, flow, **fields):
        return self.watch.expect("linger", flow, **{"phase": "start", "scope": "flow", "holder": "server", **fields})


@pytest.fixture(scope="module")
def run():
    with laboratory.Lab() as lab:
        watch = lab.watch(*SOON)
        yield lab, watch
        watch.stop()


@pytest.fixture
def place(run):
    made = Place(*run)
    with made.stack:
        yield made


@pytest.fixture
def apart(lab):
    """With a run of other options."""
    made = []

    def make(*args, **kw):
        made.append(Place(lab, lab.watch(*SOON, *args, **kw)))
        return made[0]

    yield make
    made[0].stack.close()
    made[0].watch.stop()


def comm_of(pid):
    with open(f"/proc/{pid}/comm", "rb") as file:
        return file.read()[:-1].decode()


def cgroup_of(pid):
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        return next(line[3:-1] for line in file if line.startswith("0::"))


def by_ss(host, flow):
    """(process, its number, user, receive queue) as `ss` has it."""
    for line in host.run("ss", "-tnpeH", "state", "close-wait").stdout.splitlines():
        if f":{flow.server_port} " in line and f":{flow.client_port} " in line:
            uid = re.search(r"uid:(\d+)", line)
            name, pid = re.search(r'users:\(\("([^"]*)",pid=(\d+)', line).groups()
            return name, int(pid), int(uid[1]) if uid else 0, int(line.split()[0])
    return None
