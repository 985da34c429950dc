# SPDX-License-Identifier: GPL-2.0-only
"""What an administrator installs and a monitoring system sees.

TCPSHAKE_REWRITES says how often the metrics file of a live run is written under
a scraper (100); another writer does it 10,000 times in any case.
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from lab import BINARY, PATIENCE, run, until
from service import BUILD, ROOT, Chatter, Daemon, parse, read_metrics, wait_metrics, wait_update

V4 = socket.AF_INET
DEPLOY = os.path.join(ROOT, "deploy")
RULES = os.path.join(DEPLOY, "prometheus", "tcpshake.rules.yml")
REWRITES = int(os.environ.get("TCPSHAKE_REWRITES", "100"))
EXPORTER_PORT, PROMETHEUS_PORT = 9100, 9090


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def ask(host, port, path):
    """A page of a server in a namespace."""
    with host:
        sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.sock = sock
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
    if answer.status != 200:
        raise http.client.HTTPException(f"{path}: {answer.status} {body}")
    return body


def wait_served(host, port, path):
    def served():
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask(host, port, path)
            return True
        return None

    until(served, f"port {port} to answer")


@pytest.fixture
def exporter(lab, tmp_path):
    """node_exporter over an empty directory: (scrape(), directory)."""
    directory = tmp_path / "textfiles"
    directory.mkdir()
    directory.chmod(0o755)
    with Daemon(lab.server, "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{EXPORTER_PORT}",
                "--collector.disable-defaults", "--collector.textfile", "--web.disable-exporter-metrics",
                f"--collector.textfile.directory={directory}", log=tmp_path / "exporter.log") as daemon:
        wait_served(lab.server, EXPORTER_PORT, "/metrics")
        yield lambda: ask(lab.server, EXPORTER_PORT, "/metrics"), directory
        assert "error" not in daemon.said, daemon.said


def ours(page):
    """Our series on an exporter's page, and that it had no error with them."""
    assert "node_textfile_scrape_error 0\n" in page, page[-500:]
    lines = [line for line in page.splitlines() if line.startswith("tcpshake_")]
    return parse("\n".join(lines) + "\n")


# --- the metrics ---

@needs("promtool")
def test_metrics_are_well_made(lab, tmp_path):
    path = tmp_path / "x.prom"
    watch = lab.watch("--textfile", str(path), "--interval", "0.1", "--label-port", "80,443", "--watcher", "a \"b\"")
    with Chatter(lab) as traffic:
        traffic.wait(20)
    text = path.read_bytes() if wait_metrics(path) else b""
    watch.stop()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert len(parse(text.decode())) <= 400
    assert not path.exists()  # a clean stop takes it away


def test_sums_hold_in_each_file(lab, tmp_path):
    """Under traffic a packet may be inside a program, so there is no more than one between the two sides."""
    path, sides = tmp_path / "x.prom", ["completed", "refused", "aborted", "reset", "timed_out", "replaced", "evicted"]
    watch = lab.watch("--textfile", str(path), "--interval", "0.1")
    wait_metrics(path)
    with Chatter(lab) as traffic:
        for _ in range(10):
            wait_update(path)
            metrics = read_metrics(path)
            ended = sum(metrics[f"tcpshake_handshakes_{side}_total"] for side in sides)
            assert abs(metrics["tcpshake_handshakes_started_total"] - ended
                       - metrics["tcpshake_handshakes_unfinished"]) <= 2
    wait_update(path)
    metrics = read_metrics(path)
    assert metrics["tcpshake_handshakes_completed_total"] == metrics["tcpshake_open_seconds_count"] >= traffic.count
    watch.stop()


@needs("prometheus-node-exporter")
def test_never_torn(exporter):
    """10,000 versions, as fast as they can be written, under a scraper that never rests."""
    scrape, directory = exporter
    path, seen = directory / "x.prom", set()
    writer = subprocess.Popen([os.path.join(BUILD, "live", "rewrite"), str(path), "10000"])
    try:
        wait_metrics(path)
        while writer.poll() is None:
            values = ours(scrape())
            numbers = {value for name, value in values.items() if name.endswith("_total")
                       and not re.search("events_(own|written|lost_at)", name)}
            assert len(numbers) == 1, numbers
            seen |= numbers
    finally:
        writer.kill()
    assert writer.wait() == 0
    assert len(seen) > 10


@needs("prometheus-node-exporter")
def test_scraped_without_pause(lab, exporter):
    scrape, directory = exporter
    path = directory / "tcpshake.prom"
    watch = lab.watch("--textfile", str(path), "--interval", "0.1", "-e", "loss")
    wait_metrics(path)
    versions, last = set(), 0
    with Chatter(lab):
        while len(versions) < REWRITES:
            values = ours(scrape())
            assert values["tcpshake_packets_total"] >= last
            last = values["tcpshake_packets_total"]
            versions.add(values["tcpshake_last_update_timestamp_seconds"])
    watch.stop()


@needs("prometheus-node-exporter")
def test_two_runs_beside_each_other(lab, exporter):
    """Of series with the same name the exporter would keep one: so each run has a name."""
    scrape, directory = exporter
    lab.add_link("c1", "s1")
    runs = [lab.watch("--textfile", str(directory / f"{device}.prom"), "--interval", "0.1", "--watcher", device,
                      device=device) for device in ("s0", "s1")]
    for device in ("s0", "s1"):
        wait_metrics(directory / f"{device}.prom", lambda m: True)
    values = ours(scrape())
    for device in ("s0", "s1"):
        assert values[f'tcpshake_devices{{watcher="{device}"}}'] == 1
    for watch in runs:
        watch.stop()


# --- rules ---

@needs("promtool")
def test_rules():
    run("promtool", "check", "rules", RULES)
    run("promtool", "test", "rules", RULES.replace(".yml", ".test.yml"))


def test_rules_know_the_metrics(lab, tmp_path):
    """A metric that is not written would never alert."""
    path = tmp_path / "x.prom"
    watch = lab.watch("--textfile", str(path), "--interval", "0.1")
    names = {name.partition("{")[0] for name in wait_metrics(path)}
    with open(RULES) as file:
        used = set(re.findall(r"\btcpshake_\w+", "".join(line for line in file if "#" not in line)))
    assert {name for name in used if not name.endswith("_")} <= names | {"tcpshake_handshakes_"}
    watch.stop()


PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def alerts(lab, name):
    """States of an alert's instances: pending or firing."""
    found = json.loads(ask(lab.server, PROMETHEUS_PORT, "/api/v1/alerts"))["data"]["alerts"]
    return [alert["state"] for alert in found if alert["labels"]["alertname"] == name]


@needs("prometheus")
@needs("prometheus-node-exporter")
def test_an_alert_fires_and_clears(lab, exporter, tmp_path):
    """As shipped, in a real Prometheus: nothing is watched, until something is."""
    _, directory = exporter
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(PROMETHEUS.format(rules=RULES, port=EXPORTER_PORT))
    watch = lab.start("-q", "-v", "-i", "x*", "--textfile", str(directory / "x.prom"), "--interval", "0.5")
    with Daemon(lab.server, "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", log=tmp_path / "prometheus.log"):
        wait_served(lab.server, PROMETHEUS_PORT, "/-/ready")
        until(lambda: "firing" in alerts(lab, "TcpshakeNotAttached"), "the alert", 90)
        lab.add_link("y1", "x1")
        watch.wait_error("x1: in by")
        until(lambda: not alerts(lab, "TcpshakeNotAttached"), "the alert to clear", 30)
        assert not alerts(lab, "TcpshakeStale")
    watch.stop()


# --- what is installed ---

def make(*args):
    return run("make", "-C", ROOT, f"BUILD={BUILD}", "-o", "all", *args, env={**os.environ, "MAKEFLAGS": ""})


def files_below(place):
    return sorted(os.path.relpath(os.path.join(at, name), place) for at, _, names in os.walk(place) for name in names)


def test_install_and_uninstall(tmp_path):
    place = tmp_path / "root"
    args = [f"DESTDIR={place}", "PREFIX=/opt/x"]
    make("install", *args)
    assert files_below(place) == [
        "opt/x/lib/systemd/system/tcpshake@.service", "opt/x/sbin/tcpshake",
        "opt/x/share/bash-completion/completions/tcpshake", "opt/x/share/man/man8/tcpshake.8",
        "opt/x/share/tcpshake/prometheus/tcpshake.rules.test.yml", "opt/x/share/tcpshake/prometheus/tcpshake.rules.yml"]
    unit = (place / "opt/x/lib/systemd/system/tcpshake@.service").read_text()
    assert "ExecStart=/opt/x/sbin/tcpshake -i %i " in unit and "@SBINDIR@" not in unit
    assert run(str(place / "opt/x/sbin/tcpshake"), "--version").stdout.startswith("tcpshake ")
    other = place / "opt/x/share/tcpshake/mine"
    other.write_text("not yours")
    make("uninstall", *args)
    assert files_below(place) == ["opt/x/share/tcpshake/mine"]
    other.unlink()
    make("uninstall", *args)
    left = sorted(os.path.relpath(at, place) for at, directories, _ in os.walk(place) if not directories)
    assert left == ["opt/x/lib", "opt/x/sbin", "opt/x/share/man"]  # as /usr/local has them


@needs("systemd-analyze")
def test_the_unit_is_hardened(tmp_path):
    unit = tmp_path / "tcpshake@.service"
    with open(os.path.join(DEPLOY, "tcpshake@.service.in")) as file:
        unit.write_text(file.read().replace("@SBINDIR@", "/usr/sbin"))
    judged = run("systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=20", str(unit),
                 env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert float(re.search(r"Overall exposure level .*: (\S+)", judged.stdout)[1]) <= 2.0


def options():
    return set(re.findall(r"^ *(?:-\w, )?(--[a-z0-9-]+)", run(BINARY, "--help").stdout, re.M))


def test_the_manual_page_is_complete(lab, tmp_path):
    with open(os.path.join(DEPLOY, "tcpshake.8")) as file:
        page = file.read().replace("\\-", "-")
    missing = {option for option in options() if not re.search(re.escape(option) + r"\b", page)}
    assert not missing
    path = tmp_path / "x.prom"
    watch = lab.watch("--textfile", str(path), "--interval", "0.1", "--label-port", "80")
    names = {re.sub(r"\{.*|_(bucket|sum|count) .*", "", name) for name in wait_metrics(path)}
    watch.stop()
    for name in {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}:
        short = re.fullmatch(r"tcpshake_(\w+)_total", name)
        assert name in page or (short and f".B {short[1]}\n" in page), name


@needs("man")
def test_the_manual_page_is_well_made():
    done = run("man", "-l", "--warnings", "-E", "UTF-8", os.path.join(DEPLOY, "tcpshake.8"),
               env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
    assert not done.stderr


def complete(*words):
    script = (f"source {DEPLOY}/tcpshake.bash-completion; compopt() {{ :; }}; COMP_WORDS=(\"$@\");"
              " COMP_CWORD=$(($# - 1)); _tcpshake \"$1\"; printf '%s\\n' \"${COMPREPLY[@]}\"")
    return set(run("bash", "-c", script, "bash", BINARY, *words).stdout.split())


def test_completion():
    assert complete("--") == options()
    assert complete("--mode", "n") == complete("--mode", "=", "n") == {"native"}
    assert complete("-e", "open,cl") == {"open,close"}
    assert "lo" in complete("-i", "l")


# --- the service manager ---

class Manager:
    """The far end of NOTIFY_SOCKET."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.socket.settimeout(PATIENCE)

    def heard(self):
        return self.socket.recv(4096).decode()


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_ready_only_when_attached(lab, tmp_path, kind):
    """Abstract names belong to a network namespace, and so does the manager of this one."""
    name = str(tmp_path / "notify") if kind == "path" else f"@tcpshake-test-{os.getpid()}"
    with lab.server:
        manager = Manager(name.replace("@", "\0"))
    watch = lab.start("-i", "s0", "--mode", "native",
                      environment={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})
    first = manager.heard()
    assert "xdp" in lab.server.ip("link", "show", "s0").stdout
    assert first.split("\n") == ["READY=1", "STATUS=watching 1 interface"]
    for _ in range(3):
        assert manager.heard() == "WATCHDOG=1"
    watch.signal(signal.SIGTERM)
    until(lambda: manager.heard() == "STOPPING=1", "STOPPING=1")
    assert watch.wait() == 0


def test_not_ready_when_refused(lab, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    watch = lab.start("-i", "nosuch", environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert watch.wait() == 4
    manager.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.heard()
