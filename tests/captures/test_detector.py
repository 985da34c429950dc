# SPDX-License-Identifier: GPL-2.0-only
"""The flood detector over generated days and floods, in short. See tests/detector; `make detector` is the long one."""
import os
import subprocess

import pytest

from conftest import ROOT

BUILD = os.environ.get("TCPSHAKE_BUILD", os.path.join(ROOT, "build"))
DETECTOR = os.path.join(BUILD, "detector", "detector")


@pytest.mark.skipif(not os.path.exists(DETECTOR), reason="%s was not built" % DETECTOR)
def test_detector_in_short():
    got = subprocess.run([DETECTOR, "--short"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                         timeout=500)
    assert got.returncode == 0, got.stderr.decode() + got.stdout.decode()
