# SPDX-License-Identifier: GPL-2.0-only
"""How connections of real kernels close and get stuck, and what is told of it."""
import socket

import pytest

from lab import close_in_four, exchange, lose_connection, until

V4, V6 = socket.AF_INET, socket.AF_INET6


# --- closes by FIN ---

def test_four_way_by_the_client(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    exchange(client, server)
    close_in_four(lab, client, server, flow, ("FIN_WAIT_2", "CLOSE_WAIT"))
    watch.expect("close", flow, how="fin", by="client", sequence="four_way", time_wait="client", opened=True,
                 client_state="TIME_WAIT", server_state="CLOSED", client_bytes=5, server_bytes=7, client_fin=1,
                 server_fin=1, conn_state="SF")
    watch.stop()
    assert len(watch.closes(flow)) == 1


def test_four_way_by_the_server(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    exchange(client, server)
    close_in_four(lab, server, client, flow, ("CLOSE_WAIT", "FIN_WAIT_2"))
    watch.expect("close", flow, how="fin", by="server", sequence="four_way", time_wait="server",
                 client_state="CLOSED", server_state="TIME_WAIT", client_bytes=5, server_bytes=7)
    watch.stop()


def test_three_way(lab, family, mode):
    """The second FIN carries the ACK of the first."""
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    exchange(client, server)
    # an ACK on its own never leaves the server, however slow this machine is
    lab.server.drop(f"tcp sport {flow.server_port} tcp flags & fin != fin", "output")
    client.close()
    assert server.recv(1) == b""
    server.close()
    watch.expect("close", flow, how="fin", by="client", sequence="three_way", time_wait="client",
                 client_fin=1, server_fin=1)
    watch.stop()


def test_simultaneous_close(lab, family, mode):
    """The server's FIN is lost behind the hook, so that the client closes without it."""
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    lab.client.drop(f"tcp sport {flow.server_port} tcp flags & fin == fin")
    server.close()
    lab.wait_states(flow, "ESTABLISHED", "FIN_WAIT_1")
    client.close()
    lab.wait_states(flow, "FIN_WAIT_2", "CLOSING")
    lab.client.pass_all()
    watch.expect("close", flow, how="fin", by="both", sequence="simultaneous", time_wait="both",
                 client_state="TIME_WAIT", server_state="TIME_WAIT")
    lab.wait_states(flow, "TIME_WAIT", "TIME_WAIT")
    watch.stop()


def test_half_close(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    client.sendall(b"all of it")
    client.shutdown(socket.SHUT_WR)
    lab.wait_states(flow, "FIN_WAIT_2", "CLOSE_WAIT")
    assert server.recv(100) == b"all of it"
    for _ in range(10):
        server.sendall(b"x" * 1000)
    server.close()
    received = 0
    while data := client.recv(65536):
        received += len(data)
    assert received == 10000
    client.close()
    event = watch.expect("close", flow, how="fin", by="client", sequence="four_way", client_bytes=9,
                         server_bytes=10000)
    assert 0 < event["half_closed_ns"] < event["duration_ns"]
    watch.stop()


# --- what stays too long ---

def test_server_forgets_to_close(lab, family, mode):
    watch = lab.watch("--close-wait-after", "0.3", mode=mode)
    client, server, flow = lab.pair(family)
    client.shutdown(socket.SHUT_WR)
    event = watch.expect("linger", flow, phase="start", scope="flow", state="CLOSE_WAIT", holder="server")
    assert 300e6 <= event["age_ns"] < 600e6
    server.close()
    watch.expect("linger", flow, phase="end", state="CLOSE_WAIT", holder="server")
    watch.expect("close", flow, how="fin", by="client")
    watch.stop()


def test_fin_wait_lingers(lab, family, mode):
    watch = lab.watch("--fin-wait-after", "0.3", "--close-wait-after", "0", mode=mode)
    client, server, flow = lab.pair(family)
    client.shutdown(socket.SHUT_WR)
    watch.expect("linger", flow, phase="start", state="FIN_WAIT_2", holder="client")
    server.close()
    watch.expect("linger", flow, phase="end", state="FIN_WAIT_2", holder="client")
    watch.expect("close", flow, how="fin")
    watch.stop()
    assert not watch.matching("linger", {"state": "CLOSE_WAIT"})


def test_time_wait_by_flow(lab, family, mode):
    watch = lab.watch("--time-wait-after", "0.3", mode=mode)
    client, server, flow = lab.pair(family)
    close_in_four(lab, client, server, flow, ("FIN_WAIT_2", "CLOSE_WAIT"))
    watch.expect("close", flow, how="fin")
    event = watch.expect("linger", flow, phase="start", scope="flow", state="TIME_WAIT", holder="client")
    assert 300e6 <= event["age_ns"] < 600e6
    watch.stop()
    assert watch.counters["time_wait_entered"] == 1


# --- resets ---

@pytest.mark.parametrize("by", ["client", "server"])
def test_reset(lab, family, mode, by):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    exchange(client, server)
    lose_connection(client if by == "client" else server)
    close = watch.expect("close", flow, how="reset", by=by, opened=True)
    assert "inferred" not in close  # its socket knew the number
    assert close["client_rst" if by == "client" else "server_rst"] == 1
    watch.stop()
    assert watch.counters["connections_reset"] == 1


def test_reset_with_unread_data(lab, family, mode):
    """The kernel's own RST: the socket was closed with bytes in it."""
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    client.sendall(b"nobody reads this")
    until(lambda: server.recv(1, socket.MSG_PEEK), "the data")
    server.close()
    watch.expect("close", flow, how="reset", by="server")
    watch.stop()


def test_reset_while_half_closed(lab, family, mode):
    watch = lab.watch(mode=mode)
    client, server, flow = lab.pair(family)
    client.shutdown(socket.SHUT_WR)
    lab.wait_states(flow, "FIN_WAIT_2", "CLOSE_WAIT")
    lose_connection(server)
    watch.expect("close", flow, how="reset", by="server", client_fin=1, server_fin=0)
    watch.stop()


# --- the same pair again, and connections older than the run ---

def test_port_reused_in_time_wait(lab, family, mode):
    """The server closed first, so it waits; the client is free to come again from the same port."""
    watch = lab.watch(mode=mode)
    listener = lab.listen(family)
    client, server, flow = lab.pair(family, listener)
    close_in_four(lab, server, client, flow, ("CLOSE_WAIT", "FIN_WAIT_2"))
    watch.expect("close", flow, how="fin", by="server")
    lab.wait_states(flow, "CLOSED", "TIME_WAIT")
    again, server, same = lab.pair(family, listener, lab.client_socket(family, flow.client_port))
    assert same == flow
    watch.wait_for(lambda: len(watch.matching("open", flow.fields)) == 2, "the second open")
    lose_connection(again)
    watch.expect("close", flow, how="reset")
    watch.stop()
    assert len(watch.closes(flow)) == 2
    assert watch.counters["time_wait_reused"] == 1


def test_older_than_the_run(lab, family, mode):
    """From the socket table, in the state they are in; their ends are told, opens are not."""
    listener = lab.listen(family)
    client, server, established = lab.pair(family, listener)
    half, half_server, half_closed = lab.pair(family, listener)
    half.shutdown(socket.SHUT_WR)
    lab.wait_states(half_closed, "FIN_WAIT_2", "CLOSE_WAIT")
    there, there_server, closing = lab.pair(family, listener)
    there_server.shutdown(socket.SHUT_WR)
    lab.wait_states(closing, "CLOSE_WAIT", "FIN_WAIT_2")
    stays, _, standing = lab.pair(family, listener)

    watch = lab.watch(mode=mode)
    until(lambda: watch.ask()["begun_by_adoption"] == 4, "the four connections")
    close_in_four(lab, client, server, established, ("FIN_WAIT_2", "CLOSE_WAIT"))
    watch.expect("close", established, how="fin", by="client", sequence="four_way", adopted=True, opened=False,
                 local="server")
    half_server.close()
    watch.expect("close", half_closed, how="fin", adopted=True, opened=False, server_state="CLOSED")
    lose_connection(there)
    watch.expect("close", closing, how="reset", by="client", adopted=True)
    watch.stop()
    watch.none("open")
    close, = watch.closes(standing)
    assert close["how"] == "end_of_run"
    assert (close["client_state"], close["server_state"]) == ("ESTABLISHED", "ESTABLISHED")
    assert watch.counters["begun_by_adoption"] == 4


# --- every way to attach ---

WAYS = {
    "native": ("native", {}),
    "tc": ("tc", {}),
    "auto": ("auto", {}),
    "generic": ("generic", {}),
    "clsact": ("tc", {"TCPSHAKE_NO_TCX": "1"}),
    "native-clsact": ("native", {"TCPSHAKE_NO_TCX": "1"}),
    "without-btf": ("native", {"TCPSHAKE_NO_BTF": "1"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_attach(lab, way):
    """A little of everything, from one run, over both families."""
    mode, environment = WAYS[way]
    watch = lab.watch(mode=mode, environment=environment)
    line = watch.wait_error(": in by")[0]
    assert ("clsact" in line) == ("TCPSHAKE_NO_TCX" in environment), line
    for family in (V4, V6):
        client, server, flow = lab.pair(family)
        exchange(client, server)
        close_in_four(lab, client, server, flow, ("FIN_WAIT_2", "CLOSE_WAIT"))
        watch.expect("open", flow, kind="three_way")
        watch.expect("close", flow, how="fin", by="client", sequence="four_way", client_bytes=5, server_bytes=7)

        client, server, flow = lab.pair(family)
        exchange(client, server)
        lose_connection(client)
        # who cannot ask the socket waits whether the sender goes on
        watch.expect("close", flow, how="reset", by="client")

        client, server, flow = lab.pair(family)
        lose_connection(server)
        watch.expect("close", flow, how="reset", by="server")

        _, flow = lab.begin(family, lab.unused_port(family))
        watch.expect("close", flow, how="refused", by="server")

        client, server, flow = lab.pair(family)
        client.shutdown(socket.SHUT_WR)
        lab.wait_states(flow, "FIN_WAIT_2", "CLOSE_WAIT")
    watch.stop()
    close, = watch.closes(flow)
    assert (close["client_state"], close["server_state"]) == ("FIN_WAIT_2", "CLOSE_WAIT")
    assert watch.counters["handshakes_completed"] == 8 and watch.counters["handshakes_refused"] == 2
