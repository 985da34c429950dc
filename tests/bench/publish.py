#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Puts what the benchmark measured into README.md and draws it.

    tests/bench/publish.py RESULTS README

RESULTS/bench.json is read, RESULTS/costs.svg written, and in README what stands
between the two markers of the benchmark.
"""
import json
import os
import re
import sys

import plot

BEGIN, END = "<!-- bench: begin, written by make bench-results -->", "<!-- bench: end -->"


def xdp_v4(found):
    return [row for row in found["rows"] if (row["hook"], row["family"]) == ("xdp", "v4") and
            (row["target_to_parse"] or row["target_under_reference"])]


def goal(value, target, met):
    text = f"{value:.2f} x" if value < 9.995 else f"{value:.0f} x"
    return f"{text} ({target:g}: {'met' if met else '**not met**'})" if target else text


def row_cells(row):
    ns = row["ns"]
    return [row["row"], row["memory"], f"{ns['parse']:.0f}", f"{ns['reference']:.0f}", f"{ns['tcpshake']:.0f}",
            goal(row["to_parse"], row["target_to_parse"], row["to_parse"] <= row["target_to_parse"]),
            goal(row["under_reference"], row["target_under_reference"],
                 row["under_reference"] >= row["target_under_reference"]),
            f"{row['mpps_with_driver']:.1f}"]


def markdown(head, rows):
    align = ["---"] * 2 + ["--:"] * (len(head) - 2)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, align, *rows])


def machine_line(found):
    machine = found["machine"]
    line = (f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['cache']} of cache, Linux {machine['kernel']}, "
            f"{machine['compiler']}; load {machine['load_before']:.1f} before, {machine['day']}; medians of "
            f"{machine['rounds']} rounds, `--view {machine['view']}`.")
    return line + (f" **Too noisy: {found['noise']}.**" if found["noise"] else "")


def elsewhere_lines(found):
    """The rows that are measured at all hooks, for the first memory: at the hooks that the table above leaves out."""
    memory = found["rows"][0]["memory"]
    places = {"XDP, IPv6": ("xdp", "v6"), "tc, IPv4": ("tc", "v4"), "tc, IPv6": ("tc", "v6")}
    there = {(row["row"], row["hook"], row["family"]): row for row in found["rows"] if row["memory"] == memory}
    rows = []
    for row in xdp_v4(found):
        others = [there.get((row["row"], *place)) for place in places.values()]
        if row["memory"] == memory and all(others):
            rows.append([row["row"], f"{row['target_to_parse']:g}",
                         *(f"{other['ns']['tcpshake']:.0f} ns, {other['to_parse']:.2f} x" for other in others)])
    return markdown([f"to parse, {memory}", "target", *places], rows)


def both_lines(found):
    rows = [[both["row"].removeprefix("both CPUs: "), *(f"{both[how][what]:.0f}" for what in ("parse", "tcpshake")
                                                        for how in ("alone_ns", "together_ns")),
             f"{2000 / both['together_ns']['tcpshake']:.1f}"] for both in found["both_cpus"]]
    return markdown(["both CPUs at one service, flows of their own", "parse alone", "parse, both", "ours alone",
                     "ours, both", "M/s of both, harness included"], rows)


def sweep_line(found):
    sweep, memory = found["sweep"], found["memory"]
    sizes = f"{memory[0]['bytes_a_seed']} bytes a seed; " + \
            ", ".join(f"{m['bytes_a_slot']:.0f} bytes a slot at {m['memory']}" for m in memory)
    return (f"A sweep of {sweep['flows']:,} flows takes {sweep['whole_ms']:.1f} ms a second when nothing is due, in slices of "
            f"{sweep['slice_us']:.0f} µs (the longest {sweep['longest_us']:.0f}); with every handshake due at once "
            f"{sweep['due_whole_ms']:.0f} ms (the longest {sweep['due_longest_us']:.0f} µs). Memory: {sizes}, tables and filter included.")


def block(found, picture):
    table = markdown(["packet (XDP, IPv4)", "memory", "parse, ns", "reference", "tcpshake", "to parse (target)",
                      "cheaper than reference (target)", "M/s"], [row_cells(row) for row in xdp_v4(found)])
    return "\n\n".join([machine_line(found), table, elsewhere_lines(found), f"![ns a packet]({picture})", both_lines(found), sweep_line(found)])


def main():
    results, readme = sys.argv[1:]
    with open(os.path.join(results, "bench.json"), encoding="utf-8") as file:
        found = json.load(file)
    picture = os.path.join(results, "costs.svg")
    with open(picture, "w", encoding="utf-8") as file:
        file.write(plot.svg(xdp_v4(found), [row for row in found["rows"] if re.fullmatch(r"data, \w+ flows", row["row"])]))
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(readme, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{block(found, picture)}\n{END}{after}")


if __name__ == "__main__":
    main()
