# SPDX-License-Identifier: GPL-2.0-only
"""Helpers for the tests of tcpshake as a service: its metrics file, what it holds, traffic beside it."""
import contextlib
import ctypes
import json
import os
import re
import socket
import struct
import subprocess
import threading

from lab import BINARY, PATIENCE, libc, lose_connection, until

BUILD = os.environ.get("TCPSHAKE_BUILD", os.path.dirname(BINARY))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SAMPLE = re.compile(r'(tcpshake_\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)')


def parse(text):
    """{series: value}. The text has to be whole."""
    assert text.endswith("\n"), text[-200:]
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] not in found, line
            found[match[1]] = float(match[2])
    assert "tcpshake_last_update_timestamp_seconds" in "\n".join(found), text[-200:]
    return found


def read_metrics(path):
    with open(path, encoding="utf-8", newline="") as file:
        return parse(file.read())


def wait_metrics(path, answer=lambda metrics: True, patience=6 * PATIENCE):
    """The metrics once they are there and answer() holds of them."""
    def found():
        with contextlib.suppress(FileNotFoundError):
            metrics = read_metrics(path)
            return metrics if answer(metrics) else None
        return None

    return until(found, f"metrics in {path}", patience)


def updated(path):
    return read_metrics(path)["tcpshake_last_update_timestamp_seconds"]


def wait_update(path, times=1):
    """The file is written anew."""
    for _ in range(times):
        before = updated(path)
        wait_metrics(path, lambda m, b=before: m["tcpshake_last_update_timestamp_seconds"] > b)


def status_of(process, *names):
    """Fields of /proc/PID/status, as they stand there."""
    with open(f"/proc/{process.pid}/status") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return [fields[name] for name in names]


def held_by(pid):
    """BPF programs, maps and links of a process, by number."""
    found = {"prog": set(), "map": set(), "link": set()}
    with contextlib.suppress(FileNotFoundError):
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/fdinfo/{fd}") as file:
                for kind, number in re.findall(r"^(prog|map|link)_id:\t(\d+)", file.read(), re.M):
                    found[kind].add(int(number))
    return found


SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
NEXT_ID = {"prog": 11, "map": 12, "link": 31}  # enum bpf_cmd


def numbers_in_use(kind):
    """As bpftool lists them, but without opening any: a map that is opened while it goes may stay for ever."""
    found, last = set(), 0
    while True:
        buffer = ctypes.create_string_buffer(struct.pack("=II", last, 0), 144)
        if libc.syscall(SYS_BPF, NEXT_ID[kind], buffer, 144) < 0:
            return found
        last = struct.unpack_from("=II", buffer)[1]
        found.add(last)


def still_there(held):
    """Those of them that exist."""
    left = {kind: numbers & numbers_in_use(kind) for kind, numbers in held.items()}
    return {kind: numbers for kind, numbers in left.items() if numbers}


def wait_gone(held):
    """Some go only after a grace period of the kernel."""
    until(lambda: not still_there(held), lambda: f"{still_there(held)} to go", 30)


BPF_PROG_QUERY, TCX = 16, {"ingress": 46, "egress": 47}  # enum bpf_cmd, enum bpf_attach_type


def tcx_programs(index, where):
    """How many stand there; a kernel without TCX has none."""
    query = ctypes.create_string_buffer(struct.pack("=IIIIQI", index, where, 0, 0, 0, 0), 64)
    done = libc.syscall(SYS_BPF, BPF_PROG_QUERY, query, 64)
    return struct.unpack_from("=IIIIQI", query)[5] if done == 0 else 0


def hooks(host, device):
    """What stands at a device's hooks."""
    link = json.loads(host.ip("-j", "link", "show", "dev", device).stdout)[0]
    found = ["xdp"] if "xdp" in link else []
    for side, where in TCX.items():
        found += re.findall(r"tc_\w+", host.run("tc", "filter", "show", "dev", device, side, check=False).stdout)
        with host:
            found += [f"tcx {side}"] * tcx_programs(link["ifindex"], where)
    return found


class Chatter:
    """Connections between the lab's hosts, one after another, until the end of `with`."""

    def __init__(self, lab, port=7777):
        self.lab, self.port, self.count = lab, port, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.talk, daemon=True)

    def __enter__(self):
        self.listener = self.lab.listen(socket.AF_INET, port=self.port)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(PATIENCE)
        self.listener.close()

    def talk(self):
        while not self.over.wait(0.002):
            with contextlib.suppress(OSError), self.lab.client.socket(socket.AF_INET) as client:
                client.settimeout(1)
                client.connect(self.listener.getsockname())
                accepted, _ = self.listener.accept()
                if self.count % 2:
                    lose_connection(client)
                accepted.close()
                self.count += 1

    def wait(self, more=3):
        goal = self.count + more
        until(lambda: self.count >= goal, "traffic")


class Daemon:
    """A server beside us, ended by its number and with the test."""

    def __init__(self, host, *command, log):
        self.log = log
        with host, open(log, "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def said(self):
        with open(self.log, errors="replace") as file:
            return file.read()
