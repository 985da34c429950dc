# SPDX-License-Identifier: GPL-2.0-only
"""Ways to be refused, and whom it has to share the hooks with."""
import ctypes
import os
import re
import signal
import socket
import struct

import pytest

from lab import lose_connection, until
from tun import open_tap

V4 = socket.AF_INET


def refused(lab, *args, **kw):
    watch = lab.start(*args, **kw)
    return watch.wait(), "\n".join(watch.errors)


@pytest.mark.parametrize("args", [[], ["-i"], ["--mode", "fast", "-i", "s0"], ["--no-such-thing"], ["-i", "s0", "-e", "x"],
                                  ["-i", "s0", "--port", "0"], ["-i", "s0", "--host", "here"], ["-i", ""],
                                  ["-i", "s0", "--memory", "1"], ["-i", "s0", "-c", "0"]], ids=" ".join)
def test_bad_arguments(lab, args):
    status, errors = refused(lab, *args)
    assert status == 2 and errors.startswith("tcpshake: ")


def test_unknown_device(lab):
    status, errors = refused(lab, "-i", "nosuch")
    assert status == 4 and "nosuch" in errors


def test_not_root(lab):
    status, errors = refused(lab, "-i", "s0", before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                                      "--inh-caps=-all"])
    assert status == 3 and "root" in errors
    assert len(errors.splitlines()) <= 2, errors


BPF_PROG_LOAD, BPF_LINK_CREATE, BPF_PROG_TYPE_XDP, BPF_XDP = 5, 28, 6, 37
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 144)
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, command, buffer, 144)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


def attach_neighbour(lab, name, device="s0"):
    """Somebody else's XDP program: return XDP_PASS. Its descriptors; it goes with them."""
    code = struct.pack("<BBhi", 0xB7, 0, 0, 2) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    instructions, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    program = bpf(BPF_PROG_LOAD, struct.pack("=IIQQIIQII16s", BPF_PROG_TYPE_XDP, 2, ctypes.addressof(instructions),
                                             ctypes.addressof(licence), 0, 0, 0, 0, 0, name))
    with lab.server:
        link = bpf(BPF_LINK_CREATE, struct.pack("=IIII", program, socket.if_nametoindex(device), BPF_XDP, 0))
    return link, program


def test_another_xdp_program(lab):
    """Told by name and number; beside it there is room at tc."""
    for fd in attach_neighbour(lab, b"neighbour"):
        lab.stack.callback(os.close, fd)
    status, errors = refused(lab, "-i", "s0", "--mode", "native")
    assert status == 4 and "'neighbour' (id " in errors and "--mode tc" in errors
    watch = lab.watch(mode="tc")
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    watch.stop()


def test_auto_takes_what_costs_nothing(lab):
    open_tap(lab, "tap0")
    watch = lab.watch(device="tap0", mode="auto")
    watch.wait_error("tap0: in by native XDP")
    watch.stop()


def test_auto_goes_where_there_is_room(lab):
    open_tap(lab, "tap0")
    for fd in attach_neighbour(lab, b"neighbour", "tap0"):
        lab.stack.callback(os.close, fd)
    watch = lab.watch(device="tap0", mode="auto")
    assert re.search(r"in by tc ingress, .*taken by program 'neighbour' \(id \d+\)", "\n".join(watch.errors))
    watch.stop()


def test_twice_on_one_device(lab):
    first = lab.watch(mode="native")
    status, errors = refused(lab, "-i", "s0", "--mode", "native")
    assert status == 4 and "xdp_ether" in errors
    second = lab.watch(mode="tc")
    _, _, flow = lab.pair(V4)
    for watch in (first, second):
        watch.expect("open", flow)
        watch.stop()


def filters(lab, side):
    return lab.server.run("tc", "filter", "show", "dev", "s0", side).stdout


def test_other_peoples_filters_stay(lab):
    """clsact: the qdisc and what others have in it are left as they were; ours never pile up."""
    lab.server.run("tc", "qdisc", "add", "dev", "s0", "clsact")
    for side in ("ingress", "egress"):
        lab.server.run("tc", "filter", "add", "dev", "s0", side, "prio", "5", "bpf", "bytecode", "1,6 0 0 0")
    before = {side: filters(lab, side) for side in ("ingress", "egress")}
    environment = {"TCPSHAKE_NO_TCX": "1"}

    killed = lab.watch(mode="tc", environment=environment)
    killed.signal(signal.SIGKILL)
    killed.wait()
    assert "tc_in_ether" in filters(lab, "ingress")  # of the killed one
    watch = lab.watch(mode="tc", environment=environment)
    assert filters(lab, "ingress").count("tc_in_ether:[") == 1
    assert filters(lab, "egress").count("tc_out_ether:[") == 1
    client, _, flow = lab.pair(V4)
    watch.expect("open", flow, client_syn=1)
    lose_connection(client)
    watch.expect("close", flow, how="reset")
    watch.stop()
    assert watch.counters["duplicate"] == 0
    assert {side: filters(lab, side) for side in before} == before
    assert "clsact" in lab.server.run("tc", "qdisc", "show", "dev", "s0").stdout


def test_nothing_stays_attached(lab, mode):
    """Whether it ends or is killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        watch = lab.watch(mode=mode)
        watch.signal(number)
        watch.wait()
        assert watch.status == (0 if number == signal.SIGTERM else -number)
        until(lambda: "prog" not in lab.server.ip("-d", "link", "show", "s0").stdout, "the XDP hook to be free")
        shown = lab.server.run("bpftool", "net", "show", "dev", "s0").stdout
        assert "ether" not in shown
