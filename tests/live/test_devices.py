# SPDX-License-Identifier: GPL-2.0-only
"""What it can be attached to, and what passes there."""
import contextlib
import os
import select
import socket

import pytest

from frames import (ACK, DESTINATION, ETH_QINQ, ETH_VLAN, FIN, FRAGMENT, HOP_BY_HOP, PSH, ROUTING, SYN, Wire,
                    ethernet, ip4, packet)
from lab import PATIENCE, Flow, Lab, until
from tun import Tun

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
