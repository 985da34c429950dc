# SPDX-License-Identifier: GPL-2.0-only
"""Owners in runs of other options, rights and places."""
import os
import signal
import socket

from lab import libc, until
from owning import SOON, Place
from service import wait_metrics

PR_SET_PDEATHSIG = 1
CLONE_NEWPID = 0x20000000


def test_without_type_information(apart):
    """The socket table still says which are orphans."""
    place = apart(environment={"TCPSHAKE_NO_BTF": "1"})
    place.watch.wait_error("owners of lingering sockets: not to be had here")
    _, _, flow = place.half_closed()
    _, server, orphan = place.pair()
    server.close()
    assert place.lingers(flow)["owner_missing"] == "rights"
    assert place.lingers(orphan, state="FIN_WAIT_2")["owner_missing"] == "orphan"


def test_with_no_right_but_to_start(apart):
    """Root's process is seen by a nobody who has never had a right to look at it."""
    caps = "+bpf,+perfmon,+net_admin"
    place = apart(before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={caps}",
                          f"--ambient-caps={caps}", f"--bounding-set=-all,{caps}"])
    place.watch.wait_error("capabilities: none kept")
    _, _, flow = place.half_closed()
    assert place.lingers(flow)["pid"] == os.getpid()


def test_counted_by_state(apart, tmp_path):
    path = str(tmp_path / "x.prom")
    place = apart("--time-wait-after", "0.3", "--textfile", path, "--interval", "0.1")

    def lingering(metrics, **states):
        return all(metrics[f'tcpshake_lingering{{state="{state}"}}'] == states.get(state, 0)
                   for state in ("FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"))

    held = [place.half_closed() for _ in range(3)]
    wait_metrics(path, lambda metrics: lingering(metrics, CLOSE_WAIT=3, FIN_WAIT_2=3))
    held[0][1].close()
    wait_metrics(path, lambda metrics: lingering(metrics, CLOSE_WAIT=2, FIN_WAIT_2=2, TIME_WAIT=1))


def test_from_within_a_container(lab):
    """A run in a PID namespace of its own: numbers are those of there, and who is outside is not to be seen."""
    watch = lab.start("-j", "-v", "--mode", "tc", "-i", "s0", *SOON,
                      before=["unshare", "--pid", "--fork", "--kill-child"])
    watch.wait_error(": in by")
    place = Place(lab, watch)
    with open(f"/proc/{watch.process.pid}/task/{watch.process.pid}/children", encoding="ascii") as children:
        inner = int(children.read())
    client, server, flow = place.pair()
    ready, told = os.pipe()

    def enter():
        with open(f"/proc/{inner}/ns/pid", encoding="ascii") as namespace:
            assert not libc.setns(namespace.fileno(), CLONE_NEWPID)
        if not os.fork():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.write(told, b"x")
            while True:
                signal.pause()
        server.close()

    with place.stack:
        place.child(enter)
        assert os.read(ready, 1) == b"x"
        _, _, outside = place.half_closed()
        server.close()
        client.shutdown(socket.SHUT_WR)
        assert place.lingers(flow)["pid"] == 2  # tcpshake is 1
        assert place.lingers(outside)["owner_missing"] == "rights"
    os.kill(inner, signal.SIGINT)
    assert watch.wait() == 0
    watch.check()


def test_linger_not_selected(apart):
    place = apart("-e", "open,close")
    place.half_closed()
    until(lambda: place.watch.ask()["events_filtered"] >= 1, "an event that is filtered")
    place.watch.none("linger")


def test_told_at_the_end(lab):
    """What still waits for its owner when the run ends, before the close of the same connection."""
    place = Place(lab, lab.watch(*SOON))
    flows = []
    with place.stack:
        for _ in range(3):
            _, _, flow = place.half_closed()
            place.watch.expect("linger", flow, state="FIN_WAIT_2", phase="start")  # not ours: told at once
            flows.append(flow)
        place.watch.stop()
    for flow in flows:
        event = place.lingers(flow)
        assert event["pid"] == os.getpid() and event["seq"] < place.watch.closes(flow)[0]["seq"]
