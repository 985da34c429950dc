#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the project's own captures: those of the scripts beside this file and those that are made by rule.

    tests/captures/make.py [DIR]     build/captures by default
"""
import glob
import os
import sys

import wire
from script import Script

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

LINKS = {"null": wire.NULL, "loop": wire.LOOP, "ethernet": wire.ETHERNET, "ppp": wire.PPP,
         "ppp-serial": wire.PPP_SERIAL, "ppp-ether": wire.PPP_ETHER, "raw": wire.RAW, "sll": wire.LINUX_SLL,
         "sll2": wire.LINUX_SLL2}
ORDERS = {"le": "<", "be": ">"}

V6 = {"client": "2001:db8::1", "server": "2001:db8::2"}

FLOOD = 2000    # SYNs, one a millisecond
FLOOD_REAL = 20  # handshakes among them that lead to something
FLOOD_SERVER = ("10.0.0.2", 80)


def of_script(script):
    return wire.pcap(script.frames)


def scripts():
    """name: script"""
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "*.txt"))):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)[:-4]] = Script(file.read())
    return found


# --- the plain connection in every dress ---

def plain_files():
    """name: bytes. In each the same connection, at the same times."""
    made = {}
    for name, link in LINKS.items():
        made["link-%s" % name] = wire.pcap(wire.plain_frames(link), link)
        made["link-%s-ipv6" % name] = wire.pcap(wire.plain_frames(link, **V6), link)
    made["link-ipv4"] = wire.pcap(wire.plain_frames(wire.RAW_IPV4), wire.RAW_IPV4)
    made["link-ipv6-ipv6"] = wire.pcap(wire.plain_frames(wire.RAW_IPV6, **V6), wire.RAW_IPV6)
    for name, order in ORDERS.items():
        for nano in (True, False):
            made["pcap-%s-%s" % (name, "ns" if nano else "us")] = wire.pcap(wire.plain_frames(), order=order, nano=nano)
        for digits in (3, 6, 9):
            made["pcapng-%s-%d" % (name, digits)] = wire.pcapng(wire.plain_frames(), order=order, digits=digits)
    made["pcapng-two-sections"] = (wire.pcapng(wire.plain_frames()[:3]) +
                                   wire.pcapng(wire.plain_frames()[3:], order=">", digits=6))
    made["pcapng-interfaces"] = several_interfaces()
    made["snap-header"] = wire.pcap(wire.plain_frames(), snap=54)
    return made


def several_interfaces():
    """What the client sends came in by Ethernet, what the server sends by a tunnel, and a third one is silent."""
    links = (wire.ETHERNET, wire.LINUX_SLL, wire.RAW)
    frames = []
    for time, ours, packet in wire.handshake_and_close():
        number = 0 if ours else 2
        frames.append(wire.Frame(time, wire.framed(links[number], packet), interface=number))
    return wire.pcapng(frames, links)


# --- floods ---

def stranger(number):
    return "198.18.%d.%d" % (number // 250, number % 250 + 1)


def segment_frame(time, src, dst, flags, seq, ack=0):
    return wire.Frame(time, wire.framed(wire.ETHERNET, wire.ip(src[0], dst[0], wire.tcp(src[1], dst[1], flags, seq,
                                                                                         ack))))


def flood_in(flood=FLOOD):
    """
    Spoofed SYNs to a server that answers each by a cookie: one SYN-ACK, never
    repeated. Each hundredth SYN is of a real client, who opens and closes; the
    last of these takes ten seconds for his ACK, which only a cookie survives.
    """
    frames = []
    for number in range(flood):
        client, time = (stranger(number), 1024 + number), wire.BEGIN_NS + number * 10**6
        isn, cookie = number * 7919, number * 104729 + 5
        frames.append(segment_frame(time, client, FLOOD_SERVER, "S", isn))
        frames.append(segment_frame(time + 10**5, FLOOD_SERVER, client, "S.", cookie, isn + 1))
        if number % (FLOOD // FLOOD_REAL) == 0:
            back = time + (10**10 if number == flood - FLOOD // FLOOD_REAL else 5 * 10**6)
            frames.append(segment_frame(back, client, FLOOD_SERVER, ".", isn + 1, cookie + 1))
            frames.append(segment_frame(back + 1, client, FLOOD_SERVER, "F.", isn + 1, cookie + 1))
            frames.append(segment_frame(back + 2, FLOOD_SERVER, client, "F.", cookie + 1, isn + 2))
            frames.append(segment_frame(back + 3, client, FLOOD_SERVER, ".", isn + 2, cookie + 2))
    return wire.pcap(sorted(frames, key=lambda frame: frame.time))


def flood_out():
    """A host of ours sends SYNs to everyone: most are silent, each tenth refuses, each hundredth answers."""
    frames = []
    for number in range(FLOOD):
        client, server = ("10.0.0.66", 1024 + number), (stranger(number), 443)
        time, isn = wire.BEGIN_NS + number * 10**6, number * 7919
        frames.append(segment_frame(time, client, server, "S", isn))
        if number % (FLOOD // FLOOD_REAL) == 0:
            frames.append(segment_frame(time + 10**5, server, client, "S.", 5, isn + 1))
            frames.append(segment_frame(time + 2 * 10**5, client, server, "R", isn + 1))
        elif number % 10 == 0:
            frames.append(segment_frame(time + 10**5, server, client, "R.", 0, isn + 1))
    return wire.pcap(frames)


def captures():
    """name: bytes, all of them."""
    made = {name: of_script(script) for name, script in scripts().items()}
    made.update(plain_files())
    made.update({"flood-in": flood_in(), "flood-out": flood_out(), "empty": b"", "no-packets": wire.pcap([]),
                 "no-packets-pcapng": wire.pcapng([])})
    return made


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "captures")
    os.makedirs(folder, exist_ok=True)
    for name, data in captures().items():
        with open(os.path.join(folder, name + (".pcapng" if "pcapng" in name else ".pcap")), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
