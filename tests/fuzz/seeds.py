#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Seeds of the fuzzers, out of the project's own captures.

    tests/fuzz/seeds.py DIR     writes DIR/fuzz_reader/seed-NAME and so on
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "captures"))
import make  # noqa: E402
import wire  # noqa: E402

LARGEST = 4096


def frames():
    """One of each kind of headers, as fuzz_parse.c takes them: link, cut and a length before the bytes."""
    for name, script in make.scripts().items():
        for number, frame in enumerate(script.frames):
            if len(frame.data) <= 250:
                yield "%s-%d" % (name, number), bytes((0, len(frame.data) // 2, 0, 0)) + frame.data
    for name, ends in (("ipv4", {}), ("ipv6", make.V6)):
        for number, (_, _, packet) in enumerate(wire.handshake_and_close(**ends)):
            yield "%s-%d" % (name, number), bytes((1, len(packet), 0, 0)) + packet


def seeds():
    """fuzzer: {name: bytes}"""
    captures = {name: data for name, data in make.captures().items() if len(data) <= LARGEST}
    return {"fuzz_reader": captures,
            "fuzz_pcapng": {name: data for name, data in captures.items() if data[:1] == b"\n"},
            "fuzz_parse": dict(frames())}


def main():
    for fuzzer, made in seeds().items():
        folder = os.path.join(sys.argv[1], fuzzer)
        os.makedirs(folder, exist_ok=True)
        for name, data in made.items():
            with open(os.path.join(folder, "seed-" + name), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
