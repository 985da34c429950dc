# SPDX-License-Identifier: GPL-2.0-only
"""
Segments that neither end has sent, thrown at a connection that lives.

On a host the socket itself is asked, or its silence to what is none of its
business: nothing may change, and each forgery is counted. On a tap there is
nobody to ask: traffic that goes on takes a forgery back, within two seconds;
of a connection that says nothing a forged RST reads as a reset.
"""
import socket
import time

import pytest

from frames import ACK, FIN, PSH, RST, SYN, Wire
from lab import Flow, until

V4, V6 = socket.AF_INET, socket.AF_INET6

FAR = 0x40000000  # a number far from all that is in use


# Both families and both ways in, but not all four pairs of them: it is one engine.
@pytest.fixture(params=[(V4, "native"), (V6, "tc")], ids=["v4-native", "v6-tc"])
def way(request):
    return request.param


@pytest.fixture
def family(way):
    return way[0]


@pytest.fixture
def mode(way):
    return way[1]


class Forger(Wire):
    """Knows the addresses of a connection, and of its numbers what it is told."""

    def __init__(self, lab, watch, flow):
        super().__init__(lab, tuple(flow[:2]), tuple(flow[2:]))
        opened = watch.expect("open", flow)
        self.next = opened["client_isn"] + 1
        self.ack = opened["server_isn"] + 1


def talk(client, server, number):
    """Ten bytes there and ten back: it lives."""
    question = b"question%02d" % number
    client.sendall(question)
    assert server.recv(100) == question
    server.sendall(question)
    assert client.recv(100) == question


def close_well(lab, watch, client, server, flow, exchanged):
    """It ends as it would have without any forgery."""
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    client.close()
    lab.wait_states(flow, "FIN_WAIT_2", "CLOSE_WAIT")
    server.close()
    watch.expect("close", flow, how="fin", by="client", sequence="four_way", opened=True, client_state="TIME_WAIT",
                 server_state="CLOSED", client_bytes=10 * exchanged, server_bytes=10 * exchanged)
    watch.stop()
    assert len(watch.matching("open", flow.fields)) == 1
    assert len([close for close in watch.closes(flow) if close["opened"]]) == 1


def test_blind_rsts_at_a_host(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    for offset in (-10, -1, FAR, -FAR):  # its next number is forger.next + 10
        forger.from_client(RST, forger.next + 10 + offset)
        forger.from_client(RST | ACK, forger.next + 10 + offset, forger.ack)
    talk(client, server, 2)
    close_well(lab, watch, client, server, flow, 2)
    assert watch.counters["rst_ignored"] == 8


def test_a_rst_in_the_window_of_a_host(lab, family, mode):
    """The kernel answers with a challenge ACK (RFC 5961); for a moment it might have been right."""
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    forger.from_client(RST, forger.next + 10 + 1000)
    until(lambda: watch.ask()["rst_disproved"] == 1, "the RST to be taken back", 5)
    assert lab.states(flow) == ("ESTABLISHED", "ESTABLISHED")
    talk(client, server, 2)
    close_well(lab, watch, client, server, flow, 2)


def test_a_blind_rst_at_a_host_without_type_information(lab, family, mode):
    """The programs cannot read a socket's numbers there: what goes on takes it back, as on a tap."""
    watch = lab.watch(mode=mode, environment={"TCPSHAKE_NO_BTF": "1"})
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    forger.from_client(RST, forger.next + 10 + 5)
    talk(client, server, 2)
    assert watch.ask()["rst_disproved"] == 1
    close_well(lab, watch, client, server, flow, 2)


def test_blind_fins_at_a_host(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    # where the data ended before: the next ACK acknowledges just this number
    forger.from_client(FIN | ACK, forger.next + 9, forger.ack)
    forger.from_client(FIN | ACK, forger.next, forger.ack)
    forger.from_client(FIN | ACK, forger.next - 5000, forger.ack)
    talk(client, server, 2)
    forger.from_client(FIN | ACK, forger.next - FAR, forger.ack)
    close_well(lab, watch, client, server, flow, 2)
    assert watch.counters["fin_ignored"] == 4
    assert not watch.matching("linger", {})


def test_a_fin_ahead_of_a_host(lab, family, mode):
    """Beyond all that the socket would take: it is none, and counted."""
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    forger.from_client(FIN | ACK, forger.next + 10 + FAR, forger.ack)
    counters = watch.ask()
    assert counters["fin_ignored"] == 1
    close_well(lab, watch, client, server, flow, 1)


def test_a_fin_in_the_window_of_a_host(lab, family, mode):
    """Data might be missing before it, so it is a claim, until the data of its sender goes beyond it."""
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    forger.from_client(FIN | ACK, forger.next + 10 + 5, forger.ack)
    talk(client, server, 2)
    assert watch.ask()["fin_disproved"] == 1
    assert lab.states(flow) == ("ESTABLISHED", "ESTABLISHED")
    close_well(lab, watch, client, server, flow, 2)


def test_blind_acks_at_a_host(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    before = watch.ask()
    for offset in (-20, 1, FAR):
        forger.from_client(ACK, forger.next + 10, forger.ack + 10 + offset)
        forger.from_client(ACK, forger.next + 10 + offset, forger.ack + FAR)
    after = watch.ask()
    assert after["not_watched"] - before["not_watched"] >= 6
    assert after["stepped"] == before["stepped"]
    talk(client, server, 2)
    close_well(lab, watch, client, server, flow, 2)


def test_blind_syns_at_a_host(lab, family, mode):
    """Each is a handshake of its own, and nothing comes of it: the socket sends a challenge ACK."""
    watch = lab.watch("--give-up-after", "0.5", mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    forger.from_client(SYN, FAR)
    forger.from_client(SYN, -FAR)
    forger.from_client(ACK, FAR + 1, forger.ack)     # the third ACK of nobody's
    forger.from_client(ACK, FAR + 1, FAR)
    until(lambda: watch.ask()["handshakes_timed_out"] == 2, "the handshakes to be given up", 5)
    talk(client, server, 2)
    close_well(lab, watch, client, server, flow, 2)
    counters = watch.counters
    assert counters["handshakes_started"] == 3 and counters["handshakes_completed"] == 1
    assert counters["connections_replaced"] == 0 and counters["challenge_acks"] >= 1


def test_blind_syn_acks_at_a_host(lab, family, mode):
    watch = lab.watch("--give-up-after", "0.5", mode=mode)
    client, server, flow = lab.pair(family)
    forger = Forger(lab, watch, flow)
    talk(client, server, 1)
    forger.from_client(SYN | ACK, FAR, FAR)
    forger.from_client(SYN | ACK, FAR, forger.ack)
    forger.from_client(ACK, FAR + 1, FAR)
    until(lambda: (lambda c: c["adoptions_started"] and c["adoptions_started"] == c["adoptions_expired"])(watch.ask()),
          "the candidates to expire", 5)
    talk(client, server, 2)
    close_well(lab, watch, client, server, flow, 2)
    assert watch.counters["begun_by_adoption"] == 0


def test_spoofed_handshakes_at_a_host(lab, family, mode):
    """SYN and ACK from addresses that are nobody's: an ACK that guesses wrong completes nothing."""
    watch = lab.watch("--give-up-after", "0.5", "--half-open-after", "0", mode=mode)
    listener = lab.listen(family)
    port = listener.getsockname()[1]
    mac = ":".join(f"{byte:02x}" for byte in lab.client_mac)
    count = 20
    for n in range(count):
        source = f"10.1.9.{n + 1}" if family == V4 else f"fd00::1:9{n:02x}"
        lab.server.ip("neigh", "add", source, "lladdr", mac, "dev", "s0")
        wire = Wire(lab, (source, 1024 + n), (lab.server_ip(family), port))
        wire.from_client(SYN, 1000)
        wire.from_client(ACK, 1001, 2000 + n)
        wire.from_client(ACK | PSH, 1001, 2000 + n, payload=b"GET / HTTP/1.0\r\n\r\n")
        wire.from_client(ACK | FIN, 1019, 2000 + n)
    until(lambda: watch.ask()["handshakes_timed_out"] == count, "the handshakes to be given up", 10)
    watch.stop()
    counters = watch.counters
    assert counters["handshakes_completed"] == counters["begun_by_adoption"] == 0
    assert counters["rst_ignored"] >= count  # the server's, with the forged number
    assert not watch.matching("open", {})
    with pytest.raises(BlockingIOError):
        listener.setblocking(False)
        listener.accept()


def test_stray_segments_at_a_host(lab, family, mode):
    """Of no connection at all: counted, and nothing comes of them."""
    watch = lab.watch("--give-up-after", "0.5", mode=mode)
    wire = Wire(lab, (lab.client_ip(family), 4000), (lab.server_ip(family), 4001))
    wire.from_client(RST, 1)
    wire.from_client(RST | ACK, 1, 1)
    wire.from_client(ACK, 1, 1)  # which the server answers with a RST
    wire.from_client(ACK | FIN, 1, 1)
    until(lambda: watch.ask()["adoptions_expired"] == 1, "the FIN to be forgotten", 5)
    watch.stop()
    assert watch.counters["stray_rst"] >= 3
    assert not watch.events


# --- a tap: both directions come in, and there is no socket to ask ---

class Tapped:
    """A connection as a tap shows it."""

    def __init__(self, lab, family):
        client = ("192.0.2.1" if family == V4 else "2001:db8::1", 4000)
        server = ("192.0.2.2" if family == V4 else "2001:db8::2", 80)
        self.flow = Flow(*client, *server)
        self.wire, self.back = Wire(lab, client, server), Wire(lab, server, client)
        self.seq, self.ack = 101, 501
        self.wire.from_client(SYN, 100)
        self.back.from_client(SYN | ACK, 500, 101)
        self.wire.from_client(ACK, 101, 501)

    def talk(self):
        self.wire.from_client(ACK | PSH, self.seq, self.ack, payload=b"0123456789")
        self.seq += 10
        self.back.from_client(ACK | PSH, self.ack, self.seq, payload=b"0123456789")
        self.ack += 10
        self.wire.from_client(ACK, self.seq, self.ack)

    def close(self):
        self.wire.from_client(ACK | FIN, self.seq, self.ack)
        self.back.from_client(ACK, self.ack, self.seq + 1)
        self.back.from_client(ACK | FIN, self.ack, self.seq + 1)
        self.wire.from_client(ACK, self.seq + 1, self.ack + 1)

    def expect_close(self, watch, exchanged):
        watch.expect("close", self.flow, how="fin", by="client", sequence="four_way", opened=True,
                     client_bytes=10 * exchanged, server_bytes=10 * exchanged)
        watch.stop()
        assert len([close for close in watch.closes(self.flow) if close["opened"]]) == 1


@pytest.fixture
def tap(lab, family, mode):
    watch = lab.watch("--view", "tap", "--give-up-after", "0.5", mode=mode)
    assert "out not watched" in watch.wait_error(": in by")[0]
    tapped = Tapped(lab, family)
    watch.expect("open", tapped.flow)
    tapped.talk()
    return watch, tapped


def test_a_tap_shows_both_directions(tap):
    watch, tapped = tap
    tapped.talk()
    tapped.close()
    tapped.expect_close(watch, 2)


def test_a_blind_rst_on_a_tap_with_traffic(tap):
    watch, tapped = tap
    tapped.wire.from_client(RST, tapped.seq)  # the right number, even
    tapped.talk()
    assert watch.ask()["rst_disproved"] == 1
    tapped.talk()
    tapped.close()
    tapped.expect_close(watch, 3)


def test_a_blind_rst_of_the_server_on_a_tap_with_traffic(tap):
    watch, tapped = tap
    tapped.back.from_client(RST | ACK, tapped.ack - 5, tapped.seq)
    tapped.talk()
    assert watch.ask()["rst_disproved"] == 1
    tapped.close()
    tapped.expect_close(watch, 2)


def test_a_blind_rst_on_an_idle_tap_reads_as_a_reset(tap):
    """Nobody could tell the difference from here; the close says what it rests on."""
    watch, tapped = tap
    tapped.wire.from_client(RST, tapped.seq)
    before = time.monotonic()
    close = watch.expect("close", tapped.flow, how="reset", by="client", opened=True)
    assert close["inferred"] == ["reset"]
    assert time.monotonic() - before > 1.5
    watch.stop()
    assert watch.counters["connections_reset"] == 1


def test_a_blind_fin_on_a_tap_with_traffic(tap):
    """The next data of its sender begins where it would have ended."""
    watch, tapped = tap
    tapped.wire.from_client(ACK | FIN, tapped.seq, tapped.ack)
    tapped.talk()
    counters = watch.ask()
    assert counters["fin_disproved"] == 1
    tapped.close()
    tapped.expect_close(watch, 2)


def test_a_blind_fin_ahead_on_a_tap_with_traffic(tap):
    watch, tapped = tap
    tapped.wire.from_client(ACK | FIN, tapped.seq + 5, tapped.ack)
    tapped.talk()  # its data covers that number
    assert watch.ask()["fin_disproved"] == 1
    tapped.close()
    tapped.expect_close(watch, 2)


def test_a_blind_syn_and_ack_on_a_tap(tap):
    watch, tapped = tap
    tapped.wire.from_client(SYN, FAR)
    tapped.wire.from_client(ACK, FAR + 1, FAR)
    tapped.back.from_client(ACK, tapped.ack, tapped.seq)  # the challenge ACK
    tapped.back.from_client(SYN | ACK, FAR, FAR - 5)
    tapped.talk()
    until(lambda: watch.ask()["handshakes_timed_out"] == 1, "the handshake to be given up", 5)
    tapped.talk()
    tapped.close()
    tapped.expect_close(watch, 3)
    assert watch.counters["handshakes_completed"] == 1 and watch.counters["connections_replaced"] == 0
