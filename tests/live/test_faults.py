# SPDX-License-Identifier: GPL-2.0-only
"""Each call of user space fails once: no crash, no leak, and a word about it.

TCPSHAKE_FAULTS says how many calls of each kind are made to fail (4); "all" is
for the long run. Calls are spread evenly over a run with its start and its end.
"""
import collections
import contextlib
import os
import pathlib
import random
import re
import socket
import subprocess

import pytest

from lab import Lab, Watcher
from service import BUILD, Chatter, held_by, hooks, wait_gone

FAULTY = os.path.join(BUILD, "live", "faulty")
FAULTS = os.environ.get("TCPSHAKE_FAULTS", "4")
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=98"}
KINDS = ["memory", "map", "bpf", "open", "read", "write", "rename", "socket", "message", "ioctl", "descriptor", "random"]
CAPTURES = os.path.join(BUILD, "kernel", "captures")

# What may fail without a word, because nothing is worse for it.
HARMLESS = {
    # libbpf asks what the kernel knows; a link or a filter's state that cannot be asked is believed
    "bpf",
    # the driver's features cannot be read: native XDP is judged by the rest
    "socket", "ioctl",
    # standard output cannot be opened anew: poll() is asked before each write
    "open",
    # a timer or a signal that could not be read is there at the next turn
    "read",
    # without a secret the lists of what lingers work as well
    "random",
}


def start(lab, path, kind=None, **environment):
    """Long enough for all that a run does, but for what bpf() is called for: that is the same after a second."""
    return Watcher(lab.server, [FAULTY, "-j", "-v", "--mode", "native", "-i", "s0", "--textfile", str(path), "--interval",
                                "0.1", "--close-wait-after", "0.1", "--duration", "1.6" if kind == "bpf" else "3"],
                   {**SANITIZERS, **environment})


@contextlib.contextmanager
def traffic(lab):
    """Connections that come and go, one that lingers in a process' hands and one that nobody has accepted."""
    with Chatter(lab):
        listener = lab.listen(socket.AF_INET)
        held, _, _ = lab.pair(socket.AF_INET, listener)
        held.close()
        with lab.client.socket(socket.AF_INET) as not_accepted:
            not_accepted.connect(listener.getsockname())
        yield


def counted(path):
    return {kind: int(number) for kind, number in re.findall(r"(\w+) (\d+)", path.read_text())}


@pytest.fixture(scope="module")
def totals(tmp_path_factory):
    """How many calls of each kind a run makes."""
    place, found = tmp_path_factory.mktemp("count"), {}
    with Lab() as lab, traffic(lab):
        for kind in ("bpf", None):
            watch = start(lab, place / "x.prom", kind, FAULT_COUNT=str(place / "count"))
            assert watch.wait(60) == 0, watch.errors
            found[kind] = counted(place / "count")
    assert [event for event in watch.events if event["event"] == "linger"], "no owner was looked for"
    return {**found[None], "bpf": found["bpf"]["bpf"]}


def chosen(total):
    if FAULTS == "all" or int(FAULTS) >= total:
        return range(1, total + 1)
    step = total / int(FAULTS)
    return sorted({1 + int(step * (i + random.random())) for i in range(int(FAULTS))})


def check(lab, place, kind, number):
    path, count = place / "x.prom", place / "count"
    watch = start(lab, path, kind, FAULT=f"{kind}:{number}", FAULT_COUNT=str(count))
    held = held_by(watch.process.pid)
    status = watch.wait(60)
    errors = "\n".join(watch.errors)
    what = f"{kind}:{number}, status {status}\n{errors}"
    assert "Sanitizer" not in errors and "runtime error" not in errors, what
    assert status in (0, 1, 3, 4), what
    told = re.findall(r"^tcpshake: (?!s0: (?:in by|for native)|capabilities: none|system calls: not|after ).*", errors,
                      re.M)
    happened = counted(count)[kind] >= number  # or this run was shorter
    # what is written to standard error cannot be told there
    if happened and (status or kind not in HARMLESS | {"write"}):
        assert told or not re.search("^tcpshake: after ", errors, re.M), what
    assert not hooks(lab.server, "s0"), what
    wait_gone(held)
    assert not os.path.exists(f"{path}.tmp"), what
    return happened, bool(told), status


def summed(outcomes):
    """To be read in a log: how many of the failures had which outcome, and those that went by without a word."""
    states = collections.Counter(status for happened, _, status in outcomes.values() if happened)
    silent = [number for number, (happened, told, _) in outcomes.items() if happened and not told]
    return f"{len(outcomes)} asked for, {sum(states.values())} made, by exit status {dict(states)}, silent: {silent}"


@pytest.mark.parametrize("kind", KINDS)
def test_one_call_fails(lab, tmp_path, totals, kind):
    assert totals[kind] > 0
    outcomes = {}
    with traffic(lab):
        for number in chosen(totals[kind]):
            outcomes[number] = check(lab, tmp_path, kind, number)
    print(f"{kind}: {summed(outcomes)}")
    assert any(happened and (told or kind in HARMLESS) for happened, told, _ in outcomes.values())


# --- of a capture's reader: so short that every call has its turn ---

def read(path, place, fault="none:0"):
    with open(path if path.suffix == ".pcapng" else os.devnull, "rb") as stdin:
        name = "-" if path.suffix == ".pcapng" else str(path)
        done = subprocess.run([FAULTY, "-r", name, "-j", "-f", "tcp"], stdin=stdin, capture_output=True, timeout=60,
                              env={**os.environ, **SANITIZERS, "FAULT": fault, "FAULT_COUNT": str(place / "count")})
    return done.returncode, done.stdout, done.stderr.decode(), counted(place / "count")


@pytest.mark.parametrize("name", ["flood-in.pcap", "pcapng-le-6.pcapng"])
def test_one_call_fails_reading(tmp_path, name):
    path, outcomes = pathlib.Path(CAPTURES, name), {}
    status, whole, errors, calls = read(path, tmp_path)
    assert status == 0 and whole, errors
    for kind in ("memory", "open", "write", "random"):
        for number in range(1, calls[kind] + 1):
            status, output, errors, _ = read(path, tmp_path, f"{kind}:{number}")
            what = f"{kind}:{number}, status {status}\n{errors}"
            assert "Sanitizer" not in errors and "runtime error" not in errors, what
            assert status in (0, 1), what
            # without memory to sort what is left at the end, that comes as it stands
            assert len(output.splitlines()) == len(whole.splitlines()) if status == 0 else whole.startswith(output), what
            assert not status or kind == "write" or "tcpshake: " in errors, what
            outcomes[kind, number] = True, bool(status), status
    print(f"{name}: {summed(outcomes)}")
