# SPDX-License-Identifier: GPL-2.0-only
"""What it can be attached to, what passes there, and whom it has to share the place with."""
import contextlib
import ctypes
import fcntl
import os
import re
import select
import signal
import socket
import struct

import pytest

from frames import (ACK, DESTINATION, ETH_QINQ, ETH_VLAN, FIN, FRAGMENT, HOP_BY_HOP, PSH, ROUTING, SYN, Wire,
                    ethernet, ip4, packet)
from lab import PATIENCE, Flow, Lab, lose_connection, until

V4, V6 = socket.AF_INET, socket.AF_INET6

# Hosts that no kernel here is: nobody answers but the test itself.
CLIENTS = {V4: "192.0.2.1", V6: "2001:db8::1"}
SERVERS = {V4: "192.0.2.2", V6: "2001:db8::2"}


def play(wire):
    """A connection with five bytes each way, closed by the client in four."""
    wire.from_client(SYN, 100)
    wire.from_server(SYN | ACK, 500, 101)
    wire.from_client(ACK, 101, 501)
    wire.from_client(ACK | PSH, 101, 501, payload=b"hello")
    wire.from_server(ACK | PSH, 501, 106, payload=b"world")
    wire.from_client(ACK | FIN, 106, 506)
    wire.from_server(ACK, 506, 107)
    wire.from_server(ACK | FIN, 506, 107)
    wire.from_client(ACK, 107, 507)


def expect_play(watch, flow):
    watch.expect("open", flow, kind="three_way", client_isn=100, server_isn=500, client_syn=1, server_synack=1)
    watch.expect("close", flow, how="fin", by="client", sequence="four_way", client_bytes=5, server_bytes=5)


# --- shapes of packets ---

SHAPES = {
    "plain": {},
    "vlan": {"vlans": [(ETH_VLAN, 5)]},
    "qinq": {"vlans": [(ETH_QINQ, 7), (ETH_VLAN, 5)]},
    "vlan-in-vlan": {"vlans": [(ETH_VLAN, 7), (ETH_VLAN, 5)]},
    "ip-options": {"options": b"\x94\x04\0\0"},
    "all-ip-options": {"options": b"\x94\x04\0\0" + b"\1" * 36},
    "hop-by-hop": {"extensions": [HOP_BY_HOP]},
    "all-extensions": {"extensions": [HOP_BY_HOP, DESTINATION, ROUTING, DESTINATION]},
    "first-fragment": {"extensions": [FRAGMENT], "fragment": 0x2000},
    "tcp-options": {"tcp_options": b"\2\4\5\xb4\4\2\3\3\7" + b"\1" * 30},
    "vlan-and-options": {"vlans": [(ETH_VLAN, 5)], "options": b"\1" * 8, "extensions": [HOP_BY_HOP]},
}


def test_shapes_of_packets(lab, mode):
    watch = lab.watch(mode=mode)
    for number, shape in enumerate(SHAPES):
        for family in (V4, V6):
            flow = Flow(CLIENTS[family], 4001 + number, SERVERS[family], 80)
            play(Wire(lab, tuple(flow[:2]), tuple(flow[2:]), **SHAPES[shape]))
            expect_play(watch, flow)
    watch.stop()
    counters = watch.counters
    assert counters["malformed"] == counters["truncated"] == counters["fragment"] == 0
    assert counters["stepped"] + counters["not_watched"] == 18 * len(SHAPES)


def test_what_is_not_for_us(lab, mode):
    """Counted by reason, and nothing else comes of it."""
    watch = lab.watch("-4", "--port", "80", mode=mode)
    client, server = ("192.0.2.1", 4000), ("192.0.2.2", 80)
    wire = Wire(lab, client, server)
    wire.from_client(SYN, 1, fragment=0x20)                    # a fragment after the first
    wire.client_out.send(ethernet(*wire.macs[::-1], ip4(client[0], server[0], b"\0" * 64, protocol=47)))
    whole = packet(client, server, SYN, 1)
    wire.client_out.send(ethernet(*wire.macs[::-1], whole[:30]))         # ends inside the TCP header
    wire.client_out.send(ethernet(*wire.macs[::-1], whole[:32] + b"\x10" + whole[33:]))  # of 4 bytes
    wire.from_client(SYN | FIN, 1)
    Wire(lab, client, ("192.0.2.2", 81)).from_client(SYN, 1)
    Wire(lab, ("2001:db8::1", 4000), ("2001:db8::2", 80)).from_client(SYN, 1)
    wire.from_client(ACK, 1, 1)
    watch.stop()
    assert not watch.events
    counters = watch.counters
    assert (counters["fragment"], counters["odd_flags"], counters["not_watched"]) == (1, 1, 1)
    assert counters["truncated"] + counters["malformed"] == 2
    assert counters["filtered"] == 2
    assert counters["not_tcp"] >= 1  # neighbour discovery besides
    assert counters["stepped"] == counters["handshakes_started"] == 0


def test_jumbo_frames(family, mode):
    with Lab(mtu=9000) as lab:
        watch = lab.watch(mode=mode)
        client, server, flow = lab.pair(family)
        sent = b"x" * 200000
        client.setblocking(False)
        received, at = 0, 0
        while received < len(sent):
            readable, writable, _ = select.select([server], [client] if at < len(sent) else [], [], PATIENCE)
            assert readable or writable
            if writable:
                at += client.send(sent[at:at + 60000])
            if readable:
                received += len(server.recv(65536))
        client.close()
        assert server.recv(1) == b""
        server.close()
        event = watch.expect("open", flow)
        assert event["client_mss"] == (8960 if family == V4 else 8940)
        watch.expect("close", flow, how="fin", client_bytes=len(sent), server_bytes=0)
        watch.stop()


# --- kinds of devices ---

def test_loopback(lab, family):
    """Each packet passes both hooks of lo; it is seen once."""
    watch = lab.watch(device="lo", mode="auto")
    assert "out not watched" in watch.wait_error(": in by")[0]
    host = "127.0.0.1" if family == V4 else "::1"
    with lab.server:
        listener = lab.own(socket.create_server((host, 0), family=family))
        client = lab.own(socket.create_connection(listener.getsockname()[:2], PATIENCE))
        server = lab.own(listener.accept()[0])
        flow = Flow.of(client)
        client.sendall(b"to myself")
        assert server.recv(100) == b"to myself"
        client.close()
        until(lambda: server.recv(1) == b"", "the end")
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, lab.unused_port(family, host)), PATIENCE)
    watch.expect("open", flow, client_syn=1, server_synack=1, local="both", iface="lo")
    watch.expect("close", flow, how="fin", by="client", client_fin=1, server_fin=1, duplicates=0, client_bytes=9)
    watch.expect("close", how="refused", by="server", local="both")
    watch.stop()
    assert watch.counters["duplicate"] == 0


TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0001, 0x0002, 0x1000


def open_tap(lab, name):
    """An Ethernet device whose driver has native XDP and loses nothing by it. It goes with the lab."""
    with lab.server:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    lab.stack.callback(os.close, fd)
    lab.server.ip("link", "set", name, "up")


class Tun:
    """A device whose other side is this file: bytes from the IP header on."""

    def __init__(self, lab):
        self.host = lab.server
        with lab.server:
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        lab.stack.callback(os.close, self.fd)
        lab.server.sysctl("net.ipv6.conf.tun0.accept_dad", 0)
        lab.server.ip("-b", "-", input="link set tun0 up\naddr add 10.77.0.1/24 dev tun0\n"
                                       "addr add fd77::1/64 dev tun0 nodad\n")

    def read_tcp(self, port):
        """Sequence number, acknowledgment and flags of the next segment to this port."""
        def one():
            assert select.select([self.fd], [], [], PATIENCE)[0], "no packet"
            data = os.read(self.fd, 65536)
            segment = data[40:] if data[0] >> 4 == 6 else data[20:]
            protocol = data[6] if data[0] >> 4 == 6 else data[9]
            if protocol != 6 or int.from_bytes(segment[2:4], "big") != port:
                return None
            return struct.unpack(">II", segment[4:12]) + (segment[13],)
        return until(one, "a segment")


@pytest.mark.parametrize("mode", ["tc", "generic", "auto"])
def test_tun(lab, family, mode):
    """Packets begin with the IP header; the far end is this test."""
    tun = Tun(lab)
    watch = lab.watch(device="tun0", mode=mode)
    own = ("10.77.0.1", "10.77.0.2") if family == V4 else ("fd77::1", "fd77::2")
    listener = lab.own(lab.server.socket(family))
    listener.bind((own[0], 0))
    listener.listen()
    flow = Flow(own[1], 5000, own[0], listener.getsockname()[1])
    far, near = tuple(flow[:2]), tuple(flow[2:])
    os.write(tun.fd, packet(far, near, SYN, 1000))
    seq, ack, flags = tun.read_tcp(5000)
    assert flags == SYN | ACK and ack == 1001
    os.write(tun.fd, packet(far, near, ACK, 1001, seq + 1))
    server = lab.own(listener.accept()[0])
    watch.expect("open", flow, iface="tun0", client_isn=1000, local="server")
    os.write(tun.fd, packet(far, near, ACK | FIN, 1001, seq + 1))
    until(lambda: server.recv(1) == b"", "the FIN")
    server.close()
    until(lambda: tun.read_tcp(5000)[2] & FIN, "the server's FIN")
    os.write(tun.fd, packet(far, near, ACK, 1002, seq + 2))
    watch.expect("close", flow, how="fin", by="client")
    watch.stop()


def test_tun_has_no_native_xdp(lab):
    Tun(lab)
    watch = lab.start("-i", "tun0", "--mode", "native")
    assert watch.wait() == 4
    assert "tun0" in "\n".join(watch.errors) and "--mode tc" in "\n".join(watch.errors)


# --- which devices, and when ---

def test_a_pattern_follows_devices(lab, mode):
    watch = lab.watch("-i", "x*", mode=mode)
    lab.add_link("y1", "x1")
    watch.wait_error("x1: in by")
    lab.add_link("y2", "other")
    for host, device, last in ((lab.client, "y1", 1), (lab.server, "x1", 2)):
        host.ip("addr", "add", f"172.16.0.{last}/24", "dev", device)
    listener = lab.own(lab.server.socket(V4))
    listener.bind(("172.16.0.2", 0))
    listener.listen()
    client = lab.own(lab.client.socket(V4))
    client.settimeout(PATIENCE)
    client.connect(listener.getsockname())
    watch.expect("open", Flow.of(client), iface="x1", local="server")
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow, iface="s0")
    lab.server.ip("link", "del", "x1")
    watch.wait_error("x1: gone")
    lab.server.ip("link", "del", "s0")  # the pattern may find more
    watch.wait_error("s0: gone")
    watch.stop()
    assert not [line for line in watch.errors if "other: in by" in line]


def test_the_last_device_goes(lab, mode):
    watch = lab.watch(mode=mode)
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    lab.client.ip("link", "del", "c0")
    assert watch.wait() == 5
    assert "the last watched interface is gone" in "\n".join(watch.errors)
    watch.check()
    close, = watch.closes(flow)
    assert close["how"] == "end_of_run"


def test_two_devices_are_one_host(lab, mode):
    """What comes in on one link may be answered on another."""
    lab.add_link("c1", "s1")
    watch = lab.watch("-i", "s1", mode=mode)
    watch.wait_error("s1: in by")
    wire_in = Wire(lab, ("192.0.2.1", 4000), ("192.0.2.2", 80))
    other = lab.own(lab.server.packet_socket("s1"))
    flow = Flow("192.0.2.1", 4000, "192.0.2.2", 80)

    def answer(*args):
        other.send(ethernet(Lab.mac(lab.client, "c1"), Lab.mac(lab.server, "s1"),
                            packet(("192.0.2.2", 80), ("192.0.2.1", 4000), *args)))

    wire_in.from_client(SYN, 100)
    answer(SYN | ACK, 500, 101)
    wire_in.from_client(ACK, 101, 501)
    watch.expect("open", flow, client_syn=1, server_synack=1)
    answer(ACK | FIN, 501, 101)
    wire_in.from_client(ACK | FIN, 101, 502)
    answer(ACK, 502, 102)
    watch.expect("close", flow, how="fin", by="server", sequence="three_way")
    watch.stop()


# --- ways to be refused ---

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


# --- when it stops by itself ---

def test_count_and_duration(lab):
    watch = lab.watch("-c", "2")
    for _ in range(3):
        with contextlib.suppress(OSError):
            lab.pair(V4)
    assert watch.wait() == 0
    assert len(watch.events) == 2
    watch = lab.watch("--duration", "0.2")
    assert watch.wait() == 0
    watch.check()
