# SPDX-License-Identifier: GPL-2.0-only
"""Captures of floods: 70 seconds of a service's usual traffic, then what the name says, then ten quiet seconds more."""
import random

import wire
from make import segment_frame

CALM, AFTER = 70, 15  # seconds
USUAL = 20            # opens a second
BEGIN = wire.BEGIN_NS + CALM * 10**9
SERVER = ("10.0.0.2", 80)


def later(time, seconds):
    return time + int(seconds * 10**9)


def opened(time, client, server, isn=1000):
    """A handshake, and the close a few ms later."""
    steps = ((0, 1, "S", isn, 0), (1e-4, 0, "S.", 5000, isn + 1), (1e-3, 1, ".", isn + 1, 5001),
             (5e-3, 1, "F.", isn + 1, 5001), (5.1e-3, 0, "F.", 5001, isn + 2), (6e-3, 1, ".", isn + 2, 5002))
    return [segment_frame(later(time, after), *((client, server) if ours else (server, client)), flags, seq, ack)
            for after, ours, flags, seq, ack in steps]


def usual(seconds=CALM, rate=USUAL, begin=wire.BEGIN_NS, server=SERVER, network="10.9"):
    frames = []
    for number in range(int(seconds * rate)):
        client = (f"{network}.{number // 250 % 250}.{number % 250 + 1}", 20000 + number % 40000)
        # not quite even, as nothing is
        frames += opened(later(begin, (number + number * 7919 % 10 / 10) / rate), client, server)
    return frames


def strangers(seed=1):
    draw = random.Random(seed)
    while True:
        yield f"198.{draw.choice((18, 19))}.{draw.randrange(256)}.{draw.randrange(1, 255)}", draw.randrange(1024, 65536)


def syns(rate, seconds, servers, answered=True):
    frames, sources = [], strangers()
    for number in range(rate * seconds):
        time, client, server = later(BEGIN, number / rate), next(sources), servers[number * 7919 % len(servers)]
        frames.append(segment_frame(time, client, server, "S", number))
        if answered:
            frames.append(segment_frame(later(time, 1e-4), server, client, "S.", 77, number + 1))
    return frames


def repeated_by_real_hosts(clients, rate, seconds):
    """Few stacks that never get through: each SYN comes again after 1 and 3 seconds."""
    frames = []
    for number in range(rate * seconds):
        client = (f"172.16.0.{number % clients + 1}", 1024 + number // clients)
        for after in (0, 1, 3):
            frames.append(segment_frame(later(BEGIN, number / rate + after), client, SERVER, "S", number))
            frames.append(segment_frame(later(BEGIN, number / rate + after + 1e-4), SERVER, client, "S.", 77, number + 1))
    return frames


def capture(*parts):
    return wire.pcap(sorted(sum(parts, []), key=lambda frame: frame.time))


def beside(seconds):
    """The usual clients go on, during it and afterwards."""
    return usual(CALM + seconds + AFTER)


def unanswered(seconds, rate):
    return [segment_frame(later(BEGIN, number / rate), (f"10.8.0.{number % 250 + 1}", 2000 + number), SERVER, "S", number)
            for number in range(int(seconds * rate))]
