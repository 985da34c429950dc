# SPDX-License-Identifier: GPL-2.0-only
"""How -r ends: exit status and messages for all that can be wrong with a file, its reader or the options."""
import os
import pty
import re
import signal
import subprocess
import time

import pytest

import wire
from conftest import BINARY, read

PLAIN = wire.pcap(wire.plain_frames())


def many(connections):
    """So many connections, one after the other."""
    return wire.pcap([frame for number in range(connections)
                      for frame in wire.plain_frames(cport=10000 + number, at=wire.BEGIN_NS + number * 10**8)])


def kinds(reading):
    return [event["event"] for event in reading.events]


# --- files ---

def test_plain_file(capture):
    got = read(capture(PLAIN), "-j")
    assert (got.status, got.messages, kinds(got)) == (0, "", ["open", "close"])
    assert "1 completed" in got.stderr


def test_missing_file(tmp_path):
    got = read(tmp_path / "none.pcap")
    assert (got.status, got.stdout) == (1, b"")
    assert got.stderr == "tcpshake: cannot open %s: No such file or directory\n" % (tmp_path / "none.pcap")


def test_directory(tmp_path):
    got = read(tmp_path)
    assert (got.status, got.stdout) == (1, b"")
    assert got.stderr.startswith("tcpshake: cannot read %s: Is a directory\n" % tmp_path)
    assert got.stderr.count("\n") <= 2


def test_file_that_may_not_be_read(capture):
    path = capture(PLAIN)
    path.chmod(0)
    # root may read every file, but for these capabilities
    without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    got = read(path, before=without)
    assert got.status == 1
    assert got.stderr == "tcpshake: cannot open %s: Permission denied\n" % path


@pytest.mark.parametrize("data", [b"x", b"hello, this is no capture\n", b"\x1f\x8b" + bytes(100), bytes(64),
                                  b"\x0a\x0d\x0d\x0a\x1c\0\0\0\0\0\0\0" + bytes(16)],
                         ids=["one-byte", "text", "gzip", "zeros", "neither-byte-order"])
def test_no_capture(capture, data):
    path = capture(data)
    got = read(path)
    assert (got.status, got.stdout) == (1, b"")
    assert got.stderr.startswith("tcpshake: %s cannot be read" % path if data[0] == 10
                                 else "tcpshake: cannot read %s: " % path)
    assert got.stderr.count("tcpshake: ") == 1 and got.stderr.count("\n") <= 2


def test_empty_file_says_that_it_is_empty(capture):
    got = read(capture(b""))
    assert got.status == 1
    assert got.stderr.splitlines()[0].endswith("it is empty")


@pytest.mark.parametrize("data", [wire.pcap([]), wire.pcapng([])], ids=["pcap", "pcapng"])
def test_file_without_packets(capture, data):
    got = read(capture(data), "-j")
    assert (got.status, got.stdout, got.messages) == (0, b"", "")


def test_unknown_link_type_is_named(capture):
    path = capture(wire.pcap(wire.plain_frames(), link=105))
    got = read(path)
    assert (got.status, got.stdout) == (1, b"")
    assert got.stderr.startswith("tcpshake: cannot read %s: link type IEEE802_11 (105) is not known\n" % path)


@pytest.mark.parametrize("data", [PLAIN, wire.pcapng(wire.plain_frames())], ids=["pcap", "pcapng"])
def test_cut_file_gives_its_events_a_warning_and_status_1(capture, data):
    path = capture(data[:-7])
    got = read(path, "-j")
    assert (got.status, kinds(got)) == (1, ["open", "close"])
    assert got.events[1]["how"] == "fin" and got.events[1]["inferred"] == ["last_ack"]
    assert got.messages.startswith("tcpshake: %s cannot be read further: " % path)
    assert got.messages.count("tcpshake: ") == 1


# --- filter and standard input ---

def test_filter(capture):
    data = wire.pcap(wire.plain_frames() + wire.plain_frames(sport=443))
    got = read(capture(data), "-j", "-f", "port 443")
    assert (got.status, [event["server_port"] for event in got.events]) == (0, [443, 443])


def test_bad_filter(capture):
    got = read(capture(PLAIN), "-f", "port and and")
    assert (got.status, got.stdout) == (1, b"")
    assert got.stderr.startswith('tcpshake: bad filter "port and and": ')


@pytest.mark.parametrize("data", [PLAIN, wire.pcapng(wire.plain_frames())], ids=["pcap", "pcapng"])
def test_standard_input(data):
    got = read("-", "-j", input=data)
    assert (got.status, got.messages, kinds(got)) == (0, "", ["open", "close"])


def test_standard_input_that_is_no_capture():
    got = read("-", input=b"hello")
    assert got.status == 1
    assert got.stderr.startswith("tcpshake: cannot read standard input: ")


def test_closed_standard_input():
    got = read("-", preexec_fn=lambda: os.close(0))
    assert got.status == 1
    assert got.stderr.startswith("tcpshake: cannot read standard input: it is empty\n")


# --- who takes the events ---

def test_reader_of_the_pipe_leaves(capture):
    path = capture(many(20000))
    process = subprocess.Popen([BINARY, "-j", "-r", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b'{"schema":1,"seq":1,')
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 0
    assert said.startswith("tcpshake: after")


def test_reader_of_a_cut_file_leaves(capture):
    with subprocess.Popen([BINARY, "-j", "-r", str(capture(PLAIN[:-7]))], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(60) == 1


@pytest.mark.parametrize("connections", [1, 20000])
def test_full_disk_is_told_once(capture, connections):
    with open("/dev/full", "wb") as full:
        got = read(capture(many(connections)), "-j", stdout=full)
    assert got.status == 1
    assert got.messages == "tcpshake: standard output: No space left on device\n"


def test_closed_standard_output(capture):
    got = read(capture(PLAIN), stdout=None, preexec_fn=lambda: os.close(1))
    assert got.status == 1
    assert got.messages == "tcpshake: standard output: Bad file descriptor\n"


def test_quiet_prints_no_events(capture):
    got = read(capture(PLAIN), "-q")
    assert (got.status, got.stdout) == (0, b"")
    assert "1 completed" in got.stderr


# --- ends before the file does ---

@pytest.mark.parametrize("count", [1, 3, 39])
def test_count(capture, count):
    got = read(capture(many(20)), "-j", "-c", str(count))
    assert (got.status, got.messages, len(got.events)) == (0, "", count)
    assert kinds(got) == (["open", "close"] * 20)[:count]


def test_count_of_the_selected(capture):
    got = read(capture(many(20)), "-j", "-c", "2", "-e", "close")
    assert kinds(got) == ["close", "close"]


def test_count_and_quiet(capture):
    got = read(capture(many(20)), "-q", "-c", "2")
    assert (got.status, got.stdout) == (0, b"")
    assert re.search(r"packets +7:", got.stderr)


def test_duration(capture):
    """Two connections of 0.1 s each, then the third one's SYN and SYN-ACK."""
    got = read(capture(many(20)), "-j", "--duration", "0.215")
    assert (got.status, got.messages) == (0, "")
    assert kinds(got) == ["open", "close", "open", "close", "close"]
    last = got.events[-1]
    assert (last["how"], last["opened"], last["server_state"]) == ("end_of_run", False, "SYN_RCVD")
    assert last["time"] == "2023-11-14T22:13:20.215000000Z"


def test_duration_includes_what_the_clock_tells(capture):
    frames = wire.plain_frames()[:2] + wire.plain_frames(cport=40001, at=wire.BEGIN_NS + 60 * 10**9)
    got = read(capture(wire.pcap(frames)), "-j", "--duration", "10")
    assert [(event["event"], event["time"][17:-1]) for event in got.events] == [
        ("half_open", "23.000000000"), ("close", "30.000000000")]


# --- signals ---

def feed(data, *options):
    process = subprocess.Popen([BINARY, "-r", "-", "-j", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0)
    process.stdin.write(data)
    return process


def wait_until_blocked(process):
    """In read(), with all that was fed consumed."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with open("/proc/%d/wchan" % process.pid, encoding="ascii") as file:
            if "pipe" in file.read():
                return
        time.sleep(0.01)
    pytest.fail("it does not come to read the pipe")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_reading_as_a_run_ends(number):
    with feed(PLAIN[:24 + 3 * 70]) as process:
        wait_until_blocked(process)
        process.send_signal(number)
        said = process.stderr.read().decode()
        events = process.stdout.read()
        assert process.wait(60) == 0
    assert said.startswith("tcpshake: after")
    assert events.count(b"\n") == 2 and b'"how":"end_of_run"' in events


def test_sigusr1_prints_the_summary_and_goes_on():
    with feed(PLAIN[:24 + 3 * 70]) as process:
        wait_until_blocked(process)
        process.send_signal(signal.SIGUSR1)
        process.stdin.write(PLAIN[24 + 3 * 70:])
        process.stdin.close()
        said = process.stderr.read().decode()
        assert process.stdout.read().count(b"\n") == 2
        assert process.wait(60) == 0
    assert said.count("tcpshake: after") == 2


# --- progress ---

class Terminal:
    """Runs it with standard error, and if wanted standard output, on a terminal of its own."""

    def __init__(self, path, *options, output=subprocess.DEVNULL):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([BINARY, "-r", str(path), *options], stdin=subprocess.DEVNULL,
                                   stdout=theirs if output is None else output, stderr=theirs)
        os.close(theirs)
        self.said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: no one has the other end any more
                break
            if not piece:
                break
            self.said += piece
        os.close(ours)
        self.status = process.wait(60)


def shown(said):
    """The lines as they stand in the end, each carriage return obeyed."""
    lines = []
    for line in said.decode().replace("\r\n", "\n").split("\n"):
        cells = []
        for part in line.split("\r"):
            cells[:len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Larger than 64 MiB: one connection with a great deal of data."""
    path = tmp_path_factory.mktemp("large") / "large.pcap"
    frames = wire.plain_frames()
    data = wire.Frame(frames[3].time, wire.framed(wire.ETHERNET, wire.ip("10.0.0.1", "10.0.0.2", wire.tcp(
        40000, 80, "P.", 1001, 5001, bytes(9000)))))
    record = wire.pcap([data])[24:]
    with open(path, "wb") as file:
        file.write(wire.pcap(frames[:3]))
        for _ in range(wire.LARGE // len(record) // 1000 + 1):
            file.write(record * 1000)
    return path


def test_progress_on_a_terminal_is_erased_at_the_end(large):
    terminal = Terminal(large, "-j")
    assert terminal.status == 0
    assert b" % of 69 MiB, " in terminal.said
    lines = shown(terminal.said)
    assert not any("%" in line for line in lines)
    assert lines[0].startswith("tcpshake: after")


def test_no_progress_elsewhere(large, capture):
    assert "%" not in read(large, "-q").stderr
    small = Terminal(capture(PLAIN), "-q")
    assert b"%" not in small.said and small.status == 0


def test_no_progress_from_standard_input(large):
    ours, theirs = pty.openpty()
    with open(large, "rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
        process = subprocess.Popen([BINARY, "-q", "-r", "-"], stdin=cat.stdout, stderr=theirs)
        assert process.wait(60) == 0
    os.close(theirs)
    assert b"%" not in os.read(ours, 65536)
    os.close(ours)


def test_no_progress_among_events(large):
    terminal = Terminal(large, output=None)
    assert terminal.status == 0 and b"OPEN" in terminal.said and b" % of " not in terminal.said


def test_progress_goes_before_an_error_is_told(large, tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(large.read_bytes()[:-7])
    terminal = Terminal(cut, "-q")
    assert terminal.status == 1
    assert any(line.startswith("tcpshake: %s cannot be read further" % cut) for line in shown(terminal.said))
