#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares what tcpshake says of public captures with what others say of them.

    tests/corpus/compare.py [--binary build/tcpshake] [-v] [CAPTURE...]

The others are tshark (one row per TCP stream) and Zeek (its own conn.log). The
corpus with both is found beside the project or at $TCPSHAKE_CORPUS. Exit status
0: all comparable rows agree, but for those in ACCEPTED; 1: not; 77: no corpus.
"""
import argparse
import collections
import csv
import datetime
import importlib.util
import ipaddress
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from packets import ACK, SYN, packets  # noqa: E402

FIN, RST = 0x01, 0x04
SKIPPED = 77
RESET_DOUBT_NS = 2 * 10**9
SILENCE_NS = 75 * 10**9
TICK_NS = 10**8

# which side is right, and the packet (its number in the file) that proves it
ACCEPTED = {
    "arkime__pcap_tcp_handshake_synthetic 2":
        "tcpshake: SYN-ACK 13 acknowledges 3001, so it belongs to the SYN 9; tshark cut at SYN 11",
    "arkime__pcap_tcp_handshake_synthetic 3":
        "tcpshake: the same SYN-ACK 13, which tshark counts for SYN 11",
    "suriv__tcp-split-handshake-01-4whs_split-handshake-4whs 0":
        "tcpshake: packet 4, the server's ACK of 1001, completes; the oracle waits for one of the client",
    "suriv__transform-base64-7296 0":
        "tcpshake: fuzzed; SYN-ACK 2 acknowledges what was not sent, packet 4 is the first to acknowledge the SYN",
    "suriv__transform-base64-7296 2":
        "tcpshake: fuzzed; SYN-ACK 14 was written years after SYN 13, which is given up by then",
    "zeek__tcp_syn-then-stuff-then-rst 0":
        "tcpshake: the FIN 3 has the number 0 of the SYN itself, the server waits for 1 and drops it",
    "zeek__tcp_syn-then-stuff-then-rst zeek 1":
        "tcpshake: neither FIN 3 nor RST 4 has the number that comes next, 1; Zeek does not ask",
    "zeek__tcp_syn-then-ack-then-rst zeek 1":
        "tcpshake: RST 3 has number 0, not 1; Zeek does not ask",
    "zeek__tcp_syn-then-rst zeek 1":
        "tcpshake: RST 2 has number 0, not 1; Zeek does not ask",
}

# which packets a time of the oracle may be of
MOMENTS = {
    "t_syn": lambda flags: flags & (SYN | ACK) == SYN,
    "t_synack": lambda flags: flags & (SYN | ACK) == SYN | ACK,
    "t_ack3": lambda flags: flags & (SYN | ACK) == ACK,
}


def corpus():
    return os.environ.get("TCPSHAKE_CORPUS") or os.path.join(ROOT, "..", "shared", "corpus")


def oracle_module():
    spec = importlib.util.spec_from_file_location("make_oracle", os.path.join(corpus(), "make_oracle.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def captures():
    folder = os.path.join(corpus(), "captures")
    return sorted(os.path.join(folder, name) for name in os.listdir(folder)) if os.path.isdir(folder) else []


def base_name(path):
    return re.sub(r"\.(pcap|pcapng|trace|cap)$", "", os.path.basename(path))


def endpoint(address, port):
    return str(ipaddress.ip_address(address)), int(port)


# --- what tcpshake says ---

def nanoseconds(rfc3339):
    seconds, fraction = rfc3339.rstrip("Z").split(".")
    moment = datetime.datetime.fromisoformat(seconds + "+00:00")
    return int(moment.timestamp()) * 10**9 + int(fraction)


class Connection:
    """The open and the close of one connection, as they were told."""

    def __init__(self, close):
        self.close = close
        self.open = None
        self.end = nanoseconds(close["time"])
        self.begin = self.end - close["duration_ns"]
        self.client = endpoint(close["client_ip"], close["client_port"])
        self.server = endpoint(close["server_ip"], close["server_port"])
        self.pair = frozenset((self.client, self.server))
        self.row = None

    def name_of(self, row, side):
        """What it calls a side of the row; they may differ where tshark's is a guess."""
        return "client" if (side == "c") == (row.client == self.client) else "server"

    def is_opened_by(self, event):
        return (self.open is None and self.close["opened"]
                and self.client == endpoint(event["client_ip"], event["client_port"])
                and self.server == endpoint(event["server_ip"], event["server_port"])
                and self.begin == nanoseconds(event["time"]) - event["open_ns"])


def run(binary, path):
    """Connections in the order of their closes, opens without a close, what was said on standard error."""
    result = subprocess.run([binary, "-r", path, "-j"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    connections = [Connection(e) for e in events if e["event"] == "close"]
    lost = []
    for event in (e for e in events if e["event"] == "open"):
        owner = next((c for c in connections if c.is_opened_by(event)), None)
        if owner:
            owner.open = event
        else:
            lost.append(event)
    return connections, lost, result.returncode, result.stderr.decode(errors="replace")


# --- what the packets say ---

class Row:
    """One row of the oracle and its packets."""

    def __init__(self, fields):
        self.fields = fields
        self.tags = set(fields["tags"].split(","))
        self.client = endpoint(fields["c_addr"], fields["c_port"])
        self.server = endpoint(fields["s_addr"], fields["s_port"])
        self.pair = frozenset((self.client, self.server))
        self.packets = []
        self.closes = []

    def __getitem__(self, name):
        return self.fields[name]

    def out_of_scope(self):
        """Why this row is not to be compared, or None."""
        if self["encap"] != "-" and not re.fullmatch(r"vlan\d+", self["encap"]):
            return "in a tunnel"
        for tag in ("ip_frag", "syn_fin", "syn_rst", "fin_rst"):
            if tag in self.tags:
                return tag
        if not (any(int(self[k]) for k in ("syn_c", "syn_s", "synack_c", "synack_s"))
                or self["t_finack_c"] or self["t_finack_s"]):
            return "neither SYN nor acknowledged FIN"
        return None

    def side(self, packet):
        return "c" if packet["src"] == self.client else "s"

    def moment(self, name):
        """A time of the row on the clock of tcpshake; None where the row has no such
        packet, or where what is written in the file is not a time."""
        fits = MOMENTS[name]
        return next((p["ns"] for p in self.packets if p["t"] == self[name] and fits(p["flags"])), None)


def rows_of(path, base):
    """tshark cuts the packets of a pair into streams and never goes back to an
    earlier one, so the rows of a pair take its packets in turn. The last takes
    what is left, which is more where tshark drops a packet for its IP options."""
    by_pair = collections.defaultdict(list)
    for packet in packets(path):
        by_pair[frozenset((packet["src"], packet["dst"]))].append(packet)
    with open(os.path.join(corpus(), "oracle", base + ".tshark.tsv"), encoding="ascii") as file:
        rows = [Row(fields) for fields in csv.DictReader(file, delimiter="\t")]
    for row in rows:
        count = int(row["pkts_c"]) + int(row["pkts_s"])
        row.packets, by_pair[row.pair] = by_pair[row.pair][:count], by_pair[row.pair][count:]
    for row in reversed(rows):
        row.packets += by_pair.pop(row.pair, [])
    return rows


def segment_end(packet):
    return packet["seq"] + packet["len"] + bool(packet["flags"] & SYN) + bool(packet["flags"] & FIN) & 0xFFFFFFFF


class Truth:
    """How and when a row's connection ended, from its packets: (how, by, number of packets up to then)."""

    def __init__(self, oracle, row):
        self.oracle, self.row = oracle, row
        self.how = self.by = None
        self.count = len(row.packets)
        top = {}
        for k, packet in enumerate(row.packets, 1):
            flags, who = packet["flags"], row.side(packet)
            if flags & RST:
                self.how = self.of_reset(k, packet, who, top)
            elif flags & ACK and row["t_fin_c"] and row["t_fin_s"]:
                self.how = "fin" if self.both_acknowledged(k) else None
            if self.how:
                self.by, self.count = who, k
                break
            if not flags & RST and (who not in top or oracle.after(segment_end(packet), top[who])):
                top[who] = segment_end(packet)

    def upto(self, k):
        return self.oracle.summarise(0, self.row.packets[:k])

    def both_acknowledged(self, k):
        summary = self.upto(k)
        return summary["t_finack_c"] and summary["t_finack_s"]

    def of_reset(self, k, packet, who, top):
        summary = self.upto(k)
        tags = summary["tags"].split(",")
        if "refused" in tags:
            return "refused"
        if "syn_abort" in tags:
            return "aborted"
        if summary["t_ack3"] or summary["t_finack_c"] or summary["t_finack_s"]:
            return "reset" if self.confirmed(k, packet, who) else None
        if summary["t_synack"] and packet["seq"] == top.get(who):
            return "aborted" if who == "c" else "reset"
        return None

    def confirmed(self, k, reset, who):
        """Nothing that its sender sent in the next two seconds goes beyond it."""
        return not any(self.row.side(p) == who and p["ns"] <= reset["ns"] + RESET_DOUBT_NS
                       and not p["flags"] & (RST | SYN)
                       and self.oracle.after(segment_end(p), reset["seq"]) for p in self.row.packets[k:])


# --- one row ---

COUNTS = [(kind, side) for kind in ("syn", "synack", "fin", "rst") for side in "cs"]
ORDERS = {"close_4pkt": "four_way", "close_3pkt": "three_way", "close_simul": "simultaneous"}


def check_direction(row, connection):
    if row["dir_by"] in ("syn", "synack") and connection.client != row.client:
        yield "client is %s:%d" % connection.client


def check_open(row, connection):
    event, complete = connection.open, "open3" in row.tags and row["t_syn"]
    if connection.close["opened"] != bool(event):
        yield "close says opened %s" % connection.close["opened"]
    if bool(event) != bool(complete):
        yield "open told" if event else "no open told"
    if not (event and complete):
        return
    for side in "cs":
        field = connection.name_of(row, side) + "_isn"
        if str(event.get(field)) != row["isn_" + side]:
            yield "%s %s, not %s" % (field, event.get(field), row["isn_" + side])
    # the ACK may pass here before what it acknowledges: then that completes the handshake
    completed = row.moment("t_synack" if "ack3_early" in row.tags else "t_ack3")
    if completed and nanoseconds(event["time"]) // 1000 != completed // 1000:
        yield "opened at %s, not %d" % (event["time"], completed)
    begun = row.moment("t_syn")
    if completed and begun and event["open_ns"] // 1000 != (completed - begun) // 1000:
        yield "open_ns %d, not %d" % (event["open_ns"], completed - begun)


def check_how(row, truth, connection):
    close = connection.close
    how, inferred = close["how"], close.get("inferred", [])
    if truth.how is None:
        both_fins = row["t_fin_c"] and row["t_fin_s"]
        expected = {"fin"} if both_fins else {"end_of_capture", "timeout", "replaced"}
        if how not in expected:
            yield "how %s, not %s" % (how, " or ".join(sorted(expected)))
        if both_fins and inferred != ["last_ack"]:
            yield "inferred %s, not last_ack" % inferred
        before = [p["ns"] for p in row.packets if p["ns"] < connection.end]
        if how == "timeout" and connection.end - max(before, default=0) < SILENCE_NS:
            yield "timeout %d ns after a packet" % (connection.end - max(before))
        return
    if how != truth.how:
        yield "how %s, not %s" % (how, truth.how)
        return
    by = connection.name_of(row, truth.by)
    if how != "fin" and close.get("by") != by:
        yield "by %s, not %s" % (close.get("by"), by)
    moment = row.packets[truth.count - 1]["ns"]
    if "reset" in inferred:
        last = max(p["ns"] for p in row.packets)
        if connection.end < moment or (connection.end > max(last, moment + RESET_DOUBT_NS + TICK_NS)):
            yield "reset inferred %d ns after the RST" % (connection.end - moment)
    elif connection.end != moment:
        yield "closed at %d, not %d" % (connection.end, moment)
    if how == "fin" and inferred:
        yield "inferred %s" % inferred


def check_order(row, connection):
    close = connection.close
    if close["how"] != "fin":
        return
    orders = [name for tag, name in ORDERS.items() if tag in row.tags]
    if orders and close.get("sequence") not in orders:
        yield "sequence %s, not %s" % (close.get("sequence"), orders[0])
    if not (row["t_fin_c"] and row["t_fin_s"]):
        return
    first = next(row.side(p) for p in row.packets if p["flags"] & FIN)
    by = "both" if orders == ["simultaneous"] else connection.name_of(row, first)
    if close.get("by") != by:
        yield "by %s, not %s" % (close.get("by"), by)


TESTS = {
    "syn": lambda flags: flags & (SYN | ACK) == SYN,
    "synack": lambda flags: flags & (SYN | ACK) == SYN | ACK,
    "fin": lambda flags: flags & FIN,
    "rst": lambda flags: flags & RST,
}


def wrong_counts(row, connection, upto):
    for kind, side in COUNTS:
        field = "%s_%s" % (connection.name_of(row, side), kind)
        count = sum(1 for p in upto if row.side(p) == side and TESTS[kind](p["flags"]))
        if connection.close[field] != count:
            yield "%s %d, not %d" % (field, connection.close[field], count)


def check_counts(row, truth, connection):
    """Up to the close: that packet, or the end of the capture, or a deadline.
    Of packets at the very time of a deadline, up to whichever fits."""
    before = sum(1 for p in row.packets if p["ns"] < connection.end)
    last = sum(1 for p in row.packets if p["ns"] <= connection.end)
    if truth.how == connection.close["how"] and "reset" not in connection.close.get("inferred", []):
        cuts = [truth.count]
    elif connection.close["how"] == "end_of_capture":
        cuts = [last]
    else:
        cuts = range(last, before - 1, -1)
    found = [list(wrong_counts(row, connection, row.packets[:cut])) for cut in cuts]
    return [] if [] in found else found[0]


def differences(oracle, row):
    if not row.packets:
        return ["its packets are not in the file"]
    if len(row.closes) != 1:
        return ["%d closes: %s" % (len(row.closes), " ".join(c.close["how"] for c in row.closes))]
    connection, truth = row.closes[0], Truth(oracle, row)
    found = list(check_direction(row, connection))
    if found:
        return found
    return (list(check_open(row, connection)) + list(check_how(row, truth, connection))
            + list(check_order(row, connection)) + list(check_counts(row, truth, connection)))


# --- all rows ---

def match(rows, connections):
    """Each close to the row that its first segment belongs to. Returns those without a row."""
    strangers = []
    for connection in connections:
        fitting = [r for r in rows if r.pair == connection.pair and
                   (r.out_of_scope() or any(p["ns"] == connection.begin for p in r.packets))]
        fitting.sort(key=lambda r: (r.out_of_scope() is not None, len(r.closes)))
        if fitting:
            fitting[0].closes.append(connection)
            connection.row = fitting[0]
        else:
            strangers.append(connection)
    return strangers


class Report:
    def __init__(self):
        self.comparable = self.agreeing = self.zeek = self.zeek_agreeing = 0
        self.reasons = collections.Counter()
        self.zeek_reasons = collections.Counter()
        self.open_differences = []
        self.accepted = []
        self.notes = []

    def differs(self, name, found):
        if name in ACCEPTED:
            self.accepted.append(name)
        else:
            self.open_differences.append("%s: %s" % (name, "; ".join(found)))


def compare(report, oracle, binary, path):
    base = base_name(path)
    connections, lost, status, errors = run(binary, path)
    if status:
        report.notes.append("%s: status %d %s" % (base, status, errors.strip()))
    rows = rows_of(path, base)
    strangers = match(rows, connections)
    for row in rows:
        reason = row.out_of_scope()
        if reason:
            report.reasons[reason] += 1
            continue
        report.comparable += 1
        found = differences(oracle, row)
        if found:
            report.differs("%s %s" % (base, row["stream"]), found)
        else:
            report.agreeing += 1
    for connection in strangers:
        report.differs(base + " close", ["of %s:%d without a row" % connection.client])
    for event in lost:
        client = endpoint(event["client_ip"], event["client_port"])
        report.differs(base + " open", ["of %s:%d without a close" % client])
    compare_zeek(report, base, rows, connections)


def compare_zeek(report, base, rows, connections):
    path = os.path.join(corpus(), "oracle", base + ".zeek.tsv")
    if not os.path.exists(path):
        return
    with open(path, encoding="ascii") as file:
        sessions = list(csv.DictReader(file, delimiter="\t"))
    told = collections.defaultdict(list)
    for connection in connections:
        told[connection.pair].append(connection.close["conn_state"])
    agreed = set()
    for number, session in enumerate(sessions, 1):
        compare_session(report, "%s zeek %d" % (base, number), session, rows, told, agreed)


def compare_session(report, name, session, rows, told, agreed):
    pair = frozenset((endpoint(session["orig_h"], session["orig_p"]), endpoint(session["resp_h"], session["resp_p"])))
    state = session["conn_state"]
    reasons = {r.out_of_scope() for r in rows if r.pair == pair}
    if state == "-":
        report.zeek_reasons["no conn_state given"] += 1
    elif None not in reasons:
        report.zeek_reasons[sorted(reasons)[0]] += 1
    elif state in told[pair]:
        told[pair].remove(state)
        agreed.add(pair)
        report.zeek += 1
        report.zeek_agreeing += 1
    elif pair in agreed and not told[pair]:
        report.zeek_reasons["further session of a stream that Zeek's timers cut"] += 1
    else:
        report.zeek += 1
        report.differs(name, ["conn_state %s, not %s" % (" ".join(told[pair]), state)])


def compare_all(binary, paths):
    oracle, report = oracle_module(), Report()
    for path in paths:
        compare(report, oracle, binary, path)
    return report


def print_report(report, verbose):
    for line in report.open_differences:
        print(line)
    if verbose:
        for note in report.notes:
            print("note:", note)
        for key in report.accepted:
            print("accepted: %s: %s" % (key, ACCEPTED[key]))
    zeek_accepted = sum(" zeek " in name for name in report.accepted)
    for name, total, agreeing, accepted, reasons in (
            ("tshark", report.comparable, report.agreeing, len(report.accepted) - zeek_accepted, report.reasons),
            ("zeek", report.zeek, report.zeek_agreeing, zeek_accepted, report.zeek_reasons)):
        print("%s: %d comparable: %d agree, %d differ as accepted" % (name, total, agreeing, accepted))
        for reason, count in sorted(reasons.items()):
            print("  out of scope: %d %s" % (count, reason))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "tcpshake"))
    parser.add_argument("-v", "--verbose", action="store_true", help="also what was accepted, and why")
    parser.add_argument("captures", nargs="*", metavar="CAPTURE")
    args = parser.parse_args()
    if not os.path.isdir(corpus()):
        print("no corpus at %s: set TCPSHAKE_CORPUS" % corpus())
        return SKIPPED
    report = compare_all(args.binary, args.captures or captures())
    print_report(report, args.verbose)
    return 1 if report.open_differences else 0


if __name__ == "__main__":
    sys.exit(main())
