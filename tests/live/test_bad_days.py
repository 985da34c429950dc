# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces that come and go, rights that are missing, and ends of every kind.

TCPSHAKE_KILLS says how often a run is killed (30).
"""
import json
import os
import random
import shutil
import signal
import socket
import time

import pytest

from lab import run, until
from service import BUILD, Chatter, held_by, hooks, status_of, wait_gone, wait_metrics, wait_update

V4 = socket.AF_INET
KILLS = int(os.environ.get("TCPSHAKE_KILLS", "30"))
NO_TCX = {"TCPSHAKE_NO_TCX": "1"}


@pytest.fixture(params=["tcx", "clsact"])
def tc(request):
    """The two ways of standing at tc."""
    return {} if request.param == "tcx" else NO_TCX


# --- rights ---

NEEDED = {"bpf": "CAP_BPF", "perfmon": "CAP_PERFMON", "net_admin": "CAP_NET_ADMIN"}


def only(*caps):
    """A command before another: root with these capabilities and no others."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=" + ",".join(["-all", *(f"+{cap}" for cap in caps)])]


@pytest.mark.parametrize("number", range(7))
def test_some_rights_are_missing(lab, number):
    caps = [cap for bit, cap in enumerate(NEEDED) if number >> bit & 1]
    watch = lab.start("-i", "s0", before=only(*caps))
    assert watch.wait() == 3
    first, second = watch.errors
    for cap, name in NEEDED.items():
        assert (name in first) == (cap not in caps), first
    assert "run as root, or with" in second


@pytest.mark.parametrize("caps", [["bpf", "perfmon", "net_admin"], ["sys_admin", "net_admin"]], ids=" ".join)
def test_enough_rights(lab, caps, tc):
    watch = lab.watch(mode="tc", before=only(*caps), environment=tc)
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    watch.stop()
    assert not hooks(lab.server, "s0")


def test_nobody_with_the_rights(lab, mode):
    """No root at all: a user whom the service manager gave the capabilities."""
    caps = ",".join(f"+{cap}" for cap in NEEDED)
    watch = lab.watch(mode=mode, before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                         f"--inh-caps={caps}", f"--ambient-caps={caps}"])
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    assert status_of(watch.process, "CapPrm", "CapEff", "CapInh", "CapAmb") == [f"{0:016x}"] * 4
    watch.stop()


KEPT_NET_ADMIN = f"{1 << 12:016x}"


@pytest.mark.parametrize("args, environment, kept", [([], {}, f"{0:016x}"), ([], NO_TCX, KEPT_NET_ADMIN),
                                                     (["-i", "x*"], {}, KEPT_NET_ADMIN)],
                         ids=["link", "clsact", "pattern"])
def test_what_is_kept(lab, args, environment, kept):
    watch = lab.watch(*args, mode="tc", environment=environment)
    watch.wait_error("system calls: ")
    assert status_of(watch.process, "CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb") == [kept] * 3 + [f"{0:016x}"] * 2
    no_new_privileges, seccomp = status_of(watch.process, "NoNewPrivs", "Seccomp")
    assert no_new_privileges == "1"
    if not any("not filtered in this build" in line for line in watch.errors):
        assert seccomp == "2"
    watch.stop()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("device", ["s*", "s0"])
def test_the_filter_refuses_nothing_that_is_needed(lab, tc, tmp_path, device):
    """A whole run, watched from outside: no call of its own fails for the filter."""
    trace, path = tmp_path / "trace", tmp_path / "x.prom"
    watch = lab.start("-j", "-v", "--mode", "tc", "-i", device, "--textfile", str(path), "--interval", "0.1",
                      before=["strace", "-f", "-o", str(trace)], environment=tc)
    watch.wait_error("system calls: ")
    if any("not filtered in this build" in line for line in watch.errors):
        pytest.skip("a build without a filter")
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    lab.add_link("c1", "s1")
    lab.server.ip("addr", "add", "172.16.0.1/24", "dev", "s1")
    if device != "s0":
        watch.wait_error("s1: in by")
    lab.server.ip("link", "del", "s1")
    pid = int(trace.read_text().split(maxsplit=1)[0])
    for number in (signal.SIGUSR1, signal.SIGTERM):
        os.kill(pid, number)
        watch.wait_error("tcpshake: after ", 1 if number == signal.SIGUSR1 else 2)
    assert watch.wait() == 0
    filtered = trace.read_text().partition("seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG")[2]
    assert "exit_group" in filtered
    assert not [line for line in filtered.splitlines() if "ENOSYS" in line]


def test_a_directory_of_another_user(lab, tmp_path):
    """Root without CAP_DAC_OVERRIDE is a stranger there; it is kept for this, and only for this."""
    os.chown(tmp_path, 65534, 65534)
    for parent in tmp_path.parents:
        if os.stat(parent).st_uid == 0 and parent.name.startswith("pytest"):
            os.chmod(parent, 0o755)
    path = tmp_path / "x.prom"
    watch = lab.watch("--textfile", str(path), "--interval", "0.1")
    watch.wait_error("CAP_DAC_OVERRIDE")
    wait_metrics(path)
    wait_update(path)
    watch.stop()
    assert not os.listdir(tmp_path)


# --- interfaces ---

def test_a_bridge_and_its_port(lab, mode):
    """The same packet at two levels is one packet."""
    lab.server.ip("-b", "-", input="link add br0 type bridge\nlink set br0 address 02:00:00:00:00:01\nlink set br0 up\n"
                                   "addr flush dev s0\nlink set s0 master br0\naddr add 10.2.0.1/8 dev br0\n")
    watch = lab.watch("-i", "br0", mode=mode if mode == "tc" else "auto")
    watch.wait_error("br0: in by")
    client, _, flow = lab.pair(V4)
    watch.expect("open", flow, client_syn=1, server_synack=1)
    client.close()
    watch.stop()
    assert watch.counters["duplicate"] > 0
    assert watch.counters["handshakes_started"] == watch.counters["handshakes_completed"] == 1


def test_nothing_there_yet(lab):
    """Whoever mistyped a pattern, or forgot to put the interface up, is told."""
    watch = lab.watch("-i", "zz*", mode="tc")
    watch.wait_error(r"^tcpshake: zz\*: no interface has such a name yet")
    assert not [line for line in watch.errors if "is down" in line]
    lab.client.ip("link", "add", "far", "type", "veth", "peer", "name", "zz0", "netns", lab.server.name)
    watch.wait_error("zz0: in by")
    watch.wait_error("zz0: is down: nothing passes until 'ip link set zz0 up'")
    watch.stop()


def test_down_and_up(lab, mode):
    watch = lab.watch(mode=mode)
    for _ in range(5):
        lab.server.ip("link", "set", "s0", "down")
        lab.server.ip("link", "set", "s0", "up")
    lab.server.ip("neigh", "flush", "all")
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    watch.stop()
    assert not [line for line in watch.errors if "gone" in line or "taken off" in line]


def test_renamed(lab, mode):
    """One plain name stands for the interface that had it, not for the next to take it."""
    watch = lab.watch(mode=mode)
    lab.server.ip("-b", "-", input="link set s0 down\nlink set s0 name new0\nlink set new0 up\n")
    watch.wait_error("s0: now called new0")
    lab.add_link("c9", "s0")
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow, iface="new0")
    lab.server.ip("link", "del", "new0")
    assert watch.wait() == 5


@pytest.mark.parametrize("again", ["s0 index 77", "s0"], ids=["same number", "new number"])
def test_recreated_under_its_name(lab, tc, again):
    """Beside another interface the run goes on, and takes it again; also when nobody looked in between."""
    lab.add_link("c1", "s1")
    lab.server.ip("link", "del", "s0")
    lab.client.ip("link", "add", "c0", "type", "veth", "peer", "name", *again.split(), "netns", lab.server.name)
    watch = lab.watch("-i", "s1", mode="tc", environment=tc)
    lab.server.ip("-b", "-", input=f"link del s0\nlink add {again} type veth peer name c0 netns {lab.client.name}\n"
                                   "addr add 10.2.0.1/8 dev s0\nlink set s0 up\n")
    lab.client.ip("-b", "-", input="addr add 10.1.0.1/8 dev c0\nlink set c0 up\n")
    watch.wait_error("s0: in by", 2)
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow, iface="s0")
    watch.stop()


def test_the_only_one_recreated(lab):
    """A single name ends with its interface, though another has the name by then."""
    lab.server.ip("link", "del", "s0")
    lab.client.ip("link", "add", "c0", "type", "veth", "peer", "name", "s0", "index", "77", "netns", lab.server.name)
    watch = lab.watch(mode="tc")
    lab.server.ip("-b", "-", input="link del s0\nlink add s0 index 77 type veth peer name c0\n")
    assert watch.wait() == 5


def test_moved_to_another_namespace(lab, tc):
    """Gone is gone; nothing of ours goes with it."""
    watch = lab.watch(mode="tc", environment=tc)
    held = held_by(watch.process.pid)
    lab.server.ip("link", "set", "s0", "netns", lab.client.name)
    assert watch.wait() == 5
    wait_gone(held)
    assert not hooks(lab.client, "s0")


def test_hooks_taken_off(lab):
    """Somebody else detaches our link: no message tells, so it is looked at."""
    lab.add_link("c1", "s1")
    watch = lab.watch("-i", "s1", mode="native")
    watch.wait_error("s1: in by")
    links = {entry["id"] for entry in json.loads(run("bpftool", "-j", "link", "show").stdout)
             if entry.get("type") == "xdp"}
    # the lower number is the older one, of s0
    run("bpftool", "link", "detach", "id", str(min(links & held_by(watch.process.pid)["link"])))
    watch.wait_error("s0: our hooks were taken off")
    watch.wait_error("s0: in by", 2)
    _, _, flow = lab.pair(V4)
    watch.expect("open", flow)
    watch.stop()


def test_one_that_cannot_be_had_is_told_once(lab):
    """Native XDP on lo is refused whenever links change, which is no news."""
    watch = lab.watch("-i", "l*", "-i", "x*", mode="native")
    watch.wait_error("^tcpshake: lo: ")
    for number in range(3):
        lab.add_link(f"y{number}", f"x{number}")
        watch.wait_error(f"x{number}: in by")
    assert len([line for line in watch.errors if line.startswith("tcpshake: lo: ")]) == 1, watch.errors
    watch.stop()


# --- signals, and the clock ---

def test_signals(lab):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        watch = lab.watch()
        watch.signal(signal.SIGUSR1)
        until(lambda w=watch: len([e for e in w.errors if e.startswith("tcpshake: after ")]) == 1, "a summary")
        _, _, flow = lab.pair(V4)
        watch.expect("open", flow)
        watch.signal(number)
        assert watch.wait() == 0
        watch.check()
        assert not hooks(lab.server, "s0")


def test_stopped_and_continued(lab, tmp_path):
    """What it slept through is in the ring and in the counters."""
    path = tmp_path / "x.prom"
    watch = lab.watch("--half-open-after", "1", "--textfile", str(path), "--interval", "0.1")
    wait_metrics(path)
    watch.signal(signal.SIGSTOP)
    flows = [lab.pair(V4)[2] for _ in range(20)]
    lab.server.drop("tcp dport 9", "input")
    _, late = lab.begin(V4, 9)
    time.sleep(2.5)
    watch.signal(signal.SIGCONT)
    for flow in flows:
        watch.expect("open", flow)
    watch.expect("half_open", late, waiting_for="syn_ack")
    wait_update(path)
    watch.stop()


def test_the_wall_clock_is_set_back(lab, tmp_path):
    """Times of events follow it; ages, deadlines and the rhythm do not."""
    trigger, path = tmp_path / "back", tmp_path / "x.prom"
    watch = lab.watch("--textfile", str(path), "--interval", "0.1", "--half-open-after", "1",
                      environment={"LD_PRELOAD": os.path.join(BUILD, "live", "clock.so"),
                                   "CLOCK_BACK_A_DAY": str(trigger)})
    _, _, before = lab.pair(V4)
    first = watch.expect("open", before)
    wait_metrics(path)
    lab.server.drop("tcp dport 9", "input")
    _, waiting = lab.begin(V4, 9)
    trigger.touch()
    wait_metrics(path, lambda m: m["tcpshake_last_update_timestamp_seconds"] < time.time() - 80000)
    late = watch.expect("half_open", waiting)
    assert 0.9e9 < late["age_ns"] < 4e9
    _, _, after = lab.pair(V4)
    second = watch.expect("open", after)
    assert second["time"] < first["time"] and second["open_ns"] < 5e9
    wait_update(path, 3)
    watch.stop()


# --- killed ---

def test_killed_at_random_moments(lab, tmp_path):
    """kill -9 while it loads, attaches or runs; what it leaves at clsact goes at the next start."""
    path = tmp_path / "x.prom"
    # each moment can be had again with the number that pytest shows
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Chatter(lab) as traffic:
        for number in range(KILLS):
            environment = NO_TCX if number % 2 else {}
            watch = lab.start("-q", "--mode", chance.choice(["native", "tc"]), "-i", "s0", "--textfile", str(path),
                              "--interval", "0.1", environment=environment)
            time.sleep(chance.uniform(0, 1.2))
            killed = held_by(watch.process.pid)
            watch.kill()
            if not environment:
                wait_gone(killed)
            watch = lab.watch("--textfile", str(path), "--interval", "0.1", mode=chance.choice(["native", "tc"]),
                              environment=chance.choice([{}, NO_TCX]))
            wait_gone(killed)
            held = held_by(watch.process.pid)
            traffic.wait()
            watch.stop()
            assert watch.counters["handshakes_completed"] > 0
            wait_gone(held)
            assert not hooks(lab.server, "s0"), number
            assert os.listdir(tmp_path) == [], number
