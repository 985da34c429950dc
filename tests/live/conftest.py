# SPDX-License-Identifier: GPL-2.0-only
"""Live tests: they need root, for namespaces and for attaching inside them."""
import collections
import os
import re
import resource
import socket
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as laboratory  # noqa: E402
from owning import apart, place, run  # noqa: E402, F401  (fixtures)

# a login shell of Debian's has 1,024 descriptors, less than some tests have sockets
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

FAMILIES = {"v4": socket.AF_INET, "v6": socket.AF_INET6}


def pytest_collection_modifyitems(items):
    reason = None
    if os.geteuid():
        reason = "needs root: network namespaces, and attaching inside them"
    elif not os.path.exists(laboratory.BINARY):
        reason = f"{laboratory.BINARY} is not built"
    here = os.path.dirname(os.path.abspath(__file__))
    for item in items:
        if reason and str(item.fspath).startswith(here):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    """Of what was played several times: how often it was right."""
    if "TCPSHAKE_VERDICTS" not in os.environ:
        return
    right, times = collections.Counter(), collections.Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            name = re.sub(r"\[(?:(.*)-)?\d+\]$", lambda found: f" {found[1]}" if found[1] else "",
                          report.nodeid.split("::")[-1]).removeprefix("test_").replace("_", " ")
            times[name] += 1
            right[name] += outcome == "passed"
    terminalreporter.write_line("\n| scenario | right |\n|---|---|")
    for name, count in times.items():
        terminalreporter.write_line(f"| {name} | {right[name]} of {count} |")


def sweep():
    """Namespaces that a killed run of these tests left behind: theirs is the process named in them."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
        pid = name[2:].split("x")[0]
        if name.startswith("ts") and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            laboratory.run("ip", "netns", "del", name, check=False)


@pytest.fixture(scope="session", autouse=True)
def clean():
    sweep()
    yield


@pytest.fixture
def lab():
    with laboratory.Lab() as made:
        yield made


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


@pytest.fixture(params=["native", "tc"])
def mode(request):
    return request.param
