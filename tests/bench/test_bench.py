# SPDX-License-Identifier: GPL-2.0-only
"""Does the benchmark still run, and are the programs still the size that they were?

    programs.txt holds what the programs cost the verifier and how large they are, as
    `make bench-programs` wrote it. The numbers depend on kernel and compiler: with
    others there is nothing to compare.
"""
import json
import os
import re
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(os.environ.get("TCPSHAKE_BUILD", os.path.join(HERE, "..", "..", "build")), "bench", "bench")
TOLERANCE = 0.10  # of each number
COLUMNS = ("xlated", "jited", "verified")
COMPARED = ("xlated", "verified")

ROWS = {
    "data, one flow": 4,  # XDP and tc, IPv4 and IPv6
    "data, 1M flows, few pending": 4,
    "ten-packet connection": 4,
    "ten-packet connections, 16k at once": 1,
    "data, 1M flows, pending full": 1,
    "spoofed SYN, tables full": 4,
    "spoofed SYN, SYN-ACK, tables full": 1,
    "SYN-ACK of no one, tables full": 1,
    "FIN of no one, tables full": 1,
    "RST of no one, tables full": 1,
    "FIN of no one, tables full, host": 1,
    "RST of no one, tables full, host": 1,
    "spoofed SYN, tables full, in alarm": 4,
    **{f"data, {flows} flows": 1 for flows in ("1k", "4k", "16k", "64k", "256k", "1M", "4M")},
}
# Of our program's packets in a row, how many are counted so: it does what the row says.
COUNTED = {
    "ten-packet connection": {"handshakes_started": 0.1, "handshakes_completed": 0.1, "connections_fin": 0.1},
    "spoofed SYN, tables full": {"handshakes_started": 1, "handshakes_evicted": 1},
    "spoofed SYN, tables full, in alarm": {"handshakes_evicted": 1, "events_suppressed": 1},
    "spoofed SYN, SYN-ACK, tables full": {"handshakes_started": 0.5, "handshakes_evicted": 0.5, "stepped": 1},
    "SYN-ACK of no one, tables full": {"adoptions_started": 1},
    "FIN of no one, tables full": {"adoptions_started": 1},
    "RST of no one, tables full": {"stray_rst": 1},
}
BOTH = {"both CPUs: data, one flow each", "both CPUs: data, 1M flows each", "both CPUs: ten-packet connections",
        "both CPUs: spoofed SYN, tables full"}


def run(*arguments):
    done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_row_is_measured(tmp_path):
    path = tmp_path / "bench.json"
    table = run("--smoke", "--json", str(path))
    found = json.loads(path.read_text(encoding="utf-8"))
    assert {name: sum(row["row"] == name for row in found["rows"]) for name in ROWS} == ROWS
    assert len(found["rows"]) == sum(ROWS.values())
    for row in found["rows"]:
        assert all(row["ns"][program] > 0 for program in ("empty", "parse", "reference", "tcpshake")), row
        assert row["row"] in table
        for counter, share in COUNTED.get(row["row"], {}).items():
            assert row["counted_a_packet"].get(counter) == pytest.approx(share, rel=0.02), (counter, row)
        if row["row"].startswith("data, "):
            looked_at = ("not_watched", "no_connection")
            assert sum(row["counted_a_packet"].get(name, 0) for name in looked_at) == pytest.approx(1, rel=0.01), row
        if "tables full" in row["row"]:
            assert row["pending_used"] > 0.99 and row["connections_used"] > 0.99, row
    # one CPU cannot work beside another
    assert {both["row"] for both in found["both_cpus"]} == (BOTH if os.cpu_count() > 1 else set())
    assert found["sweep"]["slices"] > 0 and found["memory"] and found["machine"]["kernel"] == os.uname().release


def parse(text):
    """Kernel (without what comes behind major.minor) and compiler, and the numbers by program."""
    lines = text.splitlines()
    made_by = re.sub(r"^(# Linux \d+\.\d+)[^,]*", r"\1", lines[1])
    return made_by, {line.split()[0]: dict(zip(COLUMNS, map(int, line.split()[1:])))
                     for line in lines if line and not line.startswith("#")}


def test_programs_are_as_large_as_they_were():
    with open(os.path.join(HERE, "programs.txt"), encoding="utf-8") as file:
        made_by, expected = parse(file.read())
    here, found = parse(run("--programs"))
    if here != made_by:
        pytest.skip(f"programs.txt is of {made_by[2:]}, this is {here[2:]}")
    changes = [f"{name}: {'is new' if name in found else 'is gone'}" for name in sorted(found.keys() ^ expected.keys())]
    for name in sorted(found.keys() & expected.keys()):
        for column in COMPARED:
            was, now = expected[name][column], found[name][column]
            if abs(now - was) > TOLERANCE * was:
                changes.append(f"{name}: {column} {was} -> {now} ({100 * (now - was) / was:+.0f} %)")
    assert not changes, "\n".join(["sizes of programs changed; if that is meant: sudo make bench-programs", *changes])
