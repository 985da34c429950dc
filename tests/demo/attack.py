# SPDX-License-Identifier: GPL-2.0-only
"""
A flood and a service whose process hangs, on two hosts of their own, while the demo goes on elsewhere.

At rest the service opens ten connections a second for four seconds; then come two seconds of SYNs from
addresses that no one has, and the ten quiet ones after which a flood is over. Beside it a second
service accepts nothing any more.
"""
import re
import socket
import threading
import time

from flooding import Connections
from lab import BINARY, Watcher
from spoofing import Flood

V4 = socket.AF_INET
USUAL_SECONDS, FLOOD_SECONDS, RATE = 4, 2, 1000
OPTIONS = ["-e", "flood,silent"]


class Attack:
    def __init__(self, lab):
        """lab: of its own, and taken down by who made it."""
        self.lines, self.error = [], None
        command = [BINARY, "-i", lab.server_device, "--mode", "native", *OPTIONS]
        self.command = " ".join(["tcpshake"] + command[1:])
        self.watch = Watcher(lab.server, command)
        lab.stack.callback(self.watch.kill)
        self.thread = threading.Thread(target=self.run, args=(lab,), daemon=True)
        self.thread.start()

    def run(self, lab):
        try:
            self.act(lab)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def told(self, address, words, patience=30):
        pattern = rf" {re.escape(address)} +{words}"
        self.watch.wait_for(lambda: any(re.search(pattern, line) for line in self.watch.text), pattern, patience)

    def act(self, lab):
        self.watch.wait_error(r"in by native XDP", patience=60)
        web, hung = lab.listen(V4, backlog=1024, port=80), lab.listen(V4, backlog=8, port=8080)
        usual = Connections(lab, web, 10)
        time.sleep(USUAL_SECONDS)
        in_vain = Connections(lab, hung, 20, accepts=False)
        flood = Flood(lab, [80], RATE)
        time.sleep(FLOOD_SECONDS)
        flood.stop()
        ip = lab.server_ip(V4)
        self.told(f"{ip}:80", "START spoofed: ")
        self.told(f"{ip}:8080", "START accept queue overflow: ")
        in_vain.drop()
        hung.close()
        self.told(f"{ip}:8080", "END accept queue overflow: ")
        self.told(f"{ip}:80", "END spoofed: ")
        usual.stop()
        self.lines = list(self.watch.text)

    def finish(self):
        """Waits for the end. Returns what is wrong with what was told."""
        self.thread.join(60)
        if self.error or self.thread.is_alive():
            return [f"flood: {self.error or 'still going on'}"]
        counts = {f"{label} {phase}": sum(f" {label} " in line and f" {phase} " in line for line in self.lines)
                  for label in ("FLOOD", "SILENT") for phase in ("START", "END")}
        return [f"{count} lines of {what}, not 1" for what, count in counts.items() if count != 1]
