# SPDX-License-Identifier: GPL-2.0-only
"""TCP segments as bytes, from the Ethernet header on, for raw sockets.

Checksums are right: what is forged with these is refused by a kernel for its
numbers or not at all.
"""
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

ETH_IP, ETH_IP6, ETH_VLAN, ETH_QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(addresses, length):
    return addresses + (struct.pack(">BBH", 0, 6, length) if len(addresses) == 8 else struct.pack(">II", length, 6))


def tcp(source, target, flags, seq, ack=0, payload=b"", window=64240, options=b""):
    """source, target: (address, port)."""
    options += b"\1" * (-len(options) % 4)
    size = 20 + len(options)
    head = struct.pack(">HHIIBBHHH", source[1], target[1], seq % 2**32, ack % 2**32, size // 4 << 4, flags, window,
                       0, 0) + options
    addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
    pseudo = pseudo_header(addresses, len(head) + len(payload))
    return head[:16] + struct.pack(">H", checksum(pseudo + head + payload)) + head[18:] + payload


def ip4(source, target, payload, options=b"", fragment=0, protocol=6):
    """fragment: offset in units of 8, with 0x2000 for "more follow"."""
    options += b"\1" * (-len(options) % 4)
    size = 20 + len(options)
    head = struct.pack(">BBHHHBBH4s4s", 0x40 | size // 4, 0, size + len(payload), 7, fragment, 64, protocol, 0,
                       ipaddress.ip_address(source).packed, ipaddress.ip_address(target).packed) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ip6(source, target, payload, extensions=(), protocol=6):
    """extensions: header types in their order; each is made as small as it can be."""
    chain = b""
    following = list(extensions[1:]) + [protocol]
    for kind, after in zip(extensions, following):
        if kind == FRAGMENT:
            chain += struct.pack(">BBHI", after, 0, 1, 77)  # the first, more follow
        elif kind == ROUTING:
            chain += struct.pack(">BBBBI", after, 0, 253, 0, 0)
        else:
            chain += struct.pack(">BB", after, 0) + bytes((1, 4, 0, 0, 0, 0))  # PadN
    first = extensions[0] if extensions else protocol
    return struct.pack(">IHBB", 6 << 28, len(chain) + len(payload), first, 64) + \
        ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed + chain + payload


def packet(source, target, *args, options=b"", extensions=(), fragment=0, tcp_options=b"", **kw):
    """From the IP header on."""
    segment = tcp(source, target, *args, options=tcp_options, **kw)
    if ":" in source[0]:
        return ip6(source[0], target[0], segment, extensions)
    return ip4(source[0], target[0], segment, options, fragment)


def ethernet(target_mac, source_mac, content, vlans=()):
    """vlans: (ethertype, id) from the outside in."""
    tags = b"".join(struct.pack(">HH", kind, number) for kind, number in vlans)
    kind = ETH_IP6 if content[0] >> 4 == 6 else ETH_IP
    return target_mac + source_mac + tags + struct.pack(">H", kind) + content


def with_checksum(frame):
    """A frame as captured where it is sent: there the device is to fill in the TCP checksum."""
    six = frame[14] >> 4 == 6
    start = 14 + (40 if six else (frame[14] & 15) * 4)
    addresses, segment = frame[22:54] if six else frame[26:34], frame[start:]
    segment = segment[:16] + b"\0\0" + segment[18:]
    return frame[:start] + segment[:16] + struct.pack(">H", checksum(pseudo_header(addresses, len(segment)) + segment)) \
        + segment[18:]


class Wire:
    """Sends made-up segments from either end of a lab's link, as if its host had."""

    def __init__(self, lab, client, server, **shape):
        self.client, self.server, self.shape = client, server, shape
        self.macs = lab.client_mac, lab.server_mac
        self.client_out = lab.own(lab.client.packet_socket(lab.client_device))
        self.server_out = lab.own(lab.server.packet_socket(lab.server_device))
        self.vlans = shape.pop("vlans", ())

    def from_client(self, *args, **kw):
        content = packet(self.client, self.server, *args, **{**self.shape, **kw})
        self.client_out.send(ethernet(self.macs[1], self.macs[0], content, self.vlans))

    def from_server(self, *args, **kw):
        content = packet(self.server, self.client, *args, **{**self.shape, **kw})
        self.server_out.send(ethernet(self.macs[0], self.macs[1], content, self.vlans))
