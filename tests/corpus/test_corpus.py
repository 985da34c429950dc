# SPDX-License-Identifier: GPL-2.0-only
"""Every public capture against tshark's and Zeek's account of it; see compare.py."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402

BINARY = os.environ.get("TCPSHAKE", os.path.join(compare.ROOT, "build", "tcpshake"))

pytestmark = pytest.mark.skipif(
    not os.path.isdir(compare.corpus()) or not os.path.exists(BINARY),
    reason="needs build/tcpshake and the corpus (TCPSHAKE_CORPUS)")


@pytest.mark.parametrize("capture", compare.captures(),
                         ids=[compare.base_name(path) for path in compare.captures()])
def test_capture(capture):
    assert compare.compare_all(BINARY, [capture]).open_differences == []


def test_what_is_accepted_still_differs():
    accepted = compare.compare_all(BINARY, compare.captures()).accepted
    assert sorted(accepted) == sorted(compare.ACCEPTED)
