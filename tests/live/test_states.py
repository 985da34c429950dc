# SPDX-License-Identifier: GPL-2.0-only
"""
The states that tcpshake has are those of the kernels, at both ends.

Every point where an open or a close can come to rest is made with real sockets,
all of them in one run: what would go on is held by losing the packet that would
carry it on, behind the hooks, where tcpshake has seen it and the receiver never
will. Then the run is ended, and what it says of each is compared with `ss` in
both namespaces.

One kind of rest is not here, for nobody in the middle can know of it: that
where an ACK which has passed is lost on its last few metres (LAST_ACK beside
TIME_WAIT, FIN_WAIT_1 beside CLOSE_WAIT).
"""
import contextlib
import socket

import pytest

from lab import Flow, until

V4, V6 = socket.AF_INET, socket.AF_INET6


class Points:
    """Makes the points of rest. Each method returns a flow and the states it is to rest in."""

    def __init__(self, lab, family):
        self.lab, self.family = lab, family
        self.listener = lab.listen(family)
        self.port = self.listener.getsockname()[1]

    def pair(self):
        return self.lab.pair(self.family, self.listener)

    def lose(self, at, flow, what=""):
        """What arrives at one end of this flow, from now on."""
        ports = {"server": f"tcp dport {flow.server_port} tcp sport {flow.client_port}",
                 "client": f"tcp dport {flow.client_port} tcp sport {flow.server_port}"}
        return (self.lab.server if at == "server" else self.lab.client).drop(f"{ports[at]} {what}")

    def half_way(self, at, what=""):
        """A connect whose packets are lost at one end."""
        sock = self.lab.client_socket(self.family)
        flow = Flow(*sock.getsockname()[:2], self.lab.server_ip(self.family), self.port)
        self.lose(at, flow, what)
        self.lab.begin(self.family, self.port, sock)
        return flow

    # --- opens ---

    def syn_is_lost(self):
        return self.half_way("server"), ("SYN_SENT", "CLOSED")

    def synack_is_lost(self):
        return self.half_way("client"), ("SYN_SENT", "SYN_RCVD")

    def third_ack_is_lost(self):
        """Its SYN-ACK comes again, which tells."""
        return self.half_way("server", "tcp flags & (syn|ack) == ack"), ("ESTABLISHED", "SYN_RCVD")

    def accept_queue_is_full(self):
        lab, listener = self.lab, self.lab.listen(self.family, backlog=1)
        waiting = lab.client_socket(self.family)
        flow = Flow(*waiting.getsockname()[:2], *listener.getsockname()[:2])
        dropped = lab.client.drop(f"tcp dport {flow.client_port}")
        lab.begin(self.family, flow.server_port, waiting)
        for _ in range(2):
            lab.client_socket(self.family).connect(listener.getsockname()[:2])
        lab.client.pass_again(dropped)
        return flow, ("ESTABLISHED", "SYN_RCVD")

    def synack_of_a_split_open_is_lost(self):
        lab = self.lab
        client, server = lab.client_socket(self.family), lab.own(lab.server.socket(self.family))
        server.bind((lab.server_ip(self.family), 0))
        server.setblocking(False)
        flow = Flow(*client.getsockname()[:2], *server.getsockname()[:2])
        lost = self.lose("server", flow, "tcp flags & syn == syn")
        lab.begin(self.family, flow.server_port, client)
        lab.server.wait_dropped(lost)  # or on a busy machine the server's SYN may come by first
        with contextlib.suppress(BlockingIOError):
            server.connect((flow.client_ip, flow.client_port))
        return flow, ("SYN_RCVD", "SYN_SENT")

    def opened(self):
        return self.pair()[2], ("ESTABLISHED", "ESTABLISHED")

    def opened_and_used(self):
        client, server, flow = self.pair()
        client.sendall(b"x" * 5000)
        server.sendall(b"y" * 5000)
        return flow, ("ESTABLISHED", "ESTABLISHED")

    # --- closes: the client first, or the server first ---

    def ends(self, first):
        client, server, flow = self.pair()
        return (client, server, flow, "server") if first == "client" else (server, client, flow, "client")

    def fin_is_lost(self, first):
        closer, _, flow, there = self.ends(first)
        self.lose(there, flow, "tcp flags & fin == fin")
        closer.close()
        return flow, self.ordered(first, "FIN_WAIT_1", "ESTABLISHED")

    def half_closed(self, first):
        closer, _, flow, _ = self.ends(first)
        closer.shutdown(socket.SHUT_WR)
        return flow, self.ordered(first, "FIN_WAIT_2", "CLOSE_WAIT")

    def half_closed_by_an_orphan(self, first):
        closer, _, flow, _ = self.ends(first)
        closer.close()
        return flow, self.ordered(first, "FIN_WAIT_2", "CLOSE_WAIT")

    def half_closed_and_sending(self, first):
        closer, other, flow, _ = self.ends(first)
        closer.sendall(b"before")
        closer.shutdown(socket.SHUT_WR)
        self.lab.wait_states(flow, *self.ordered(first, "FIN_WAIT_2", "CLOSE_WAIT"))
        other.sendall(b"after" * 1000)
        return flow, self.ordered(first, "FIN_WAIT_2", "CLOSE_WAIT")

    def second_fin_is_lost(self, first):
        closer, other, flow, _ = self.ends(first)
        closer.shutdown(socket.SHUT_WR)
        self.lab.wait_states(flow, *self.ordered(first, "FIN_WAIT_2", "CLOSE_WAIT"))
        self.lose(first, flow, "tcp flags & fin == fin")
        other.close()
        return flow, self.ordered(first, "FIN_WAIT_2", "LAST_ACK")

    def fins_cross_and_one_is_lost(self, first):
        closer, other, flow, there = self.ends(first)
        self.lose(there, flow, "tcp flags & fin == fin")
        closer.close()
        self.lab.wait_states(flow, *self.ordered(first, "FIN_WAIT_1", "ESTABLISHED"))
        other.close()
        return flow, self.ordered(first, "CLOSING", "FIN_WAIT_2")

    def both_fins_are_lost(self, first):
        closer, other, flow, there = self.ends(first)
        for end in (there, first):
            self.lose(end, flow, "tcp flags & fin == fin")
        closer.close()
        other.close()
        return flow, ("FIN_WAIT_1", "FIN_WAIT_1")

    def closed_in_four(self, first):
        closer, other, flow, _ = self.ends(first)
        other.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        closer.close()
        self.lab.wait_states(flow, *self.ordered(first, "FIN_WAIT_2", "CLOSE_WAIT"))
        other.close()
        return flow, self.ordered(first, "TIME_WAIT", "CLOSED")

    def closed_in_three(self, first):
        closer, other, flow, _ = self.ends(first)
        other.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        closer.close()
        other.recv(1)
        other.close()
        return flow, self.ordered(first, "TIME_WAIT", "CLOSED")

    def closed_at_once(self, first):
        closer, other, flow, there = self.ends(first)
        host = self.lab.server if there == "server" else self.lab.client
        dropped = host.drop(f"tcp sport {flow.client_port if there == 'server' else flow.server_port} "
                            f"tcp dport {flow.server_port if there == 'server' else flow.client_port} "
                            "tcp flags & fin == fin")
        closer.close()
        self.lab.wait_states(flow, *self.ordered(first, "FIN_WAIT_1", "ESTABLISHED"))
        other.close()
        self.lab.wait_states(flow, *self.ordered(first, "CLOSING", "FIN_WAIT_2"))
        host.pass_again(dropped)
        return flow, ("TIME_WAIT", "TIME_WAIT")

    @staticmethod
    def ordered(first, closer, other):
        return (closer, other) if first == "client" else (other, closer)


OPENS = ["syn_is_lost", "synack_is_lost", "third_ack_is_lost", "accept_queue_is_full",
         "synack_of_a_split_open_is_lost", "opened", "opened_and_used"]
CLOSES = ["fin_is_lost", "half_closed", "half_closed_by_an_orphan", "half_closed_and_sending", "second_fin_is_lost",
          "fins_cross_and_one_is_lost", "both_fins_are_lost", "closed_in_four", "closed_in_three", "closed_at_once"]


@pytest.mark.parametrize("place", ["server", "client"])
def test_states_are_the_kernels(lab, mode, place):
    host, device = (lab.server, "s0") if place == "server" else (lab.client, "c0")
    watch = lab.watch("--half-open-after", "0.2", mode=mode, host=host, device=device)
    points = {}
    for family, name in ((V4, "v4"), (V6, "v6")):
        make = Points(lab, family)
        for point in OPENS:
            points[f"{name} {point}"] = getattr(make, point)()
        for point in CLOSES:
            for first in ("client", "server"):
                points[f"{name} {point}, {first} first"] = getattr(make, point)(first)

    # each comes to rest, by the kernels' own account
    pending = dict(points)

    def all_rest():
        client, server = lab.client.sockets(), lab.server.sockets()
        for name, (flow, states) in list(pending.items()):
            there = tuple(flow)
            if (client.get(there, "CLOSED"), server.get(there[2:] + there[:2], "CLOSED")) == states:
                del pending[name]
        return not pending

    until(all_rest, lambda: {name: (states, lab.states(flow)) for name, (flow, states) in pending.items()})
    for name, (flow, states) in points.items():
        if states == ("ESTABLISHED", "SYN_RCVD"):
            watch.expect("half_open", flow, waiting_for="accept")

    kernel = {name: lab.states(flow) for name, (flow, _) in points.items()}
    watch.stop()
    again = {name: lab.states(flow) for name, (flow, _) in points.items()}
    told = {name: [(close["client_state"], close["server_state"]) for close in watch.closes(flow)]
            for name, (flow, _) in points.items()}
    assert kernel == again, "it was no rest"
    assert kernel == {name: states for name, (_, states) in points.items()}
    assert {name: [states] for name, states in kernel.items()} == told
