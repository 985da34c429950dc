#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two hosts out of network namespaces, real sockets, and what tcpshake tells of them.

Every line without a '#' is tcpshake's own, run with --mode native on the
server's side. Each is awaited and checked against what the sockets really did;
the exit status says whether all was told, and nothing else. The namespaces are
gone afterwards, whatever happens.
"""
import collections
import contextlib
import os
import re
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
from attack import Attack  # noqa: E402
from lab import BINARY, Flow, Lab, Watcher, lose_connection  # noqa: E402

V4, V6 = socket.AF_INET, socket.AF_INET6

OPTIONS = ["--half-open-after", "1", "--close-wait-after", "2", "--time-wait-after", "2", "--give-up-after", "4"]


class Printed(Watcher):
    """Prints tcpshake's lines as they come."""

    def take_line(self, line):
        print(line, flush=True)
        super().take_line(line)

    def take_error(self, line):
        print(line, flush=True)
        super().take_error(line)


class Demo:
    def __init__(self, lab):
        self.lab = lab
        self.tally = collections.Counter()
        self.lines = 0
        command = [BINARY, "-i", lab.server_device, "--mode", "native", *OPTIONS]
        print("# " + " ".join(["tcpshake"] + command[1:]))
        self.watch = Printed(lab.server, command)
        lab.stack.callback(self.watch.kill)
        self.watch.wait_error(r"in by native XDP", patience=60)
        self.listeners = {family: lab.listen(family) for family in (V4, V6)}

    def told(self, flow, label, words):
        """Waits for tcpshake's line about this connection; `words` is a regular expression."""
        def side(ip, port):
            return re.escape(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}")

        pattern = rf"{label} +{side(*flow[:2])} -> \*{side(*flow[2:])} +{words}"
        self.watch.wait_for(lambda: any(re.search(pattern, line) for line in self.watch.text), pattern)
        self.lines += 1
        self.tally[label] += 1

    def opened(self, family):
        pair = self.lab.pair(family, self.listeners[family])
        self.told(pair[2], "OPEN", r"three-way, server [\d.]+ .?s \+ client [\d.]+ .?s")
        self.tally["completed"] += 1
        return pair

    def closed(self, flow, words, how):
        self.told(flow, "CLOSE", words)
        self.tally[how] += 1

    # --- what happens ---

    def opens(self):
        title("A connection opens: both halves of its round trip, over IPv4 and over IPv6")
        return [self.opened(family) for family in (V4, V6)]

    def refused(self):
        title("Nobody listens there: refused")
        _, flow = self.lab.begin(V4, self.lab.unused_port(V4))
        self.closed(flow, "refused by server", "refused")

    def silent_server(self):
        title("A server that does not answer (a firewall drops the SYN)")
        port = self.listeners[V6].getsockname()[1]
        self.lab.server.drop(f"ip6 daddr {self.lab.server_ip(V6)} tcp dport {port} tcp flags & (syn|ack) == syn")
        sock, flow = self.lab.begin(V6, port)
        self.told(flow, "HALF-OPEN", r"no SYN-ACK from the server for 1\.\d s \(\d SYN\)")
        sock.close()
        self.lab.server.pass_all()
        return flow

    def vanished_client(self):
        title("A client that is gone when the SYN-ACK comes")
        port = self.listeners[V4].getsockname()[1]
        sock = self.lab.client_socket(V4)
        self.lab.client.drop(f"tcp sport {port} tcp dport {sock.getsockname()[1]}")
        sock, flow = self.lab.begin(V4, port, sock)
        sock.close()
        self.told(flow, "HALF-OPEN", r"no ACK from the client for 1\.\d s \(1 SYN, \d SYN-ACK\)")
        return flow

    def four_way(self, client, server, flow):
        title("Four-way close: FIN, ACK, FIN, ACK")
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        client.close()
        self.lab.wait_states(flow, "FIN_WAIT_2", "CLOSE_WAIT")
        server.close()
        self.closed(flow, "FIN four-way, client first, .*TIME_WAIT at client", "fin")
        return flow

    def three_way(self, client, server, flow):
        title("Three-way close: the second FIN carries the ACK of the first")
        # an ACK on its own never leaves the client, however slow this machine is
        alone = self.lab.client.drop(f"tcp sport {flow.client_port} tcp dport {flow.server_port} "
                                     "tcp flags & fin != fin", "output")
        server.close()
        client.recv(1)
        client.close()
        self.closed(flow, "FIN three-way, server first, .*TIME_WAIT at server", "fin")
        self.lab.client.pass_again(alone)
        return flow

    def simultaneous(self):
        title("Both ends close before either hears of it")
        client, server, flow = self.opened(V4)
        dropped = self.lab.client.drop(f"tcp sport {flow.server_port} tcp dport {flow.client_port} "
                                       "tcp flags & fin == fin")
        server.close()
        self.lab.wait_states(flow, "ESTABLISHED", "FIN_WAIT_1")
        client.close()
        self.lab.wait_states(flow, "FIN_WAIT_2", "CLOSING")
        self.lab.client.pass_again(dropped)
        self.closed(flow, "FIN simultaneous, .*TIME_WAIT at both", "fin")
        return flow

    def resets(self):
        title("Reset by the client, reset by the server")
        for family, by in ((V6, "client"), (V4, "server")):
            client, server, flow = self.opened(family)
            lose_connection(client if by == "client" else server)
            self.closed(flow, f"reset by {by} ", "reset")

    def half_close(self):
        title("Half close: the client has sent all, the server goes on for half a second")
        client, server, flow = self.opened(V6)
        client.sendall(b"a question")
        client.shutdown(socket.SHUT_WR)
        self.lab.wait_states(flow, "FIN_WAIT_2", "CLOSE_WAIT")
        server.recv(100)
        for _ in range(5):
            server.sendall(b"some of the answer")
            time.sleep(0.1)  # what is shown is that time passes
        server.close()
        self.closed(flow, r"FIN four-way, client first, after ([5-9]\d\d ms|[1-9][\d.]* s)", "fin")
        return flow

    def forgetful_server(self):
        title("A server (this process) that forgets to close: CLOSE_WAIT, until it remembers")
        client, server, flow = self.opened(V4)
        client.close()
        us = rf"held by {re.escape(open('/proc/self/comm', encoding='ascii').read().strip())}\[{os.getpid()}\]"
        self.told(flow, "LINGER", rf"CLOSE_WAIT 2\.\d s, {us}")
        server.close()
        self.told(flow, "LINGER", rf"CLOSE_WAIT over after [2-9][\d.]* s, {us}")
        self.closed(flow, "FIN four-way, client first", "fin")
        return flow

    def time_waits(self, flows):
        title("Each of these now stays in TIME_WAIT where it was closed first")
        for flow in flows:
            self.told(flow, "LINGER", r"TIME_WAIT 2\.\d s at (client|server)")

    def given_up(self, flows):
        title("What never opened is given up")
        for flow in flows:
            self.closed(flow, r"timeout after \d", "timed out")

    def act(self):
        one, two = self.opens()
        self.refused()
        never = [self.silent_server(), self.vanished_client()]
        waiting = [self.four_way(*one), self.three_way(*two), self.simultaneous()]
        self.resets()
        waiting += [self.half_close(), self.forgetful_server()]
        self.time_waits(waiting)
        self.given_up(never)

    # --- and whether it was told right ---

    def finish(self):
        title("^C: the summary")
        self.watch.signal(signal.SIGINT)
        if self.watch.wait() != 0:
            return [f"exit status {self.watch.status}"]
        summary = "\n".join(self.watch.summary)
        tally = self.tally
        wrong = []
        started = tally["completed"] + tally["refused"] + tally["timed out"]
        for words in (f"handshakes +{started}: {tally['completed']} completed, {tally['refused']} refused, "
                      f"{tally['timed out']} timed out, 0 unfinished",
                      f"connections +{tally['completed']}: {tally['fin']} closed by FIN, {tally['reset']} reset, 0 live",
                      f"events +{self.lines}: {self.lines} written, 0 lost"):
            if not re.search(words, summary):
                wrong.append(f"the summary should say: {words}")
        counts = collections.Counter(line.split()[1] for line in self.watch.text)
        for label in sorted(set(counts) | {"OPEN", "CLOSE", "HALF-OPEN", "LINGER"}):
            if counts[label] != tally[label]:
                wrong.append(f"{counts[label]} lines of {label}, not {tally[label]}")
        return wrong


def title(text):
    print(f"\n# {text}", flush=True)


def show(attack):
    title("Meanwhile on two other hosts: a flood of SYNs from forged addresses, and a service that accepts nothing")
    print(f"# {attack.command}")
    wrong = attack.finish()
    print("\n".join(attack.lines))
    return wrong


def main():
    if os.geteuid():
        sys.exit("demo: needs root, for network namespaces and for attaching inside them: sudo make demo")
    if not os.path.exists(BINARY):
        sys.exit(f"demo: {BINARY} is not there: make")
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("# two hosts, 10.1.0.1 and 10.2.0.1 (fd00::1:1 and fd00::2:1), a veth pair between them;")
    print("# tcpshake watches the second one")
    with contextlib.suppress(KeyboardInterrupt), Lab() as lab, Lab() as other:
        try:
            attack = Attack(other)
            demo = Demo(lab)
            demo.act()
            wrong = demo.finish() + show(attack)
        except AssertionError as failure:
            wrong = [str(failure)]
        if wrong:
            print("\n# NOT as it was:\n# " + "\n# ".join("\n".join(wrong).splitlines()))
            return 1
        print(f"\n# all {demo.lines} lines are what the sockets did, the summary too "
              f"({time.monotonic() - started:.0f} s)")
        return 0
    return 130


if __name__ == "__main__":
    sys.exit(main())
