# SPDX-License-Identifier: GPL-2.0-only
"""Names of processes and control groups, made of any byte."""
import contextlib
import ctypes
import os

import pytest

from lab import libc, until
from owning import SOON

PR_SET_NAME = 15


def name_ourselves(name):
    if libc.prctl(PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def as_told(name):
    """What is not UTF-8 becomes U+FFFD, byte by byte."""
    return "".join(part if len(part.encode()) == 1 else "\ufffd" * len(part.encode("latin-1"))
                   for part in name.decode("latin-1"))


ODD = [bytes(range(max(1, first), first + 15)) for first in range(0, 256 - 15, 15)] + [bytes(range(245, 256))]


def test_process_names_of_any_byte(place):
    assert {byte for name in ODD for byte in name} == set(range(1, 256))
    text = place.lab.start("-i", "s0", "--mode", "tc", *SOON)
    text.wait_error(": in by")
    held = [(name, *place.held_by_a_child(1, lambda name=name: name_ourselves(name))) for name in ODD]
    for name, holder, (flow,) in held:
        event = place.lingers(flow)
        assert (event["pid"], event["comm"]) == (holder.pid, as_told(name))
        shown = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else "\\\\" if byte == 92 else f"\\x{byte:02x}"
                        for byte in name)
        text.wait_for(lambda: [line for line in text.text if f"held by {shown}[{holder.pid}]" in line], shown)
    assert all(line.isascii() and line.isprintable() for line in text.text)


def unified():
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for mount in mounts:
            if mount.split()[2] == "cgroup2":
                return mount.split()[1].encode()
    return None


@contextlib.contextmanager
def cgroup(parent, name):
    path = os.path.join(parent, name)
    try:
        os.mkdir(path)
    except OSError as why:
        pytest.skip(f"no cgroup can be made in {parent}: {why}")
    yield path
    until(lambda: removed(path), f"{path} to be removed")


def removed(path):
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.exists(path)


def join(path):
    with open(os.path.join(path, b"cgroup.procs"), "w", encoding="ascii") as procs:
        procs.write(str(os.getpid()))


def test_cgroup_names_of_any_byte(place):
    """All but '/', 0 and the end of a line, which the kernel refuses; and a path that is too long."""
    root = unified()
    if not root:
        pytest.skip("no cgroup2 is mounted here")
    allowed = bytes(byte for byte in range(1, 256) if byte not in b"\n/")
    names = [allowed[:100], allowed[100:200], allowed[200:], b"x" * 200]
    held = []
    with contextlib.ExitStack() as stack:
        path, told = stack.enter_context(cgroup(root, b"ts%d" % os.getpid())), f"/ts{os.getpid()}"
        for name in names:
            path = stack.enter_context(cgroup(path, name))
            told += "/" + as_told(name)
            holder, (flow,) = place.held_by_a_child(1, lambda path=path: join(path))
            stack.enter_context(contextlib.closing(holder))
            held.append((holder.pid, flow, told, len(os.path.relpath(path, root)) + 1))
        for pid, flow, told, length in held:
            event = place.lingers(flow)
            assert event["pid"] == pid
            if length <= 255:
                assert event["cgroup"] == told
            else:  # its end is kept
                assert len(event["cgroup"]) == 255 and told.endswith(event["cgroup"])
