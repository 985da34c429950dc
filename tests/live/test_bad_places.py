# SPDX-License-Identifier: GPL-2.0-only
"""Disks that are full, directories that vanish, readers that leave, and names made of any byte."""
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from frames import SYN, ethernet, packet
from lab import BINARY, PATIENCE, run, until
from service import read_metrics, wait_metrics, wait_update

V4 = socket.AF_INET
EACH = ["--interval", "0.1"]
BROADCAST, SOMEONE = b"\xff" * 6, b"\x02\0\0\0\0\1"


# --- the metrics file ---

@pytest.fixture
def disk(tmp_path):
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=256k", "tcpshake-test", str(place))
    yield place
    run("umount", str(place))


def problems(watch, path):
    return [line for line in watch.errors if line.startswith(f"tcpshake: {path}: ")]


def goes_on(lab, watch):
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)


def trouble(lab, watch, path, cause, begin, end):
    """Told once while it lasts, and once when it is over; connections are told all the while."""
    begin()
    watch.wait_error(f"{path}: {cause}")
    goes_on(lab, watch)
    time.sleep(0.5)  # five more tries
    assert len(problems(watch, path)) == 1, watch.errors
    end()
    watch.wait_error(f"{path}: written again")
    wait_update(path)
    assert len(problems(watch, path)) == 2, watch.errors
    watch.errors[:] = [line for line in watch.errors if line not in problems(watch, path)]


def fill(place):
    with open(place / "ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def test_full_disk(lab, disk):
    path = disk / "x.prom"
    watch = lab.watch("--textfile", str(path), *EACH)
    before = wait_metrics(path)
    trouble(lab, watch, path, "No space left on device", lambda: fill(disk), lambda: os.unlink(disk / "ballast"))
    assert read_metrics(path).keys() == before.keys()
    watch.stop()
    assert os.listdir(disk) == []


def test_full_disk_leaves_the_old_file_whole(lab, disk):
    path = disk / "x.prom"
    watch = lab.watch("--textfile", str(path), *EACH)
    wait_metrics(path)
    fill(disk)
    watch.wait_error("No space left on device")
    read_metrics(path)
    assert sorted(os.listdir(disk)) == ["ballast", "x.prom"]
    watch.stop()
    assert os.listdir(disk) == ["ballast"]


def test_read_only(lab, disk):
    path = disk / "x.prom"
    watch = lab.watch("--textfile", str(path), *EACH)
    wait_metrics(path)
    trouble(lab, watch, path, "Read-only file system", lambda: run("mount", "-o", "remount,ro", str(disk)),
            lambda: run("mount", "-o", "remount,rw", str(disk)))
    watch.stop()


def test_vanished_directory(lab, tmp_path):
    place, away = tmp_path / "place", tmp_path / "away"
    place.mkdir()
    path = place / "x.prom"
    watch = lab.watch("--textfile", str(path), *EACH)
    wait_metrics(path)
    trouble(lab, watch, path, "No such file or directory", lambda: place.rename(away), lambda: away.rename(place))
    watch.stop()


@pytest.mark.parametrize("name, cause", [("x.prom", "Is a directory"), ("x.prom.tmp", "File exists")])
def test_a_directory_in_the_way(lab, tmp_path, name, cause):
    path, way = tmp_path / "x.prom", tmp_path / name
    way.mkdir()
    watch = lab.watch("--textfile", str(path), *EACH)
    watch.wait_error(f"{way}: {cause}")
    goes_on(lab, watch)
    way.rmdir()
    watch.wait_error(f"{path}: written again")
    assert len([line for line in watch.errors if cause in line]) == 1
    watch.stop()
    assert os.listdir(tmp_path) == []


def planted(kind, place, victim):
    at = place / "x.prom.tmp"
    if kind == "symlink":
        at.symlink_to(victim)
    elif kind == "hard link":
        os.link(victim, at)
    elif kind == "dangling":
        at.symlink_to(place / "nowhere")
    else:
        os.mkfifo(at)


@pytest.mark.parametrize("kind", ["symlink", "dangling", "hard link", "fifo"])
def test_planted_at_the_temporary_name(lab, tmp_path, kind):
    """Nothing is followed and nothing written through it."""
    victim, path = tmp_path / "victim", tmp_path / "x.prom"
    victim.write_text("mine")
    planted(kind, tmp_path, victim)
    watch = lab.watch("--textfile", str(path), *EACH)
    wait_metrics(path)
    planted_again = 0
    for _ in range(5):
        with contextlib.suppress(FileExistsError):
            planted(kind, tmp_path, victim)
            planted_again += 1
        wait_update(path)
    assert planted_again
    assert not path.is_symlink() and stat.S_ISREG(os.stat(path).st_mode)
    assert victim.read_text() == "mine" and not (tmp_path / "nowhere").exists()
    goes_on(lab, watch)
    watch.stop()
    assert not problems(watch, path)


def test_umask(lab, tmp_path):
    """The exporter is another user."""
    path = tmp_path / "x.prom"
    watch = lab.watch("--textfile", str(path), *EACH, before=["sh", "-c", 'umask 077; exec "$@"', "sh"])
    wait_metrics(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    watch.stop()


# --- standard output ---

def test_the_reader_leaves(lab):
    """As in `tcpshake ... | head`: the end, and not a word about it."""
    read_end, write_end = os.pipe()
    watch = lab.watch(stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    with contextlib.suppress(OSError):
        lab.pair(V4)
    assert watch.wait() == 0
    assert not [line for line in watch.errors if "output" in line and "standard" in line], watch.errors


def test_the_reader_leaves_and_nothing_happens(lab):
    read_end, write_end = os.pipe()
    watch = lab.watch(stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    assert watch.wait() == 0


def test_full_disk_behind_a_redirect(lab):
    with open("/dev/full", "w") as full:
        watch = lab.watch(stdout=full)
    with contextlib.suppress(OSError):
        lab.pair(V4)
    assert watch.wait() == 1
    assert sum("standard output: No space left on device" in line for line in watch.errors) == 1
    until(lambda: "xdp" not in lab.server.ip("link", "show", "s0").stdout, "the hook to be free")


def test_no_output_at_all(lab):
    watch = lab.start("-i", "s0", before=["sh", "-c", 'exec "$@" >&-', "sh"])
    assert watch.wait() == 1
    watch.wait_error("standard output: Bad file descriptor")
    watch = lab.start("-q", "-i", "s0", "--duration", "0.2", before=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    assert watch.wait() == 0


# --- names ---

def odd_names():
    """Names that hold, together, every byte that the kernel allows in one."""
    refused = set(b"\0/:\t\n\v\f\r \xa0")
    letters = [byte for byte in range(256) if byte not in refused]
    names = [bytes(letters[at:at + 14]) for at in range(0, len(letters), 14)]
    return [b"x" + name for name in names] + [b"x\x1b[31m\x1b]0;t\x07", b"x\"}1\\", "x\u202e\u2028é".encode()]


@pytest.fixture
def odd(lab):
    """Links whose near ends have odd names: [(name, far end)]."""
    made = []
    for number, name in enumerate(odd_names()):
        lab.add_link(f"far{number}", f"near{number}")
        with lab.server:
            done = subprocess.run([b"ip", b"link", b"set", b"dev", f"near{number}".encode(), b"name", name],
                                  capture_output=True)
        if not done.returncode:
            made.append((name, f"far{number}"))
    assert len(made) > 15, made
    return made


def raw_run(lab, *args):
    with lab.server:
        return subprocess.Popen([BINARY, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, "TZ": "UTC"})


def end(process):
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=PATIENCE)
    finally:
        process.kill()


def obeyed_by_a_terminal(text):
    return [c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7f <= ord(c) < 0xa0 or 0x2028 <= ord(c) <= 0x202e]


@pytest.mark.parametrize("form", ["json", "text"])
def test_names_of_any_bytes(lab, odd, form, tmp_path):
    path = tmp_path / "x.prom"
    process = raw_run(lab, "-o", form, "-v", "--mode", "tc", "-i", "x*", "--half-open-after", "0.3",
                      "--textfile", str(path), *EACH)
    try:
        wait_metrics(path, lambda m: m["tcpshake_devices"] == len(odd))
        for number, (_, far) in enumerate(odd):
            with lab.client.packet_socket(far) as sock:
                sock.send(ethernet(BROADCAST, SOMEONE, packet(("192.0.2.1", 4000 + number), ("192.0.2.2", 80), SYN, 1)))
        metrics = wait_metrics(path, lambda m: m["tcpshake_events_written_total"] >= len(odd))
        checked = subprocess.run(["promtool", "check", "metrics"], input=path.read_bytes(), capture_output=True) \
            if any(os.access(os.path.join(d, "promtool"), os.X_OK) for d in os.environ["PATH"].split(":")) else None
    finally:
        out, errors = (text.decode() for text in end(process))  # UTF-8, or this fails
    assert not checked or (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert sum("tcpshake_attached" in name for name in metrics) == 32  # of 16 devices, whatever their names
    assert errors.isascii() and not obeyed_by_a_terminal(out) and not obeyed_by_a_terminal(errors)
    if form == "json":
        names = {json.loads(line).get("iface") for line in out.splitlines() if '"half_open"' in line}
        assert len(names) > len(odd) / 2
    else:
        assert out.isascii() and out.count("HALF-OPEN") == len(odd)
