#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a look for owners costs: N sockets in CLOSE_WAIT, of several processes.

    tests/bench/owners.py [N]

Prints how long each look kept the loop, which on a busy machine is mostly
waiting, and the CPU time that it took.
"""
import os
import re
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
from lab import Lab, until  # noqa: E402

V4 = socket.AF_INET
A_PROCESS = 4000  # sockets: a process may have 20,000 files, and connections have two ends


def hold(work):
    """A process that works, says so, and waits to be ended."""
    done, told = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            kept = work()
            os.write(told, b"x")
            signal.pause()
            del kept
        finally:
            os._exit(0)
    os.close(told)
    assert os.read(done, 1) == b"x"
    os.close(done)
    return pid


def half_closed(lab, listener, count):
    kept = []
    for _ in range(count):
        client = lab.client.socket(V4)
        client.connect(listener.getsockname()[:2])
        kept.append((client, listener.accept()[0]))
        client.shutdown(socket.SHUT_WR)
    return kept


def cpu_ms(watch):
    with open(f"/proc/{watch.process.pid}/schedstat", encoding="ascii") as stat:
        return int(stat.read().split()[0]) / 1e6


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    pids = []
    with Lab() as lab:
        lab.client.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
        listener = lab.listen(V4, backlog=1024)
        watch = lab.start("-j", "-vv", "-i", "s0", "--mode", "tc", "--close-wait-after", "3", "--fin-wait-after", "0",
                          stdout=subprocess.DEVNULL)
        watch.wait_error(": in by")
        before = cpu_ms(watch)
        try:
            for first in range(0, count, A_PROCESS):
                share = min(A_PROCESS, count - first)
                pids.append(hold(lambda n=share: half_closed(lab, listener, n)))
            looked = r"owners of (\d+) sockets looked for in ([\d.]+) ms"
            until(lambda: any(re.search(looked, line) and int(re.search(looked, line)[1]) == count
                              for line in watch.errors), "a look at all", 60)
            looks = [line for line in watch.errors if re.search(looked, line)]
            print(*looks, sep="\n")
            print(f"CPU: {(cpu_ms(watch) - before) / len(looks):.0f} ms a look, the ticks between them included")
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        watch.stop()


if __name__ == "__main__":
    main()
