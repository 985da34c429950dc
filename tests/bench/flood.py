#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The flood part of make bench: what tcpshake takes, and for how long it remembers a SYN then.

    tests/bench/flood.py [SECONDS]

Live frames (tests/live/flood.c) at an address that the stack does not answer, as fast
as this machine makes them beside the programs it measures: on one CPU both share it.
A SYN is remembered for slots / rate: a handshake that takes longer may be evicted.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import flooding  # noqa: E402
import lab as laboratory  # noqa: E402

NOBODY = ["10.2.77.1", "fd00::2:4d01"]


def measure(mode, kind, seconds):
    with laboratory.Lab() as lab, tempfile.NamedTemporaryFile() as out:
        flooding.take_redirected(lab.server, "s0")
        watcher = lab.watch("-e", "flood,silent,loss", mode=mode, stdout=out)
        before = flooding.cpu_seconds(watcher.process.pid)
        sent = flooding.flood(lab, NOBODY, mode=kind, seconds=seconds)
        used = flooding.cpu_seconds(watcher.process.pid) - before
        watcher.stop()
        counters = watcher.counters
    evicted = counters["handshakes_evicted"] + counters["adoptions_evicted"]
    exact = counters["packets"] - counters["not_tcp"] == sent["delivered"]
    # ACKs and RSTs of no one are not remembered at all
    remembers = f"{flooding.retention(watcher, sent['rate']):.2f}" if kind not in ("ack", "rst") else "-"
    print(f"{mode:6} {kind:8} {sent['rate']:>10,.0f} {used * 1e6 / sent['delivered']:>14.3f} "
          f"{remembers:>12} {evicted:>12,} {'yes' if exact else 'NO':>6}", flush=True)
    return exact


def main():
    seconds = sys.argv[1] if len(sys.argv) > 1 else "3"
    print(f"floods by live frames, {seconds} s each, default memory")
    print("hook   segments   a second  s CPU/million  remembers s      evicted  exact")
    return 0 if all([measure(mode, kind, seconds) for mode in ("native", "tc") for kind in flooding.MODES]) else 1


if __name__ == "__main__":
    sys.exit(main())
