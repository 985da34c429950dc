# SPDX-License-Identifier: GPL-2.0-only
"""Captures cut at every byte, and mutated: no crash, no hang, no sanitizer report. See tests/damage/damage.c."""
import os
import subprocess

import pytest

import make
from conftest import ROOT

BUILD = os.environ.get("TCPSHAKE_BUILD", os.path.join(ROOT, "build"))
DAMAGE = os.path.join(BUILD, "damage", "damage")
CORPUS = os.path.join(os.environ.get("TCPSHAKE_CORPUS") or os.path.join(ROOT, "..", "shared", "corpus"), "captures")

FILES, LARGEST, MUTATIONS = 20, 3000, 10000

# of each kind one; the rest comes from the public captures when there are any
OWN = [*make.scripts(), "pcapng-interfaces", "pcapng-two-sections", "pcap-be-us", "pcapng-be-6"]
MORE = ["link-sll2", "link-sll-ipv6", "link-ppp-serial", "link-loop", "link-null-ipv6"]


def public():
    if not os.path.isdir(CORPUS):
        return []
    paths = sorted(os.path.join(CORPUS, name) for name in os.listdir(CORPUS))
    return [path for path in paths if 500 <= os.path.getsize(path) <= LARGEST]


@pytest.mark.skipif(not os.path.exists(DAMAGE), reason="%s was not built" % DAMAGE)
def test_damaged_captures(tmp_path):
    made, paths = make.captures(), []
    for name in OWN:
        paths.append(tmp_path / name)
        paths[-1].write_bytes(made[name])
    paths += public()[::3][:FILES - len(paths)]
    for name in MORE[:FILES - len(paths)]:
        paths.append(tmp_path / name)
        paths[-1].write_bytes(made[name])
    assert len(paths) == FILES
    got = subprocess.run([DAMAGE, "-m", str(MUTATIONS), "-o", os.path.join(BUILD, "damage", "failure"), *paths],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=500)
    assert got.returncode == 0, got.stderr.decode(errors="replace")
    print(got.stdout.decode())
