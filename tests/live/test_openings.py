# SPDX-License-Identifier: GPL-2.0-only
"""How connections of real kernels open, or do not, and what is told of it."""
import contextlib
import socket

import pytest

from frames import SYN, with_checksum
from lab import PATIENCE, Flow, close_in_four, exchange, until

V4, V6 = socket.AF_INET, socket.AF_INET6

TCP_FASTOPEN, MSG_FASTOPEN = 23, 0x20000000

# Where each case takes seconds: both families and both modes, but not all four.
crossed = pytest.mark.parametrize("family, mode", [(V4, "native"), (V6, "tc")], ids=["v4-native", "v6-tc"])


def test_open(lab, family, mode):
    watch = lab.watch(mode=mode)
    _, _, flow = lab.pair(family)
    event = watch.expect("open", flow, kind="three_way", client_syn=1, server_synack=1, local="server", iface="s0",
                         client_sack=True, server_sack=True, client_timestamps=True)
    assert event["client_mss"] == event["server_mss"] == (1460 if family == V4 else 1440)
    assert 0 < event["syn_synack_ns"] + event["synack_ack_ns"] == event["open_ns"]
    watch.stop()
    close, = watch.closes(flow)
    assert close["how"] == "end_of_run"
    assert (close["client_state"], close["server_state"]) == ("ESTABLISHED", "ESTABLISHED")
    assert watch.counters["handshakes_completed"] == 1


def test_open_from_here(lab, family, mode):
    """The watched host is the client."""
    watch = lab.watch(mode=mode, device="c0", host=lab.client)
    client, server, flow = lab.pair(family)
    watch.expect("open", flow, local="client")
    close_in_four(lab, client, server, flow, ("FIN_WAIT_2", "CLOSE_WAIT"))
    watch.expect("close", flow, how="fin", by="client", sequence="four_way", local="client")
    watch.stop()


def test_refused(lab, family, mode):
    watch = lab.watch(mode=mode)
    sock, flow = lab.begin(family, lab.unused_port(family))
    watch.expect("close", flow, how="refused", by="server", opened=False, client_syn=1, server_synack=0,
                 server_rst=1, conn_state="REJ")
    sock.close()
    watch.stop()
    watch.none("open", flow)
    assert watch.counters["handshakes_refused"] == 1


def test_silent_server(lab, family, mode):
    watch = lab.watch("--half-open-after", "0.3", mode=mode)
    listener = lab.listen(family)
    port = listener.getsockname()[1]
    lab.server.drop(f"tcp dport {port}")
    sock, flow = lab.begin(family, port)
    event = watch.expect("half_open", flow, waiting_for="syn_ack", client_syn=1, server_synack=0)
    assert 300e6 <= event["age_ns"] < 500e6
    lab.server.pass_all()
    event = watch.expect("open", flow, server_synack=1)
    assert event["client_syn"] >= 2
    assert "syn_synack_ns" not in event  # which of the SYNs was answered?
    watch.stop()
    assert watch.counters["syn_repeated"] == event["client_syn"] - 1


def test_vanished_client(lab, family, mode):
    watch = lab.watch("--half-open-after", "0.2", "--give-up-after", "0.5", mode=mode)
    listener = lab.listen(family)
    port = listener.getsockname()[1]
    lab.client.drop(f"tcp sport {port}")
    sock, flow = lab.begin(family, port)
    watch.expect("half_open", flow, waiting_for="ack", client_syn=1, server_synack=1)
    sock.close()
    event = watch.expect("close", flow, how="timeout", opened=False, client_state="SYN_SENT",
                         server_state="SYN_RCVD", conn_state="S1")
    assert event["duration_ns"] >= 500e6
    watch.stop()
    assert watch.counters["handshakes_timed_out"] == 1


def test_connect_given_up(lab, family, mode):
    """The client closes its socket before the SYN-ACK comes, which its kernel then answers with a RST."""
    watch = lab.watch(mode=mode)
    listener = lab.listen(family)
    port = listener.getsockname()[1]
    lab.client.drop(f"tcp sport {port}")
    sock, flow = lab.begin(family, port)
    lab.wait_states(flow, "SYN_SENT", "SYN_RCVD")
    sock.close()
    lab.client.pass_all()
    watch.expect("close", flow, how="aborted", by="client", opened=False, client_rst=1)
    watch.stop()
    assert watch.counters["handshakes_aborted"] == 1


@crossed
def test_accept_queue_overflow(lab, family, mode):
    """
    The client is connected, the server is not: its accept queue was full when
    the ACK came. It opens when somebody accepts.
    """
    watch = lab.watch("--half-open-after", "0.5", mode=mode)
    listener = lab.listen(family, backlog=1)
    port = listener.getsockname()[1]
    waiting = lab.client_socket(family)
    lab.client.drop(f"tcp dport {waiting.getsockname()[1]}")
    _, flow = lab.begin(family, port, waiting)
    for _ in range(2):
        lab.client_socket(family).connect(listener.getsockname()[:2])
    lab.client.pass_all()
    lab.wait_states(flow, "ESTABLISHED", "SYN_RCVD")
    watch.expect("open", flow)
    watch.expect("half_open", flow, waiting_for="accept")
    for _ in range(2):
        listener.accept()[0].close()
    waiting.setblocking(True)
    waiting.sendall(b"still there")
    lab.wait_states(flow, "ESTABLISHED", "ESTABLISHED")
    watch.stop()
    close, = watch.closes(flow)
    assert (close["client_state"], close["server_state"]) == ("ESTABLISHED", "ESTABLISHED")
    assert watch.counters["accept_suspected"] >= 1
    assert len(watch.matching("open", flow.fields)) == 1


def crosswise(lab, family):
    """Two sockets that connect to each other; the first SYN is lost. The sockets, the flow."""
    client, server = lab.client_socket(family), lab.own(lab.server.socket(family))
    server.bind((lab.server_ip(family), 0))
    port = server.getsockname()[1]
    lab.server.drop(f"tcp dport {port} tcp flags & syn == syn")
    _, flow = lab.begin(family, port, client)
    server.setblocking(False)
    return client, server, flow


def test_split_open(lab, family, mode):
    """The server answers with a SYN of its own, the client that with a SYN-ACK."""
    watch = lab.watch(mode=mode)
    client, server, flow = crosswise(lab, family)
    lab.wait_states(flow, "SYN_SENT", "CLOSED")
    lab.server.pass_all()
    with contextlib.suppress(BlockingIOError):
        server.connect((flow.client_ip, flow.client_port))
    lab.wait_states(flow, "ESTABLISHED", "ESTABLISHED")
    watch.expect("open", flow, kind="split")
    watch.stop()


def test_simultaneous_open(lab, family, mode):
    """Both SYNs cross: the client's is kept back until the server's has arrived."""
    watch = lab.watch(mode=mode)
    wire = lab.own(lab.client.packet_socket("c0"))
    with lab.client:
        sniffer = lab.own(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        sniffer.bind(("c0", 3))
    sniffer.settimeout(PATIENCE)
    client, server, flow = crosswise(lab, family)
    syn = until(lambda: syn_in(sniffer.recvfrom(2000), flow), "the SYN")
    with contextlib.suppress(BlockingIOError):
        server.connect((flow.client_ip, flow.client_port))
    lab.wait_states(flow, "SYN_RCVD", "SYN_SENT")
    lab.server.pass_all()
    wire.send(with_checksum(syn))
    lab.wait_states(flow, "ESTABLISHED", "ESTABLISHED")
    watch.expect("open", flow, kind="simultaneous")
    client.setblocking(True)
    server.setblocking(True)
    exchange(client, server)
    close_in_four(lab, client, server, flow, ("FIN_WAIT_2", "CLOSE_WAIT"))
    close = watch.expect("close", flow, how="fin", by="client", sequence="four_way")
    assert close["client_synack"] >= 1 and close["server_synack"] >= 1 and close["server_syn"] == 1
    watch.stop()


def syn_in(received, flow):
    frame, address = received
    content = frame[14:]
    segment = content[40:] if content[0] >> 4 == 6 else content[20:]
    outgoing = address[2] == socket.PACKET_OUTGOING
    if outgoing and len(segment) >= 20 and segment[13] == SYN and \
            int.from_bytes(segment[:2], "big") == flow.client_port:
        return frame
    return None


def test_fast_open(lab, family, mode):
    for host in (lab.client, lab.server):
        host.sysctl("net.ipv4.tcp_fastopen", 3)
    watch = lab.watch(mode=mode)
    listener = lab.listen(family)
    listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    flows = []
    for _ in range(2):  # the first fetches the cookie
        client = lab.client_socket(family)
        client.setblocking(True)
        client.sendto(b"early data", MSG_FASTOPEN, listener.getsockname()[:2])
        flows.append(Flow.of(client))
        server = lab.own(listener.accept()[0])
        assert server.recv(100) == b"early data"
        client.close()
        assert server.recv(1) == b""
        server.close()
        watch.expect("close", flows[-1], how="fin", client_bytes=10, server_bytes=0)
    watch.expect("open", flows[0], kind="three_way")
    watch.expect("open", flows[1], kind="fast_open")
    watch.stop()


def test_data_in_the_third_ack(lab, family, mode):
    watch = lab.watch(mode=mode)
    listener = lab.listen(family)
    client = lab.client_socket(family)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)  # at a client: no ACK without data
    client.connect(listener.getsockname()[:2])
    flow = Flow.of(client)
    client.sendall(b"question")
    server = lab.own(listener.accept()[0])
    assert server.recv(100) == b"question"
    client.close()
    assert server.recv(1) == b""
    server.close()
    watch.expect("open", flow, kind="three_way", client_syn=1, server_synack=1)
    watch.expect("close", flow, how="fin", client_bytes=8)
    watch.stop()
