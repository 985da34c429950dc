# SPDX-License-Identifier: GPL-2.0-only
"""tcpshake@.service as it is installed, under a real systemd: all that the unit takes away is taken away here."""
import os
import re
import socket
import stat

import pytest

from lab import PATIENCE, until
from manager import Manager, why_not
from service import held_by, hooks, wait_gone, wait_metrics

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
UNIT = "tcpshake@s0"
FILE = "var/lib/prometheus/node-exporter/tcpshake-s0.prom"
OPTIONS = "etc/default/tcpshake-s0"


@pytest.fixture
def manager(lab, tmp_path):
    with Manager(lab.server, tmp_path / "root") as made:
        made.write(OPTIONS, "TCPSHAKE_OPTIONS=--mode native --interval 0.1 --close-wait-after 0.2\n")
        yield made


def process(manager):
    found = manager.process_of(UNIT)
    assert len(found) == 1, found
    return int(found[0])


def wait_completed(manager, count):
    wait_metrics(manager.path(FILE), lambda m: m['tcpshake_handshakes_completed_total{watcher="s0"}'] == count)


def test_start_and_stop(lab, manager):
    """Started is attached, and stopped is as if it had never been."""
    manager.control("start", UNIT)
    assert hooks(lab.server, "s0")
    shown = manager.show(UNIT)
    assert (shown["ActiveState"], shown["StatusText"], shown["NRestarts"]) == ("active", "watching 1 interface", "0")
    held = held_by(process(manager))

    client, server, flow = lab.pair(socket.AF_INET)
    client.close()
    wait_completed(manager, 1)
    assert stat.S_IMODE(os.stat(manager.path(FILE)).st_mode) == 0o644
    until(lambda: re.search(rf"tcpshake\[\d+\]: .*LINGER .*:{flow.client_port} .*CLOSE_WAIT", manager.journal()),
          manager.journal)
    server.close()

    manager.control("stop", UNIT)
    shown = manager.show(UNIT)
    assert (shown["ActiveState"], shown["Result"], shown["NRestarts"]) == ("inactive", "success", "0")
    assert os.listdir(os.path.dirname(manager.path(FILE))) == []
    assert not hooks(lab.server, "s0")
    wait_gone(held)


def test_enabled(manager):
    manager.control("enable", "--now", UNIT)
    assert manager.control("is-enabled", UNIT) == "enabled"
    manager.control("disable", "--now", UNIT)
    assert manager.control("is-active", UNIT, check=False) == "inactive"


@pytest.mark.parametrize("end, result", [("KILL", "signal"), ("STOP", "watchdog")])
def test_ended_and_begun_again(lab, manager, end, result):
    """Killed, or hung: then the watchdog misses its sign of life."""
    manager.control("start", UNIT)
    held = held_by(process(manager))
    manager.control("kill", f"--signal={end}", UNIT)
    manager.wait_shown(UNIT, 60, ActiveState="active", SubState="running", NRestarts=lambda n: int(n) > 0)
    assert f"Failed with result '{result}'" in manager.journal()
    wait_gone(held)
    assert hooks(lab.server, "s0")
    lab.pair(socket.AF_INET)
    wait_completed(manager, 1)
    manager.control("stop", UNIT)
    assert not hooks(lab.server, "s0")


def test_an_interface_that_comes_and_goes(lab, manager):
    """Not there: it fails and is tried again, until there is one; gone and there again, it is watched again."""
    manager.write(OPTIONS.replace("s0", "s1"), "TCPSHAKE_OPTIONS=--mode native\n")
    unit = UNIT.replace("s0", "s1")
    manager.control("start", unit, check=False)
    assert manager.show(unit)["ActiveState"] == "activating"
    manager.wait_shown(unit, ExecMainStatus="4", NRestarts=lambda n: int(n) > 1)
    for _ in range(2):
        lab.add_link("c1", "s1")
        manager.wait_shown(unit, 30, ActiveState="active")
        assert hooks(lab.server, "s1")
        lab.server.ip("link", "del", "s1")
        manager.wait_shown(unit, ActiveState="activating")
    assert re.search("status=5", manager.journal())
    manager.control("stop", unit)


def test_what_does_not_go_away_by_trying_again(manager):
    manager.write(OPTIONS, "TCPSHAKE_OPTIONS=--no-such-option\n")
    manager.control("start", UNIT, check=False)
    shown = manager.wait_shown(UNIT, PATIENCE, ActiveState="failed")
    assert (shown["ExecMainStatus"], shown["NRestarts"]) == ("2", "0")
    assert "no-such-option" in manager.journal()
