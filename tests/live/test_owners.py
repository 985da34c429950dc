# SPDX-License-Identifier: GPL-2.0-only
"""Who holds what lingers: against the processes themselves, and against `ss`."""
import array
import fcntl
import os
import signal
import socket
import termios

import pytest

from lab import Flow, libc
from owning import V4, by_ss, cgroup_of, comm_of

PR_SET_PDEATHSIG = 1
CLONE_NEWPID = 0x20000000


def test_held_by_us(place, family):
    _, server, flow = place.half_closed(family, data=b"x" * 1234)
    event = place.lingers(flow, state="CLOSE_WAIT")
    unread = array.array("i", [0])
    fcntl.ioctl(server, termios.FIONREAD, unread)
    assert event["unread_bytes"] == unread[0] == 1234
    us = os.getpid()
    assert (event["comm"], event["pid"], event["uid"], 1234 + 1) == by_ss(place.lab.server, flow)
    assert (event["pid"], event["comm"], event["cgroup"]) == (us, comm_of(us), cgroup_of(us))
    server.close()
    event = place.lingers(flow, state="CLOSE_WAIT", phase="end")
    assert event["pid"] == us and "unread_bytes" not in event


def test_nothing_unread(place):
    """A FIN that was read, and one that was not, are no bytes."""
    read, unread = place.half_closed(), place.half_closed()
    assert read[1].recv(1) == b""
    for _, _, flow in (read, unread):
        assert place.lingers(flow)["unread_bytes"] == 0


def test_another_user(place):
    """Whose process made the socket."""
    lab = place.lab
    listener = lab.listen(V4)
    client, flow = lab.begin(V4, listener.getsockname()[1])
    place.own(listener, client)
    kept = []

    def serve():
        os.setgid(4321)
        os.setuid(4321)
        kept.append(listener.accept())

    holder = place.child(serve)
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(flow)
    assert (event["comm"], event["pid"], event["uid"]) == by_ss(lab.server, flow)[:3]
    assert (event["pid"], event["uid"]) == (holder.pid, 4321)


def test_smallest_of_several(place):
    """Two processes have it open: the smaller number is told; when that one has closed it, the other."""
    _, _, flow = place.half_closed()
    others = [place.child() for _ in range(2)]
    assert place.lingers(flow)["pid"] == min([os.getpid()] + [other.pid for other in others])
    client, server, flow = place.pair()
    others = [place.child() for _ in range(2)]
    server.close()
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(flow)["pid"] == min(other.pid for other in others)


def test_passed_on(place):
    """By SCM_RIGHTS: it is whose it is now, and nobody's on the way."""
    ours, theirs = socket.socketpair()
    place.own(ours, theirs)
    kept = []

    def receive():
        ours.close()
        kept.append(socket.recv_fds(theirs, 1, 1)[1])

    def send():
        client, server, flow = place.pair()
        socket.send_fds(ours, [b"x"], [server.fileno()])
        server.close()
        return client, flow

    client, flow = send()
    holder = place.child(receive)
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(flow)["pid"] == holder.pid
    client, flow = send()
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(flow)
    assert event["owner_missing"] == "kernel" and "pid" not in event


def test_not_accepted(place, family):
    """Nobody has the connection open yet: who does not accept is the listener's owner."""
    listener, client = place.lab.listen(family), place.lab.client_socket(family)
    place.own(listener, client)
    holder = place.child()
    client.connect(listener.getsockname()[:2])
    client.sendall(b"hello?")
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(Flow.of(client))
    assert event["pid"] == min(holder.pid, os.getpid()) and event["unread_bytes"] == 6


def test_not_accepted_by_one_that_listens_everywhere(place):
    with place.lab.server:
        listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    client = place.lab.client_socket(V4)
    place.own(listener, client)
    client.connect((place.lab.server_ip(V4), listener.getsockname()[1]))
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(Flow.of(client))["pid"] == os.getpid()


def test_orphans_and_strangers(place, family):
    _, server, orphan = place.pair(family)
    server.close()
    client, server, ours = place.pair(family)
    server.shutdown(socket.SHUT_WR)
    assert place.lingers(orphan, state="FIN_WAIT_2")["owner_missing"] == "orphan"
    assert place.lingers(ours, state="FIN_WAIT_2")["pid"] == os.getpid()
    for flow in (orphan, ours):
        event = place.lingers(flow, state="CLOSE_WAIT", holder="client")
        assert event["owner_missing"] == "not_local"
    server.close()
    client.close()
    assert place.lingers(ours, state="FIN_WAIT_2", phase="end")["pid"] == os.getpid()


def test_fin_that_nobody_acknowledges(place):
    _, server, flow = place.pair()
    lost = place.lab.client.drop(f"tcp sport {flow.server_port} tcp dport {flow.client_port}")
    server.close()
    assert place.lingers(flow, state="FIN_WAIT_1")["owner_missing"] == "orphan"
    place.lab.client.pass_again(lost)


def test_translated(place):
    """The packets say one port, the socket has another."""
    lab = place.lab
    try:
        lab.server.run("nft", "-f", "-", input="table ip translate {\n chain in {\n type nat hook prerouting priority -100;\n"
                                               " tcp dport 7 redirect to :7777\n }\n}\n")
    except RuntimeError as why:
        pytest.skip(f"no address translation here: {why}")
    listener, client = lab.listen(V4, port=7777), lab.client_socket(V4)
    client.connect((lab.server_ip(V4), 7))
    server, flow = listener.accept()[0], Flow.of(client)
    place.own(listener, client, server)
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(flow)
    assert event["server_port"] == 7 and event["owner_missing"] == "nat" and "pid" not in event
    server.close()
    place.watch.expect("close", flow, how="fin")


def test_in_a_container(place):
    """A process with a PID namespace of its own: its number is ours."""
    client, server, flow = place.pair()
    numbers, told = os.pipe()

    def contain():
        assert not libc.unshare(CLONE_NEWPID)
        inner = os.fork()
        if inner:
            os.write(told, b"%d" % inner)
            server.close()
            return
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        while True:
            signal.pause()

    place.child(contain)
    server.close()
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(flow)["pid"] == int(os.read(numbers, 20))
    os.close(numbers)
    os.close(told)


def test_a_pile(place):
    """Twelve of one process: told once for all, and again when they are gone, as they are with it."""
    holder, flows = place.held_by_a_child(12)
    start = place.watch.expect("linger", phase="start", scope="process", pid=holder.pid)
    assert (start["comm"], start["cgroup"], start["uid"]) == (comm_of(holder.pid), cgroup_of(holder.pid), os.getuid())
    assert (start["state"], start["holder"]) == ("CLOSE_WAIT", "server")
    assert 10 <= start["count"] <= 12 and start["per_minute"] == start["count"]
    assert start["age_ns"] >= 300e6 and "client_ip" not in start and "iface" not in start
    for flow in flows:
        assert place.lingers(flow)["pid"] == holder.pid
    pid = holder.pid
    holder.close()
    end = place.watch.expect("linger", phase="end", scope="process", pid=pid)
    assert end["count"] == 0 and "age_ns" not in end
    assert len(place.watch.matching("linger", {"scope": "process", "pid": pid})) == 2


def test_a_pile_gets_smaller(place):
    """It ends below half of what made it one."""
    listener = place.lab.listen(V4)
    held = [place.half_closed(V4, listener) for _ in range(12)]
    us = os.getpid()
    place.watch.expect("linger", phase="start", scope="process", pid=us)
    for _, _, flow in held:
        place.lingers(flow)
    for _, server, flow in held[:7]:
        server.close()
        place.lingers(flow, phase="end")
    _, _, later = place.half_closed(V4, listener)  # once it is told, five were seen not to be few enough
    place.lingers(later)
    place.watch.none("linger", scope="process", phase="end", pid=us)
    for _, server, _ in held[7:9]:
        server.close()
    end = place.watch.expect("linger", phase="end", scope="process", pid=us)
    assert end["count"] == 4


def test_not_a_pile(place):
    """Eighteen, but of two processes."""
    for _ in range(2):
        holder, flows = place.held_by_a_child(9)
        for flow in flows:
            assert place.lingers(flow)["pid"] == holder.pid
        place.watch.none("linger", scope="process", pid=holder.pid)
