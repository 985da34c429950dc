# SPDX-License-Identifier: GPL-2.0-only
"""One picture of the benchmark: a bar for each row, and the cost by number of flows. SVG by hand."""
import math
from xml.sax.saxutils import escape

OURS, REFERENCE, PARSE, TARGET, INK, GRID = "#1f6feb", "#b8bfc8", "#24292f", "#d1242f", "#24292f", "#e6e8eb"
WIDTH, BAR, LEFT, RIGHT, TOP = 900, 30, 250, 860, 70
CURVE_HEIGHT, GAP = 220, 90
DECADES = (10, 20, 50, 100, 200, 500, 1000, 2000)
PROGRAMS = (("tcpshake", OURS), ("reference", REFERENCE), ("parse", PARSE))


def text(x, y, what, anchor="start", size=13, colour=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
            f'fill="{colour}">{escape(what)}</text>')


def line(x1, y1, x2, y2, colour, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def rect(x, y, width, height, colour):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" fill="{colour}"/>'


def scale(value, low, high, start, end):
    """On a logarithmic axis."""
    at = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return start + at * (end - start)


def legend(y):
    parts, x = [], LEFT
    for name, colour in (("tcpshake", OURS), ("reference: LRU map and clock", REFERENCE), ("parse only", PARSE),
                         ("target", TARGET)):
        parts += [rect(x, y - 10, 12, 12, colour), text(x + 18, y, name)]
        x += 40 + 7.2 * len(name)
    return parts


def bars(rows):
    parts, high = [], max(2000, *(max(row["ns"].values()) for row in rows))
    bottom = TOP + BAR * len(rows)

    def at(ns):
        return scale(ns, 15, high, LEFT, RIGHT)

    for ns in DECADES:
        if ns >= 15:
            parts += [line(at(ns), TOP - 6, at(ns), bottom, GRID), text(at(ns), bottom + 16, f"{ns:,}", "middle", 11)]
    for i, row in enumerate(rows):
        y, ns = TOP + i * BAR, row["ns"]
        goal = ns["parse"] * row["target_to_parse"]
        parts += [text(LEFT - 10, y + 17, row["row"], "end"),
                  rect(LEFT, y + 3, at(ns["reference"]) - LEFT, 9, REFERENCE),
                  rect(LEFT, y + 12, at(ns["tcpshake"]) - LEFT, 11, OURS),
                  line(at(ns["parse"]), y + 2, at(ns["parse"]), y + 25, PARSE, 2),
                  text(at(max(ns["tcpshake"], goal)) + 5, y + 22, f"{ns['tcpshake']:.0f}", size=11)]
        if goal:
            parts.append(line(at(goal), y + 2, at(goal), y + 25, TARGET, 2))
    return parts, bottom


def flows_name(flows):
    return f"{flows >> 20}M" if flows >> 20 else f"{flows >> 10}k"


def curve(rows, top):
    bottom, parts = top + CURVE_HEIGHT, []
    high = max(2000, *(max(row["ns"].values()) for row in rows))
    first, last = rows[0]["flows"], rows[-1]["flows"]

    def x(flows):
        return scale(flows, first, last, LEFT, RIGHT - 60)

    def y(ns):
        return scale(ns, 15, high, bottom, top)

    parts.append(text(LEFT, top - 14, "data packets by number of flows", weight="bold"))
    for ns in DECADES:
        if ns >= 15:
            parts += [line(LEFT, y(ns), RIGHT - 60, y(ns), GRID), text(LEFT - 8, y(ns) + 4, f"{ns:,}", "end", 11)]
    for row in rows:
        parts.append(text(x(row["flows"]), bottom + 18, flows_name(row["flows"]), "middle", 11))
    for name, colour in PROGRAMS:
        points = " ".join(f"{x(row['flows']):.1f},{y(row['ns'][name]):.1f}" for row in rows)
        parts += [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
                  text(RIGHT - 52, y(rows[-1]["ns"][name]) + 4, f"{rows[-1]['ns'][name]:.0f}", size=11)]
    return parts, bottom


def svg(rows, curve_rows):
    """rows: those with targets, at the memory of the first; curve_rows: by flows."""
    rows = [row for row in rows if row["memory"] == rows[0]["memory"]]
    parts, bottom = bars(rows)
    more, bottom = curve(curve_rows, bottom + GAP)
    height = bottom + 40
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
            "<!-- SPDX-License-Identifier: GPL-2.0-only -->", rect(0, 0, WIDTH, height, "#ffffff"),
            text(LEFT, 24, f"ns a packet, harness included (XDP, IPv4, --memory {rows[0]['memory']}; logarithmic)",
                 weight="bold")]
    return "\n".join([*head, *legend(48), *parts, *more, "</svg>"]) + "\n"
