#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The live part of make bench: what user space costs at 5,000 connections a second.

    tests/bench/live.py TRAFFIC [SECONDS [RATE]]

Real sockets in namespaces of its own, ended in seven ways; JSON goes to a file. Tells the time from
start to attached and counting, CPU time of the process over the run and resident
memory beside the tables. The kernel-side programs run in the packets' own context
and are measured by BPF_PROG_RUN.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import lab as laboratory  # noqa: E402

ADDRESSES = 64  # of each host: ports in TIME_WAIT last 60 s
AT_ONCE = 4000


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Resident bytes, and those of them that are the tables (mapped from BPF)."""
    resident = tables = 0
    name = ""
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
                name = line.split(None, 5)[5].strip() if len(line.split(None, 5)) > 5 else ""
            elif line.startswith("Rss:"):
                size = int(line.split()[1]) * 1024
                resident += size
                tables += size if "bpf" in name else 0
    return resident, tables


def main():
    traffic, seconds, rate = sys.argv[1], *map(int, (sys.argv[2:] + ["30", "5000"][len(sys.argv) - 2:]))
    with laboratory.Lab(addresses=ADDRESSES) as lab, tempfile.NamedTemporaryFile(suffix=".json") as out:
        begun = time.monotonic()
        watcher = lab.watch(stdout=out)
        print(f"attached after {time.monotonic() - begun:.3f} s")
        before = cpu_seconds(watcher.process.pid)
        done = subprocess.run([traffic, lab.client.name, lab.server.name, str(seconds * rate), str(AT_ONCE),
                               str(ADDRESSES), "0", str(rate)], capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        wall = told["seconds"]
        used = cpu_seconds(watcher.process.pid) - before
        resident, tables = memory(watcher.process.pid)
        watcher.stop()
        count = watcher.counters["handshakes_completed"]
        print(f"{told['opened']} connections opened, {count} counted, {count / wall:.0f} a second over {wall:.1f} s")
        print(f"user space: {used:.2f} s of CPU, {100 * used / wall:.1f} % of one core; "
              f"{(resident - tables) / 2**20:.1f} MiB resident beside {tables / 2**20:.1f} MiB of tables")
        print(f"JSON: {os.path.getsize(out.name) / 2**20:.0f} MiB, {watcher.counters['events_made']} events made, "
              f"{watcher.counters['events_lost_in_ring']} lost in the ring")
    return 0 if count == told["opened"] else 1


if __name__ == "__main__":
    sys.exit(main())
