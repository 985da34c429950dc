# SPDX-License-Identifier: GPL-2.0-only
"""The worlds in which the detector is measured, as packets: -r makes the model's own bins of them, to the last count.

A minute of each; TCPSHAKE_LAB_SECONDS=600 for ten.
"""
import os
import subprocess

import pytest

from conftest import BINARY, ROOT

PACKETS = os.path.join(os.environ.get("TCPSHAKE_BUILD", os.path.join(ROOT, "build")), "detector", "packets")
SECONDS = os.environ.get("TCPSHAKE_LAB_SECONDS", "60")
LIMIT = 60 + int(SECONDS)


def names():
    if not os.path.exists(PACKETS):
        return []
    return subprocess.run([PACKETS], stdout=subprocess.PIPE, check=True, text=True, timeout=10).stdout.splitlines()


def bins_of(path):
    """Without the bins in which no packet was counted, but a handshake ended by the clock."""
    return [line for line in path.read_text().splitlines() if any(int(count) for count in line.split()[3:])]


@pytest.mark.skipif(not os.path.exists(PACKETS), reason="%s was not built" % PACKETS)
@pytest.mark.parametrize("name", names())
def test_bins_of_packets_are_the_models(name, tmp_path):
    truth, seen = tmp_path / "truth", tmp_path / "seen"
    with subprocess.Popen([PACKETS, name, "1", SECONDS, truth], stdout=subprocess.PIPE) as packets:
        reading = subprocess.run([BINARY, "-r", "-", "-q", "--memory", "64M"], stdin=packets.stdout, check=False,
                                 stderr=subprocess.PIPE, env={**os.environ, "TCPSHAKE_BINS": str(seen)}, timeout=LIMIT)
        packets.stdout.close()
        assert packets.wait(timeout=LIMIT) == 0
    assert reading.returncode == 0, reading.stderr
    expected = bins_of(truth)
    assert expected
    assert bins_of(seen) == expected
