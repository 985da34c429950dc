#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How fast captures are read: alone, and side by side with tshark and tcptrace.

    tests/bench/capture_bench.py [--build DIR] [--rounds N] [--packets N] [--compared N] [--json FILE]

Seconds are those of the processor, user and system, so that what else runs on
the machine counts little; rounds are interleaved, so that it hits all alike.
What is printed are medians, of ratios the median of each round's ratio. Files
are read once before, so that they come from the page cache.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

FIELDS = ("ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw")

# with the default --memory: three quarters of both tables, one in seven a connection
TRACKED_FLOWS = 570000
TRACKED_PACKETS = TRACKED_FLOWS * 9 // 7

GOALS = {"traffic -q": 5e6, "traffic (pcapng) -q": 5e6, "connections -j": 1e6}
GOAL_BYTES = 300
GOAL_RATIO = {"tshark": 50, "tcptrace": 1}


def run(command):
    """Seconds of the processor, and the peak of its memory in bytes."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit("capture_bench: %s: wait status %d" % (" ".join(command), status))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def make(args, folder, kind, packets, ng=False):
    path = os.path.join(folder, "%s-%d.%s" % (kind, packets, "pcapng" if ng else "pcap"))
    subprocess.run([os.path.join(args.build, "bench", "make_capture"), *(["-n"] if ng else []), kind, str(packets),
                    path], check=True)
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
    return path


def rounds(count, commands):
    """The runs of each command, one of each a round."""
    runs = {name: [] for name in commands}
    for _ in range(count):
        for name, command in commands.items():
            runs[name].append(run(command))
    return runs


def verdict(good):
    return "" if good else "   MISSED"


def measure_alone(args, folder):
    ours = os.path.join(args.build, "tcpshake")
    traffic, traffic_ng, connections = (make(args, folder, "traffic", args.packets),
                                        make(args, folder, "traffic", args.packets, True),
                                        make(args, folder, "connections", args.packets))
    runs = rounds(args.rounds, {
        "traffic -q": [ours, "-q", "-r", traffic],
        "traffic (pcapng) -q": [ours, "-q", "-r", traffic_ng],
        "traffic -j": [ours, "-j", "-r", traffic],
        "connections -q": [ours, "-q", "-r", connections],
        "connections -j": [ours, "-j", "-r", connections],
    })
    print("%-22s %14s %10s" % ("%d packets" % args.packets, "packets/s", "MiB"))
    results = {}
    for name, measured in runs.items():
        rate = args.packets / statistics.median(seconds for seconds, _ in measured)
        memory = max(memory for _, memory in measured)
        results[name] = {"packets_per_second": round(rate), "peak_bytes": memory}
        print("%-22s %14s %10.0f%s" % (name, format(round(rate), ","), memory / 2**20,
                                        verdict(rate >= GOALS.get(name, 0))))
    for path in (traffic, traffic_ng, connections):
        os.unlink(path)
    return results


def measure_memory(args, folder):
    path = make(args, folder, "unfinished", TRACKED_PACKETS)
    _, memory = run([os.path.join(args.build, "tcpshake"), "-q", "-r", path])
    each = memory / TRACKED_FLOWS
    print("%-22s %14.0f bytes for each of %s flows%s" % ("memory", each, format(TRACKED_FLOWS, ","),
                                                        verdict(each < GOAL_BYTES)))
    return {"bytes_per_flow": round(each)}


def measure_beside(args, folder):
    path = make(args, folder, "traffic", args.compared)
    commands = {
        "tcpshake -q": [os.path.join(args.build, "tcpshake"), "-q", "-r", path],
        "tcpshake -j": [os.path.join(args.build, "tcpshake"), "-j", "-r", path],
        "tshark": ["tshark", "-r", path, "-T", "fields", *(word for field in FIELDS for word in ("-e", field))],
        "tcptrace": ["tcptrace", path],
    }
    commands = {name: command for name, command in commands.items() if shutil.which(command[0])}
    runs = rounds(args.rounds, commands)
    print("\n%-22s %14s %10s %18s" % ("%d packets" % args.compared, "packets/s", "MiB", "times tcpshake -j"))
    results = {}
    for name, measured in runs.items():
        rate = args.compared / statistics.median(seconds for seconds, _ in measured)
        ratio = statistics.median(other / own for (other, _), (own, _) in zip(measured, runs["tcpshake -j"]))
        memory = max(memory for _, memory in measured)
        results[name] = {"packets_per_second": round(rate), "peak_bytes": memory, "times_tcpshake_j": round(ratio, 2)}
        print("%-22s %14s %10.0f %18.1f%s" % (name, format(round(rate), ","), memory / 2**20, ratio,
                                               verdict(ratio >= GOAL_RATIO.get(name, 0))))
    for name in GOAL_RATIO:
        if name not in commands:
            print("%-22s not installed" % name)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--packets", type=int, default=2000000)
    parser.add_argument("--compared", type=int, default=300000, help="for the file that tshark reads too")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcpshake-bench-") as folder:
        results = {"alone": measure_alone(args, folder), "memory": measure_memory(args, folder),
                   "beside": measure_beside(args, folder)}
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
