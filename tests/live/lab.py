# SPDX-License-Identifier: GPL-2.0-only
"""Two hosts out of network namespaces, a link between them, and tcpshake on the server's.

Everything happens inside namespaces that are made here and are gone afterwards,
whatever becomes of the test. A socket belongs to the namespace it was opened
in for ever, so one process can hold both ends: `with lab.client:` moves this
thread there for as long as it takes to open one.

Nothing sleeps for a result: events, states and counters are awaited with a deadline.
"""
import collections
import contextlib
import ctypes
import ipaddress
import json
import os
import re
import socket
import struct
import subprocess
import time

from watcher import PATIENCE, Watcher, brief, field  # noqa: F401  (to be had from here, too)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("TCPSHAKE", os.path.join(ROOT, "build", "tcpshake"))

CLONE_NEWNET = 0x40000000

LINGER_RESET = struct.pack("ii", 1, 0)

# What `ss` calls the states, and what RFC 9293 does.
SS_STATES = {"ESTAB": "ESTABLISHED", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RCVD", "FIN-WAIT-1": "FIN_WAIT_1",
             "FIN-WAIT-2": "FIN_WAIT_2", "CLOSE-WAIT": "CLOSE_WAIT", "CLOSING": "CLOSING", "LAST-ACK": "LAST_ACK",
             "TIME-WAIT": "TIME_WAIT"}

libc = ctypes.CDLL(None, use_errno=True)
numbers = iter(range(10**9))


def run(*command, check=True, **kw):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **kw)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done


def until(answer, what, patience=PATIENCE):
    """Asks until there is an answer that is not None or False."""
    end = time.monotonic() + patience
    while True:
        found = answer()
        if found is not None and found is not False:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s for {what() if callable(what) else what}")
        time.sleep(0.01)


def move_to(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A host. `with` moves this thread into it."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.back = []
        self.filtered = False

    def __enter__(self):
        self.back.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        move_to(self.fd)
        return self

    def __exit__(self, *_):
        fd = self.back.pop()
        move_to(fd)
        os.close(fd)

    def close(self):
        os.close(self.fd)
        run("ip", "netns", "del", self.name, check=False)

    def run(self, *command, **kw):
        with self:
            return run(*command, **kw)

    def ip(self, *args, **kw):
        return run("ip", "-n", self.name, *args, **kw)

    def sysctl(self, name, value):
        with self, open("/proc/sys/" + name.replace(".", "/"), "w") as file:
            file.write(str(value))

    def socket(self, family, kind=socket.SOCK_STREAM, protocol=0):
        with self:
            return socket.socket(family, kind, protocol)

    def packet_socket(self, device):
        with self:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.bind((device, 0))
            return sock

    # --- packets that get lost, behind tcpshake's hooks ---

    def drop(self, rule, chain="input"):
        """Loses what the nft rule matches: "input" arrives (and was seen) but is not delivered."""
        text = "" if self.filtered else (
            "table inet lab {\n"
            " chain input { type filter hook input priority 0; }\n"
            " chain output { type filter hook output priority 0; }\n}\n")
        self.filtered = True
        told = self.run("nft", "-e", "-a", "-f", "-", input=f"{text}add rule inet lab {chain} {rule} counter drop\n").stdout
        return chain, re.findall(r"drop # handle (\d+)", told)[-1]

    def wait_dropped(self, dropped):
        """Until the rule of one drop() has lost a packet."""
        chain, handle = dropped
        pattern = rf"counter packets [1-9].* # handle {handle}\n"
        until(lambda: re.search(pattern, self.run("nft", "-a", "list", "chain", "inet", "lab", chain).stdout),
              f"a packet to be lost by rule {handle}")

    def pass_again(self, dropped):
        """Ends what one drop() began."""
        self.run("nft", "delete", "rule", "inet", "lab", dropped[0], "handle", dropped[1])

    def pass_all(self):
        if self.filtered:
            self.run("nft", "flush", "table", "inet", "lab")

    # --- what the kernel says ---

    def sockets(self):
        """{(local, local port, remote, remote port): state}, in RFC 9293's words."""
        table = {}
        for line in self.run("ss", "-tanH").stdout.splitlines():
            state, _, _, local, remote = line.split()[:5]
            if state in SS_STATES:
                table[endpoint(local) + endpoint(remote)] = SS_STATES[state]
        return table

    def netstat(self):
        counts = {}
        with self:
            for name in ("snmp", "netstat"):
                with open(f"/proc/thread-self/net/{name}") as file:
                    lines = file.read().splitlines()
                for keys, values in zip(lines[::2], lines[1::2]):
                    group = keys.split(":")[0]
                    for key, value in zip(keys.split()[1:], values.split()[1:]):
                        counts[f"{group}{key}"] = int(value)
        return counts


def endpoint(text):
    """Of `ss`: 10.0.0.1:80, [fd00::1]:80, [::ffff:10.0.0.1]:80, with %device perhaps."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]").split("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host, port
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port) if port.isdigit() else port


class Flow(collections.namedtuple("Flow", "client_ip client_port server_ip server_port")):
    """One connection's four names; as a dictionary they are the fields of an event."""

    @property
    def fields(self):
        return self._asdict()

    @classmethod
    def of(cls, client_socket):
        return cls(*client_socket.getsockname()[:2], *client_socket.getpeername()[:2])


class Lab:
    """client c0 ---- s0 server, `addresses` of each family on both sides."""

    def __init__(self, addresses=1, mtu=1500, queues=None):
        self.client_ports = set()
        name = f"ts{os.getpid()}x{next(numbers)}"
        self.stack = contextlib.ExitStack()
        self.client_device, self.server_device = "c0", "s0"
        with contextlib.ExitStack() as stack:
            self.client = Namespace(name + "c")
            stack.callback(self.client.close)
            self.server = Namespace(name + "s")
            stack.callback(self.server.close)
            self.add_link(self.client_device, self.server_device, mtu, queues)
            self.add_addresses(addresses)
            self.client_mac, self.server_mac = self.mac(self.client, "c0"), self.mac(self.server, "s0")
            self.stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def add_link(self, client_device, server_device, mtu=1500, queues=None):
        """queues: as many as the kernel likes, or a number."""
        shape = ["mtu", str(mtu)] + (["numrxqueues", str(queues), "numtxqueues", str(queues)] if queues else [])
        self.client.ip("link", "add", client_device, *shape, "type", "veth", "peer", "name", server_device,
                       *shape, "netns", self.server.name)
        for host, device in ((self.client, client_device), (self.server, server_device)):
            host.sysctl(f"net.ipv6.conf.{device}.accept_dad", 0)
            host.ip("-b", "-", input=f"link set lo up\nlink set {device} up\n")

    def add_addresses(self, addresses):
        for host, device, side in ((self.client, "c0", 0), (self.server, "s0", 1)):
            lines = []
            for n in range(addresses):
                lines.append(f"addr add {address(socket.AF_INET, side, n)}/8 dev {device}")
                lines.append(f"addr add {address(socket.AF_INET6, side, n)}/64 dev {device} nodad")
            host.ip("-b", "-", input="\n".join(lines) + "\n")

    @staticmethod
    def mac(host, device):
        return bytes.fromhex(json.loads(host.ip("-j", "link", "show", device).stdout)[0]["address"].replace(":", ""))

    def client_ip(self, family, n=0):
        return address(family, 0, n)

    def server_ip(self, family, n=0):
        return address(family, 1, n)

    # --- sockets ---

    def own(self, sock):
        """Closed at the latest with the lab."""
        self.stack.callback(sock.close)
        return sock

    def listen(self, family, backlog=64, n=0, port=0):
        sock = self.own(self.server.socket(family))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.server_ip(family, n), port))
        sock.listen(backlog)
        sock.settimeout(PATIENCE)
        return sock

    def unused_port(self, family, host=None):
        """A port of the server where nobody listens."""
        with self.server.socket(family) as sock:
            sock.bind((host or self.server_ip(family), 0))
            return sock.getsockname()[1]

    def client_socket(self, family, port=0, n=0):
        """Of its own port: the kernel may give one again whose connection has just ended, or has rules of loss."""
        while True:
            sock = self.own(self.client.socket(family))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.client_ip(family, n), port))
            sock.settimeout(PATIENCE)
            if port or sock.getsockname()[1] not in self.client_ports:
                break
            sock.close()
        self.client_ports.add(sock.getsockname()[1])
        return sock

    def begin(self, family, port, sock=None):
        """Sends a SYN and does not wait. Returns the socket and the flow."""
        sock = sock or self.client_socket(family)
        sock.setblocking(False)
        flow = Flow(*sock.getsockname()[:2], self.server_ip(family), port)
        with contextlib.suppress(BlockingIOError):
            sock.connect((flow.server_ip, port))
        return sock, flow

    def pair(self, family, listener=None, sock=None):
        """An open connection: client's socket, server's socket, flow."""
        listener = listener or self.listen(family)
        sock = sock or self.client_socket(family)
        sock.connect(listener.getsockname()[:2])
        accepted = self.own(listener.accept()[0])
        accepted.settimeout(PATIENCE)
        return sock, accepted, Flow.of(sock)

    # --- states ---

    def states(self, flow):
        """What both kernels say of a connection: (client's, server's)."""
        own = tuple(flow)
        return (self.client.sockets().get(own, "CLOSED"),
                self.server.sockets().get(own[2:] + own[:2], "CLOSED"))

    def wait_states(self, flow, client, server, patience=PATIENCE):
        seen = []

        def there():
            seen[:] = self.states(flow)
            return tuple(seen) == (client, server)

        until(there, lambda: f"{client} / {server}, kernel has {seen}", patience)

    def start(self, *args, **kw):
        """tcpshake on the server with these arguments, not waited for."""
        watcher = Watcher(kw.pop("host", self.server), [BINARY, *args], **kw)
        self.stack.callback(watcher.kill)
        return watcher

    def watch(self, *args, device="s0", mode="native", **kw):
        """tcpshake, attached: from here on nothing on the device is missed."""
        watcher = self.start("-j", "-v", "--mode", mode, "-i", device, *args, **kw)
        # on a busy machine the kernel takes its time to load, and to attach while others' namespaces go
        watcher.wait_error(r": in by .*, out ", patience=6 * PATIENCE)
        return watcher


def address(family, side, n):
    if family == socket.AF_INET:
        return f"10.{side + 1}.{n // 250}.{n % 250 + 1}"
    return f"fd00::{side + 1}:{n + 1:x}"


def exchange(client, server, question=b"hello", answer=b"welcome"):
    client.sendall(question)
    assert server.recv(100) == question
    server.sendall(answer)
    assert client.recv(100) == answer


def ack_at_once(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def close_in_four(lab, first, second, flow, states):
    """Each FIN has its own ACK."""
    ack_at_once(second)
    first.close()
    lab.wait_states(flow, *states)
    second.close()


def lose_connection(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    sock.close()
