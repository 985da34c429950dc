# SPDX-License-Identifier: GPL-2.0-only
"""Each call of user space fails once: no crash, no leak, and a word about it.

TCPSHAKE_FAULTS says how many calls of each kind are made to fail (4); "all" is
for the long run. Calls are spread evenly over a run with its start and its end.
"""
import os
import random
import re
import socket

import pytest

from lab import Lab, Watcher
from service import BUILD, Chatter, held_by, hooks, wait_gone

FAULTY = os.path.join(BUILD, "live", "faulty")
FAULTS = os.environ.get("TCPSHAKE_FAULTS", "4")
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=98"}
KINDS = ["memory", "map", "bpf", "open", "write", "rename", "socket", "descriptor"]

# What may fail without a word, because nothing is worse for it.
HARMLESS = {
    # libbpf asks what the kernel knows; a link or a filter's state that cannot be asked is believed
    "bpf",
    # the driver's features cannot be read: native XDP is judged by the rest
    "memory", "socket",
    # standard output cannot be opened anew: poll() is asked before each write
    "open",
}


def start(lab, path, **environment):
    return Watcher(lab.server, [FAULTY, "-j", "-v", "--mode", "native", "-i", "s0", "--textfile", str(path),
                                "--interval", "0.1", "--duration", "1.6"], {**SANITIZERS, **environment})


@pytest.fixture(scope="module")
def totals(tmp_path_factory):
    """How many calls of each kind a run makes."""
    place = tmp_path_factory.mktemp("count")
    with Lab() as lab, Chatter(lab):
        watch = start(lab, place / "x.prom", FAULT_COUNT=str(place / "count"))
        assert watch.wait(60) == 0, watch.errors
    return counted(place / "count")


def counted(path):
    return {kind: int(number) for kind, number in re.findall(r"(\w+) (\d+)", path.read_text())}


def chosen(total):
    if FAULTS == "all" or int(FAULTS) >= total:
        return range(1, total + 1)
    step = total / int(FAULTS)
    return sorted({1 + int(step * (i + random.random())) for i in range(int(FAULTS))})


def check(lab, place, kind, number):
    path, count = place / "x.prom", place / "count"
    watch = start(lab, path, FAULT=f"{kind}:{number}", FAULT_COUNT=str(count))
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


@pytest.mark.parametrize("kind", KINDS)
def test_one_call_fails(lab, tmp_path, totals, kind):
    assert totals[kind] > 0
    outcomes = {}
    with Chatter(lab):
        for number in chosen(totals[kind]):
            outcomes[number] = check(lab, tmp_path, kind, number)
    print(outcomes)
    assert any(happened and (told or kind in HARMLESS) for happened, told, _ in outcomes.values())
