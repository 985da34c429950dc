# SPDX-License-Identifier: GPL-2.0-only
"""Floods inside a lab: flood.c's options, and what it says it has sent."""
import array
import fcntl
import json
import os
import socket
import struct
import subprocess

from lab import ROOT

BUILD = os.environ.get("TCPSHAKE_BUILD", os.path.join(ROOT, "build"))
FLOOD = os.path.join(BUILD, "live", "flood")
MODES = ("syn", "pair", "syn-ack", "ack", "fin", "rst", "flags", "odd", "scan")

SIOCETHTOOL, ETHTOOL_SGRO = 0x8946, 0x2C


def take_redirected(host, device):
    """GRO: without it or native XDP a veth throws away what is redirected to its peer."""
    value = array.array("B", struct.pack("II", ETHTOOL_SGRO, 1))
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", device.encode(), value.buffer_info()[0]))


class Flood:
    """One run of the sender. Options as flood.c has them: mode="syn", count=1000, to=[...], source_port=1."""

    def __init__(self, lab, to, host=None, device=None, mac=None, **options):
        command = [FLOOD, (host or lab.client).name, device or lab.client_device, (mac or lab.server_mac).hex(":")]
        for address in to:
            command += ["--to", address]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lab.stack.callback(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def report(self, patience=120):
        """{sent, dropped, delivered, seconds, rate}, once it is done."""
        output, errors = self.process.communicate(timeout=patience)
        assert self.process.returncode == 0, errors
        return json.loads(output)


def flood(lab, to, **options):
    return Flood(lab, to, **options).report()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
