# SPDX-License-Identifier: GPL-2.0-only
"""
SYNs from addresses that no one has.

The sender is paced by the clock, so that a slow machine sends later and not less.
"""
import socket
import struct
import threading
import time

from frames import SYN, ethernet, packet


class Flood:
    """SYNs from addresses of 198.18.0.0/15, each once, to these ports, until stopped."""

    def __init__(self, lab, ports, rate=2000):
        self.out = lab.own(lab.client.packet_socket(lab.client_device))
        self.lab, self.ports, self.rate = lab, ports, rate
        self.sent, self.began, self.ended = 0, None, None
        self.stopping = threading.Event()
        # the answers go to the client, who is not those addresses and is not to reset what they began
        lab.server.ip("route", "add", "198.18.0.0/15", "via", lab.client_ip(socket.AF_INET))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        lab.stack.callback(self.stop)  # before the socket is closed

    def frame(self, number):
        source = socket.inet_ntoa(struct.pack(">I", 0xC6120000 + number % (1 << 17)))
        content = packet((source, 1024 + number % 60000), (self.lab.server_ip(socket.AF_INET),
                                                           self.ports[number % len(self.ports)]), SYN, number)
        return ethernet(self.lab.server_mac, self.lab.client_mac, content)

    def run(self):
        start = time.monotonic()
        while not self.stopping.wait(0.005):
            due = int((time.monotonic() - start) * self.rate)
            for number in range(self.sent, min(due, self.sent + self.rate // 10)):
                self.out.send(self.frame(number))
                self.ended = time.time()
                self.began = self.began or self.ended
                self.sent += 1

    def stop(self):
        self.stopping.set()
        self.thread.join()
