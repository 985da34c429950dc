# SPDX-License-Identifier: GPL-2.0-only
"""
Captures as text, in the manner of packetdrill: a script is packets and, among
them, the events that must come of them, no more and no fewer.

    host c 10.0.0.1:40000           an end; any number of them
    0      c > s  S 1000 <mss 1460>           time in seconds, flags as tcpdump
    0.01   s > c  S. 5000 ack 1001            writes them, sequence number
    0.02   c > s  P. 1001 len 5 ack 5001      payload of five bytes
    = 0.02 open c > s kind=three_way ...      an event: its time, its ends as
                                              client > server, its fields

A packet may be dressed: {tags 4} VLAN tags, {options 40} bytes of IPv4 options,
{ext 0,60} IPv6 extension headers, {snap 60} bytes captured, {fragment 0} or
{more} as the IPv4 header says.

An event's fields are all there are, but for what would be the same in each:
schema, seq, the ends; counts that are 0; in an open one SYN and one SYN-ACK.
client=<...> and server=<...> stand for what that end's SYN offered. Durations
have a unit. Lists are a,b in brackets.
"""
import datetime
import ipaddress
import re

import wire

COUNTS = ("client_syn", "server_syn", "client_synack", "server_synack", "client_fin", "server_fin", "client_rst",
          "server_rst", "duplicates", "challenge_acks", "disproved")
DEFAULTS = {
    "open": {"client_syn": 1, "server_synack": 1},
    "half_open": {"client_syn": 0, "server_synack": 0},
    "close": dict.fromkeys(COUNTS, 0),
    "linger": {},
}
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}

PACKET = re.compile(r"(?P<time>[\d.]+)\s+(?P<src>\w+) > (?P<dst>\w+)\s+(?P<flags>[SFRP.UEW]+|-) (?P<seq>\d+)"
                    r"(?: len (?P<len>\d+))?(?: ack (?P<ack>\d+))?(?: <(?P<options>[^>]*)>)?(?P<dress>( \{[^}]*\})*)$")
EVENT = re.compile(r"=\s+(?P<time>[\d.]+)\s+(?P<kind>\w+)\s+(?P<src>\w+) > (?P<dst>\w+)(?P<fields>.*)$")
FIELD = re.compile(r"(\w+)=(<[^>]*>|\[[^]]*\]|\S+)")


def nanoseconds(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**9 + int((fraction + "0" * 9)[:9])


def rfc3339(ns):
    moment = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc)
    return "%s.%09dZ" % (moment.strftime("%Y-%m-%dT%H:%M:%S"), ns % 10**9)


def value_of(text):
    number = re.fullmatch(r"([\d.]+)(ns|us|ms|s)", text)
    if number:
        return nanoseconds(number[1]) * UNITS[number[2]] // 10**9
    if text.startswith("["):
        return text[1:-1].split(",")
    return {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)


def offered(side, text):
    words = dict((word.strip() + " 1").split(" ")[:2] for word in text[1:-1].split(",") if word)
    return {**{"%s_%s" % (side, name): int(words[name]) for name in ("mss", "wscale") if name in words},
            side + "_sack": "sackOK" in words, side + "_timestamps": "TS" in words, side + "_ecn": "ecn" in words}


class Script:
    def __init__(self, text):
        self.hosts, self.frames, self.expected = {}, [], []
        for line in text.splitlines():
            line = line.split("#")[0].strip()
            if line:
                self.take(line)
        self.expected.sort(key=lambda event: event["time"])

    def take(self, line):
        if line.startswith("host "):
            _, name, place = line.split()
            address, _, port = place.rpartition(":")
            self.hosts[name] = (address.strip("[]"), int(port))
            return
        event, packet = EVENT.match(line), PACKET.match(line)
        if event:
            self.expected.append(self.event(event))
        elif packet:
            self.frames.append(self.packet(packet))
        else:
            raise ValueError("cannot read the line: " + line)

    def packet(self, m):
        (src, sport), (dst, dport) = self.hosts[m["src"]], self.hosts[m["dst"]]
        dress = dict((word.strip(" {}") + " 1").split(" ")[:2] for word in m["dress"].split("}") if word.strip())
        segment = wire.tcp(sport, dport, m["flags"].strip("-"), int(m["seq"]), int(m["ack"] or 0),
                           bytes(int(m["len"] or 0)), m["options"] or "")
        how = {}
        if "options" in dress:
            how["options"] = b"\1" * int(dress["options"])
        if "ext" in dress:
            how["extensions"] = [(int(kind), bytes(7)) for kind in dress["ext"].split(",")]
        if "fragment" in dress or "more" in dress:
            how["fragment"] = int(dress.get("fragment", 0)) | (0x2000 if "more" in dress else 0)
        frame = wire.framed(wire.ETHERNET, wire.ip(src, dst, segment, **how), tags=int(dress.get("tags", 0)))
        snap = int(dress["snap"]) if "snap" in dress else None
        return wire.Frame(wire.BEGIN_NS + nanoseconds(m["time"]), frame, snap)

    def event(self, m):
        made = {"schema": 1, "event": m["kind"], "time": rfc3339(wire.BEGIN_NS + nanoseconds(m["time"])),
                **DEFAULTS[m["kind"]]}
        for side, name in (("client", m["src"]), ("server", m["dst"])):
            address, port = self.hosts[name]
            made[side + "_ip"], made[side + "_port"] = str(ipaddress.ip_address(address)), port
        for name, text in FIELD.findall(m["fields"]):
            if name in ("client", "server") and text.startswith("<"):
                made.update(offered(name, text))
            else:
                made[name] = value_of(text)
        return made
