# SPDX-License-Identifier: GPL-2.0-only
"""Devices of the tun driver: bare IP (tun) and Ethernet (tap)."""
import fcntl
import os
import select
import struct

from lab import PATIENCE, until

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
