# SPDX-License-Identifier: GPL-2.0-only
"""Runs tcpshake -r; needs neither root nor the kernel's help."""
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.abspath(os.environ.get("TCPSHAKE", os.path.join(ROOT, "build", "tcpshake")))


class Reading:
    """What one run said."""

    def __init__(self, completed):
        self.status = completed.returncode
        self.stdout, self.stderr = completed.stdout, completed.stderr.decode(errors="replace")

    @property
    def events(self):
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def messages(self):
        """Without the summary, which begins at "tcpshake: after"."""
        return self.stderr.split("tcpshake: after")[0]


def read(path, *options, before=(), **how):
    how.setdefault("stdout", subprocess.PIPE)
    how.setdefault("stderr", subprocess.PIPE)
    return Reading(subprocess.run([*before, BINARY, "-r", str(path), *options], check=False, timeout=60, **how))


@pytest.fixture
def capture(tmp_path):
    """Writes bytes to a file; returns its path."""
    def write(data, name="test.pcap"):
        path = tmp_path / name
        path.write_bytes(data)
        return path
    return write
