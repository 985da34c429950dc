# SPDX-License-Identifier: GPL-2.0-only
"""Packets and capture files, byte by byte; nothing of tcpshake or libpcap takes part."""
import ipaddress
import struct

FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, ".": 0x10, "U": 0x20, "E": 0x40, "W": 0x80}

IPV4, IPV6 = 0x0800, 0x86DD
VLAN, QINQ = 0x8100, 0x88A8

# LINKTYPE_...
NULL, ETHERNET, PPP, PPP_SERIAL, PPP_ETHER = 0, 1, 9, 50, 51
RAW, LOOP, LINUX_SLL, RAW_IPV4, RAW_IPV6, LINUX_SLL2 = 101, 108, 113, 228, 229, 276

BEGIN_NS = 1700000000 * 10**9  # 2023-11-14 22:13:20 UTC
LARGE = 64 << 20  # of files from here on the progress is shown


# --- TCP and IP ---

def tcp_options(words):
    """"mss 1460,sackOK,wscale 7,TS" and "nop": what tcpdump prints, the order kept."""
    made = b""
    for word in filter(None, words.split(",")):
        name, _, value = word.strip().partition(" ")
        made += {
            "mss": lambda v: struct.pack(">BBH", 2, 4, int(v)),
            "wscale": lambda v: struct.pack(">BBBB", 1, 3, 3, int(v)),
            "sackOK": lambda _: b"\1\1\4\2",
            "TS": lambda _: b"\1\1\x08\x0a" + b"\0\0\0\1\0\0\0\0",
            "nop": lambda _: b"\1",
        }[name](value)
    return made + b"\0" * (-len(made) % 4)


def tcp(sport, dport, flags, seq, ack=0, payload=b"", options=""):
    extra = tcp_options(options)
    bits = sum(FLAGS[letter] for letter in flags)
    return struct.pack(">HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, (5 + len(extra) // 4) << 4, bits,
                       512, 0, 0) + extra + payload


def ipv4(src, dst, body, options=b"", fragment=0, protocol=6):
    options += b"\0" * (-len(options) % 4)
    return struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), 0, fragment, 64,
                       protocol, 0) + src.packed + dst.packed + options + body


def ipv6(src, dst, body, extensions=()):
    """extensions: (header type, its eight bytes or more without the first), the outermost first."""
    kinds = [kind for kind, _ in extensions] + [6]
    chain = b"".join(bytes([following]) + content for (_, content), following in zip(extensions, kinds[1:]))
    return struct.pack(">IHBB", 6 << 28, len(chain) + len(body), kinds[0], 64) + src.packed + dst.packed + chain + body


def ip(src, dst, body, **how):
    return (ipv4 if ipaddress.ip_address(src).version == 4 else ipv6)(
        ipaddress.ip_address(src), ipaddress.ip_address(dst), body, **how)


def ip_type(packet):
    return IPV4 if packet[0] >> 4 == 4 else IPV6


# --- links ---

def vlan_tags(packet, tags):
    """The Ethernet type and what follows it, behind so many tags."""
    types = [QINQ] * (tags - 1) + [VLAN] * min(tags, 1) + [ip_type(packet)]
    return struct.pack(">H", types[0]) + b"".join(struct.pack(">HH", 7, t) for t in types[1:]) + packet


def framed(link, packet, outgoing=False, tags=0):
    """The packet as a file of this link type has it."""
    typed = vlan_tags(packet, tags)
    v4 = ip_type(packet) == IPV4
    ppp = struct.pack(">H", 0x21 if v4 else 0x57)
    if link == ETHERNET:
        return b"\2\0\0\0\0\2" + b"\2\0\0\0\0\1" + typed
    if link == LINUX_SLL:
        return struct.pack(">HHH8s", 4 if outgoing else 0, 1, 6, b"\2\0\0\0\0\1") + typed
    if link == LINUX_SLL2:
        return typed[:2] + struct.pack(">HIHBB8s", 0, 3, 1, 4 if outgoing else 0, 6, b"\2\0\0\0\0\1") + typed[2:]
    if link in (NULL, LOOP):
        return struct.pack("<I" if link == NULL else ">I", 2 if v4 else 30) + packet
    if link == PPP:
        return ppp + packet
    if link == PPP_SERIAL:
        return b"\xff\x03" + ppp + packet
    if link == PPP_ETHER:
        return b"\x11\0\0\1" + struct.pack(">H", len(packet) + 2) + ppp + packet
    return packet  # RAW and those of one version


# --- files ---

class Frame:
    """One packet of a file: when (ns since the epoch), its bytes, how many of them were captured."""

    def __init__(self, time, data, snap=None, interface=0):
        self.time, self.data, self.interface = time, data, interface
        self.captured = data if snap is None else data[:snap]


def pcap(frames, link=ETHERNET, order="<", nano=True, snap=262144):
    unit = 1 if nano else 1000
    head = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)
    return head + b"".join(
        struct.pack(order + "IIII", frame.time // 10**9, frame.time % 10**9 // unit, len(frame.captured[:snap]),
                    len(frame.data)) + frame.captured[:snap] for frame in frames)


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(frames, links=(ETHERNET,), order="<", digits=9, snap=0):
    """An interface for each link type; digits: of the fraction of a second."""
    made = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link in links:
        made += block(order, 1, struct.pack(order + "HHIHHBxxxI", link, 0, snap, 9, 1, digits, 0))
    made += block(order, 5, struct.pack(order + "III", 0, 0, 0))  # statistics: to be passed over
    for frame in frames:
        ticks = frame.time * 10**digits // 10**9
        made += block(order, 6, struct.pack(order + "IIIII", frame.interface, ticks >> 32, ticks & 0xFFFFFFFF,
                                            len(frame.captured), len(frame.data)) + frame.captured)
    return made


# --- the plainest connection ---

def handshake_and_close(client="10.0.0.1", server="10.0.0.2", cport=40000, sport=80, at=BEGIN_NS, step=10**7):
    """(time, from the client?, IP packet) of SYN, SYN-ACK, ACK, request, FIN, FIN, ACK."""
    segments = (
        (True, "S", 1000, 0, b""), (False, "S.", 5000, 1001, b""), (True, ".", 1001, 5001, b""),
        (True, "P.", 1001, 5001, b"hello"), (True, "F.", 1006, 5001, b""), (False, "F.", 5001, 1007, b""),
        (True, ".", 1007, 5002, b""))
    for number, (ours, flags, seq, ack, payload) in enumerate(segments):
        ends = (client, server) if ours else (server, client)
        ports = (cport, sport) if ours else (sport, cport)
        yield at + number * step, ours, ip(*ends, tcp(*ports, flags, seq, ack, payload))


def plain_frames(link=ETHERNET, **how):
    return [Frame(time, framed(link, packet, not ours)) for time, ours, packet in handshake_and_close(**how)]
