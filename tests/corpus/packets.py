# SPDX-License-Identifier: GPL-2.0-only
"""TCP segments of a capture file, read without any help from tcpshake or libpcap.

The oracle's rows count whole streams; a close is a fact of its moment. To know
the truth up to that moment the packets themselves are needed, and they must
not come from the reader that is under test. This one is slow and plain.
"""
import ipaddress
import struct

SYN, ACK = 0x02, 0x10

VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
EXTENSION_HEADERS = (0, 43, 44, 51, 60, 135)


class Cut(Exception):
    """A header goes on where the captured bytes end."""


def take(data, at, fmt):
    size = struct.calcsize(fmt)
    if at + size > len(data):
        raise Cut
    return struct.unpack_from(fmt, data, at)


# --- files: (time in ns, link type, captured bytes, length on the wire) ---

def frames_of_pcap(data, order, ns_per_unit):
    link = struct.unpack_from(order + "I", data, 20)[0] & 0x0FFFFFFF
    at = 24
    while at + 16 <= len(data):
        sec, sub, captured, length = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if captured > 262144 or at + captured > len(data):
            return
        yield sec * 10**9 + sub * ns_per_unit, link, data[at:at + captured], length
        at += captured


def options_of(data, order, at, end):
    while at + 4 <= end:
        code, length = struct.unpack_from(order + "HH", data, at)
        if not code:
            return
        yield code, data[at + 4:at + 4 + length]
        at += 4 + (length + 3 & ~3)


def clock_of_interface(data, order, at, end):
    """How many ticks a second, and the offset in seconds: options 9 and 14."""
    per_second, offset = 10**6, 0
    for code, value in options_of(data, order, at, end):
        if code == 9:
            power = value[0] & 0x7F
            per_second = 2**power if value[0] & 0x80 else 10**power
        elif code == 14:
            offset = struct.unpack(order + "q", value)[0]
    return per_second, offset


def frames_of_pcapng(data):
    order, interfaces, at, now = "<", [], 0, 0
    while at + 12 <= len(data):
        kind, = struct.unpack_from("<I", data, at)
        if kind == 0x0A0D0D0A:
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or at + length > len(data):
            return
        body, end = at + 8, at + length - 4
        if kind == 1:
            link, = struct.unpack_from(order + "H", data, body)
            interfaces.append((link,) + clock_of_interface(data, order, body + 8, end))
        elif kind == 6:
            number, high, low, captured, wire = struct.unpack_from(order + "IIIII", data, body)
            link, per_second, offset = interfaces[number]
            now = (high << 32 | low) * 10**9 // per_second + offset * 10**9
            yield now, link, data[body + 20:body + 20 + captured], wire
        elif kind == 3:
            wire, = struct.unpack_from(order + "I", data, body)
            yield now, interfaces[0][0], data[body + 4:min(end, body + 4 + wire)], wire
        at += length


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    magics = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
              b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if data[:4] in magics:
        return frames_of_pcap(data, *magics[data[:4]])
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return frames_of_pcapng(data)
    raise ValueError("%s: neither pcap nor pcapng" % path)


# --- links: where the network layer begins, and its EtherType ---

def by_version(data, at):
    return at, {4: 0x0800, 6: 0x86DD}.get(take(data, at, "B")[0] >> 4, 0)


def network_layer(link, data):
    if link == 1:
        at, kind = 14, take(data, 12, ">H")[0]
    elif link == 113:
        at, kind = 16, take(data, 14, ">H")[0]
    elif link == 276:
        at, kind = 20, take(data, 0, ">H")[0]
    elif link in (9, 50):
        at = 2 if take(data, 0, "B")[0] == 0xFF else 0
        return at + 2, {0x21: 0x0800, 0x57: 0x86DD}.get(take(data, at, ">H")[0], 0)
    elif link in (0, 108):
        return by_version(data, 4)
    elif link in (12, 101, 228, 229):
        return by_version(data, 0)
    else:
        return 0, 0
    while kind in VLAN_TYPES:
        at, kind = at + 4, take(data, at + 2, ">H")[0]
    return at, kind


# --- network and transport ---

def ipv4(data, at, wire):
    first, total, fragment, protocol = take(data, at, ">BxH2xHxB2x8x")
    header, total = (first & 15) * 4, total or wire - at
    if protocol != 6 or fragment & 0x1FFF or first >> 4 != 4 or header < 20 or total < header:
        return None
    return 4, data[at + 12:at + 16], data[at + 16:at + 20], at + header, at + total


def ipv6(data, at, wire):
    payload, protocol = take(data, at, ">4xHBx32x")
    end = at + 40 + payload if payload else wire
    src, dst, at = data[at + 8:at + 24], data[at + 24:at + 40], at + 40
    while protocol in EXTENSION_HEADERS:
        following, length = take(data, at, "BB")
        if protocol == 44 and take(data, at, ">2xH")[0] & 0xFFF8:
            return None
        at += 8 if protocol == 44 else (length + 2) * 4 if protocol == 51 else (length + 1) * 8
        protocol = following
    return (6, src, dst, at, end) if protocol == 6 else None


def window_scale(options):
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            break
        if options[at] == 3 and options[at + 1] == 3 and at + 2 < len(options):
            return min(options[at + 2], 14)
        at += options[at + 1]
    return 0


def segment(link, data, wire):
    """One TCP segment as make_oracle.py's summarise() wants it, or None."""
    at, kind = network_layer(link, data)
    if kind not in (0x0800, 0x86DD):
        return None
    network = (ipv4 if kind == 0x0800 else ipv6)(data, at, wire)
    if not network:
        return None
    version, src, dst, at, end = network
    sport, dport, seq, ack, words, flags = take(data, at, ">HHIIBB6x")
    header = (words >> 4) * 4
    if header < 20 or at + header > end:
        return None
    return {
        "encap": "-", "ipver": version, "marks": set(), "compl": None, "irtt": "", "tfo": False,
        "src": (str(ipaddress.ip_address(src)), sport), "dst": (str(ipaddress.ip_address(dst)), dport),
        "flags": (words & 15) << 8 | flags, "seq": seq, "ack": ack, "len": end - at - header,
        "wscale": window_scale(data[at + 20:at + header]) if flags & SYN else 0,
    }


def packets(path):
    """TCP segments in the order of the file. `ns`: the time written there, never 0
    and never before that of an earlier packet, which is the clock that tcpshake keeps."""
    clock = 1
    for number, (time, link, data, wire) in enumerate(frames(path), 1):
        clock = max(clock, time)
        try:
            packet = segment(link, data, max(wire, len(data)))
        except Cut:
            continue
        if packet:
            packet.update(frame=number, written=time, ns=clock, t="%d.%09d" % divmod(time, 10**9))
            yield packet
