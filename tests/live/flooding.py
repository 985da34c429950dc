# SPDX-License-Identifier: GPL-2.0-only
"""Floods inside a lab, and what goes on beside them.

flood() runs the sender of flood.c and returns what it says it has sent. A SlowLab
has a third host between the two that holds all packets to the client for a while
(hold.c), so that real handshakes are pending for as long; the flood begins there.
Connections opens and closes real connections at a steady rate and remembers them.
"""
import array
import contextlib
import errno
import fcntl
import json
import os
import selectors
import socket
import struct
import subprocess
import threading
import time

from lab import ROOT, Flow, Lab, Namespace, lose_connection, until

BUILD = os.environ.get("TCPSHAKE_BUILD", os.path.join(ROOT, "build"))
FLOOD = os.path.join(BUILD, "live", "flood")
HOLD = os.path.join(BUILD, "live", "hold")
MODES = ("syn", "pair", "syn-ack", "ack", "fin", "rst", "flags", "odd", "scan")

SIOCETHTOOL, ETHTOOL_SGRO = 0x8946, 0x2C


def take_redirected(host, device):
    """GRO: without it or native XDP a veth throws away what is redirected to its peer."""
    value = array.array("B", struct.pack("II", ETHTOOL_SGRO, 1))
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", device.encode(), value.buffer_info()[0]))


def flood_from(lab):
    """The host and the device at the other end of the server's link."""
    return (lab.middle.name, "m0") if isinstance(lab, SlowLab) else (lab.client.name, lab.client_device)


class Flood:
    """One run of the sender. Options as flood.c has them: mode="syn", count=1000, to=[...], source_port=1."""

    def __init__(self, lab, to, mac=None, **options):
        command = [FLOOD, *flood_from(lab), (mac or lab.server_mac).hex(":")]
        for address in to:
            command += ["--to", address]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lab.stack.callback(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def report(self, patience=120):
        """{sent, dropped, delivered, seconds, rate}, once it is done."""
        output, errors = self.process.communicate(timeout=patience)
        assert self.process.returncode == 0, errors
        return json.loads(output)


def flood(lab, to, **options):
    return Flood(lab, to, **options).report()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def retention(watch, rate):
    """Seconds: for how long the ring of seeds remembers a SYN at this rate."""
    slots = next(int(line.split()[1]) for line in watch.errors if line.startswith("  seeds "))
    return slots / rate


NO_ONE = bytes.fromhex("020000000099")  # where answers to a flood go: no host has this MAC
GATEWAYS = {socket.AF_INET: "10.2.255.254", socket.AF_INET6: "fd00::2:ffff"}


def answer_everyone(lab):
    """The server has a way to everywhere, and what it sends there gets lost."""
    lab.server.ip("-b", "-", input="".join(f"neigh replace {ip} lladdr {NO_ONE.hex(':')} dev s0 nud permanent\n"
                                           f"route add default via {ip} dev s0\n" for ip in GATEWAYS.values()))


class SlowLab(Lab):
    """client c0 ---- m1 middle m0 ---- s0 server; the way to the client takes HOLD_MS."""

    HOLD_MS = 200
    def __init__(self, addresses=1):
        super().__init__(addresses)
        self.stack.callback(self.middle.close)
        self.know_neighbours(addresses)
        # its answers to a flood are soon given up; for early demultiplexing see test_volume.py
        for name, value in (("net.core.somaxconn", 65535), ("net.ipv4.tcp_synack_retries", 1),
                            ("net.ipv4.tcp_early_demux", 0)):
            self.server.sysctl(name, value)
        take_redirected(self.server, self.server_device)
        answer_everyone(self)
        command = [HOLD, self.middle.name, "m1", self.client_mac.hex(":"), str(self.HOLD_MS),
                   "m0", self.server_mac.hex(":"), "0"]
        self.holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.stack.callback(self.kill)
        assert self.holder.stdout.readline() == "ready\n"

    def add_link(self, client_device, server_device, mtu=1500, queues=None):
        self.middle = Namespace(self.client.name + "m")
        for host, device, port in ((self.client, client_device, "m1"), (self.server, server_device, "m0")):
            host.ip("link", "add", device, "type", "veth", "peer", "name", port, "netns", self.middle.name)
            host.sysctl(f"net.ipv6.conf.{device}.accept_dad", 0)
            host.ip("-b", "-", input=f"link set lo up\nlink set {device} up\n")
            self.middle.sysctl(f"net.ipv6.conf.{port}.disable_ipv6", 1)
            self.middle.ip("link", "set", port, "up")

    def know_neighbours(self, addresses):
        """Told, not asked for: a flood is no time for questions."""
        for host, device, address, mac in ((self.client, "c0", self.server_ip, self.server_mac),
                                           (self.server, "s0", self.client_ip, self.client_mac)):
            host.ip("-b", "-", input="".join(
                f"neigh replace {address(family, n)} lladdr {mac.hex(':')} dev {device} nud permanent\n"
                for family in GATEWAYS for n in range(addresses)))

    def held(self):
        """Ends the forwarding. {passed, lost}"""
        self.holder.terminate()
        return json.loads(self.holder.communicate(timeout=20)[0])

    def kill(self):
        if self.holder.poll() is None:
            self.holder.kill()
        self.holder.communicate()


class Connections:
    """`rate` real connections a second to a listener, by turns from the lab's client addresses.

    Each that connect() calls a success is remembered as a Flow in .opened, then closed, by the client first.

    A server that answers with SYN cookies may take the last ACK of a connection, come twice, for the opening of
    another, which no client knows of. So not all that it accepts comes to an end; what does is in .ended.
    """

    def __init__(self, lab, listener, rate=200, addresses=1, accepts=True):
        self.lab, self.listener, self.rate, self.addresses = lab, listener, rate, addresses
        self.target = listener.getsockname()[:2]
        self.family = listener.family
        self.opened, self.failed, self.begun, self.ended = [], [], 0, set()
        self.opened_at = {}  # seconds since the epoch, as events have it
        self.waiting, self.patient, self.orders = 0, True, []
        self.over = threading.Event()
        self.selector = selectors.DefaultSelector()
        self.accepts = accepts  # or another one of these does
        listener.setblocking(False)
        if accepts:
            self.selector.register(listener, selectors.EVENT_READ, self.accept)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        lab.stack.callback(self.drop)

    def run(self):
        begun = time.monotonic()
        with self.lab.client:  # this thread's sockets are the client's; the listener is the server's all the same
            while not self.over.is_set() or self.patient and self.busy():
                due = 0 if self.over.is_set() else int((time.monotonic() - begun) * self.rate) - self.begun
                for _ in range(due):
                    self.connect()
                for key, _ in self.selector.select(0.5 / self.rate):
                    key.data(key.fileobj)
                while self.orders:
                    self.orders[0]()
                    del self.orders[0]

    def busy(self):
        return self.waiting or self.accepts and not self.ended.issuperset(self.opened)

    def connect(self):
        sock = socket.socket(self.family)
        sock.setblocking(False)
        sock.bind((self.lab.client_ip(self.family, self.begun % self.addresses), 0))
        self.begun += 1
        error = sock.connect_ex(self.target)
        assert error == errno.EINPROGRESS, os.strerror(error)
        self.selector.register(sock, selectors.EVENT_WRITE, self.connected)
        self.waiting += 1

    def connected(self, sock):
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.failed.append(os.strerror(error))
        else:
            flow = Flow.of(sock)
            self.opened.append(flow)
            self.opened_at[flow] = time.time()
        self.waiting -= 1
        self.close(sock)

    def accept(self, listener):
        with contextlib.suppress(BlockingIOError):
            while True:
                sock = listener.accept()[0]
                sock.setblocking(False)
                self.selector.register(sock, selectors.EVENT_READ, self.end)

    def end(self, sock):
        self.ended.add(Flow(*sock.getpeername()[:2], *sock.getsockname()[:2]))
        self.close(sock)

    def close(self, sock):
        self.selector.unregister(sock)
        sock.close()

    def order(self, what):
        """Has the thread do it."""
        self.orders.append(what)
        until(lambda: not self.orders, "the thread to obey")

    def stop_accepting(self):
        """What is not accepted may fill a queue of eight."""
        self.order(lambda: (self.selector.unregister(self.listener), self.listener.listen(8)))

    def accept_again(self):
        self.order(lambda: (self.listener.listen(4096),
                            self.selector.register(self.listener, selectors.EVENT_READ, self.accept)))

    def stop_listening(self):
        self.order(lambda: (self.selector.unregister(self.listener), self.listener.close()))

    def listen_again(self):
        self.listener = self.lab.listen(self.family, backlog=4096, port=self.target[1])
        self.listener.setblocking(False)
        self.order(lambda: self.selector.register(self.listener, selectors.EVENT_READ, self.accept))

    def drop(self):
        """Ends, whatever is still under way."""
        self.patient = False
        self.over.set()
        self.thread.join(10)
        for key in list(self.selector.get_map().values()):
            if key.fileobj is not self.listener:
                self.selector.unregister(key.fileobj)
                lose_connection(key.fileobj)

    def stop(self, patience=60):
        """Begins no more, and waits until all is closed."""
        self.over.set()
        self.thread.join(patience)
        assert not self.thread.is_alive(), f"{self.waiting} connecting, {set(self.opened) - self.ended} not closed"
        self.drop()
        return self.opened
