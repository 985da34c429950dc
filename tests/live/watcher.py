# SPDX-License-Identifier: GPL-2.0-only
"""A running tcpshake: what it says as it says it, and what has to hold of every run."""
import collections
import json
import os
import re
import signal
import subprocess
import threading
import time

PATIENCE = 10.0  # seconds; a busy machine may be slow, a wrong answer does not come at all


def brief(event):
    """An event for a failed test's message."""
    skipped = ("schema", "time", "iface", "client_sack", "server_sack", "client_ecn", "server_ecn", "duplicates")
    return " ".join(f"{key}={value}" for key, value in event.items() if key not in skipped)


def field(event, key):
    """Bytes are exact or modulo 2^32, as the time it took allows: here there are never so many."""
    return event.get(key, event.get(key + "_mod32") if key.endswith("_bytes") else None)


class Watcher:
    """A running tcpshake: its events as they come, and its summary at the end."""

    def __init__(self, host, command, environment=None, stdout=None, before=()):
        self.events, self.text, self.errors = [], [], []
        self.changed = threading.Condition()
        self.status = None
        with host:
            self.process = subprocess.Popen(
                list(before) + command, stdin=subprocess.DEVNULL, stdout=stdout or subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1", **(environment or {})})
        self.readers = [threading.Thread(target=self.read, args=(self.process.stderr, self.take_error), daemon=True)]
        self.paused = threading.Event()
        self.paused.set()
        if not stdout:
            self.readers.append(threading.Thread(target=self.read, args=(self.process.stdout, self.take_line),
                                                 daemon=True))
        for reader in self.readers:
            reader.start()

    def read(self, file, take):
        for line in file:
            with self.changed:
                take(line.rstrip("\n"))
                self.changed.notify_all()
            if file is self.process.stdout:
                self.paused.wait()
        with self.changed:
            self.changed.notify_all()

    def take_line(self, line):
        if line.startswith("{"):
            self.events.append(json.loads(line))
        else:
            self.text.append(line)

    def take_error(self, line):
        self.errors.append(line)

    def wait_for(self, answer, what, patience=PATIENCE):
        end = time.monotonic() + patience
        with self.changed:
            while True:
                found = answer()
                if found:
                    return found
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not any(r.is_alive() for r in self.readers)):
                    raise AssertionError(f"waited for {what}; events: "
                                         + "\n".join(map(brief, self.events[-20:]))
                                         + f"\ncounters: {dict(self.counters)}"
                                         + "\nstderr: " + "\n".join(self.notes))
                self.changed.wait(min(left, 0.2))

    def wait_error(self, pattern, count=1, patience=PATIENCE):
        """A line on standard error."""
        return self.wait_for(lambda: [line for line in self.errors if re.search(pattern, line)][count - 1:],
                             f"'{pattern}' on standard error", patience)

    @property
    def notes(self):
        """Standard error without plans and summaries."""
        return [line for line in self.errors if re.match(r"tcpshake: (?!after )", line)]

    def matching(self, event, fields):
        return [e for e in self.events if e["event"] == event
                and all(field(e, key) == value for key, value in fields.items())]

    def expect(self, event, flow=None, patience=PATIENCE, **fields):
        """The event of this kind with these fields, waited for."""
        fields = {**(flow.fields if flow else {}), **fields}
        return self.wait_for(lambda: self.matching(event, fields), f"{event} {fields}", patience)[0]

    def none(self, event, flow=None, **fields):
        found = self.matching(event, {**(flow.fields if flow else {}), **fields})
        assert not found, found

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends the run and checks what has to hold of every run. Returns the events."""
        self.signal(signal.SIGINT)
        assert self.wait(20) == 0, self.errors
        self.check()
        return self.events

    def wait(self, patience=PATIENCE):
        self.paused.set()
        self.process.wait(patience)
        for reader in self.readers:
            reader.join(patience)
        self.status = self.process.returncode
        return self.status

    def kill(self):
        self.paused.set()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # --- the summary ---

    def ask(self):
        """A summary in between. Returns its counters."""
        with self.changed:
            before = len(self.errors)
        self.signal(signal.SIGUSR1)
        self.wait_for(lambda: any(line.startswith("  counters") for line in self.errors[before:]), "a summary")
        lines = 0
        while lines < len(self.errors):  # it is one write: the rest of it is on its way
            lines = len(self.errors)
            time.sleep(0.02)
        return self.counters

    @property
    def summary(self):
        start = [i for i, line in enumerate(self.errors) if line.startswith("tcpshake: after ")]
        return self.errors[start[-1]:] if start else []

    @property
    def sums(self):
        """{name: (left, right)} of the last summary."""
        found = {}
        for line in self.summary:
            match = re.fullmatch(r"    (.+?)\s+(\d+) (?:=|IS NOT) (\d+)", line)
            if match:
                found[match[1]] = (int(match[2]), int(match[3]))
        return found

    @property
    def counters(self):
        """{name: count} of the last summary; those that did not move are 0."""
        found, inside = collections.Counter(), False
        for line in self.summary:
            if line.startswith("  counters"):
                inside = True
            elif inside and (match := re.fullmatch(r"    (\w+)\s+(\d+)", line)):
                found[match[1]] = int(match[2])
            elif inside:
                break
        return found

    def check(self):
        """Nothing is lost between two counters, and no connection has two ends."""
        sums = self.sums
        assert len(sums) == 9, self.errors
        wrong = {name: sides for name, sides in sums.items() if sides[0] != sides[1]}
        assert not wrong, (wrong, self.summary)
        counters = self.counters
        assert counters["internal_error"] == 0, self.summary
        lost = sum(e["count"] for e in self.events if e["event"] == "loss" and e["what"].startswith("events"))
        if self.events and not lost:
            assert [e["seq"] for e in self.events] == list(range(1, len(self.events) + 1)) or "-c" in self.process.args

    def closes(self, flow):
        return [e for e in self.events if e["event"] == "close"
                and all(e[key] == value for key, value in flow.fields.items())]
