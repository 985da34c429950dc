# SPDX-License-Identifier: GPL-2.0-only
"""A systemd of its own: process 1 of new namespaces, over this machine's /usr and the files that `make install` brings.

It knows the units that are installed there and no others, so nothing of this machine is started a second time.
"""
import os
import re
import subprocess

from lab import PATIENCE, until
from service import BUILD, ROOT

SYSTEMD = "/lib/systemd/systemd"
UNITS = "etc/systemd/system"
# What units without DefaultDependencies=no lean on; here nothing stands behind the names.
TARGETS = ("sysinit", "basic", "shutdown", "multi-user")

# As a machine's first processes do it. /sys again, for its network is that of the namespace.
BOOT = r"""
cd "$1"
mount --bind . .
cd "$1"
for name in usr etc root var run proc sys dev tmp; do mkdir -p $name; done
for name in bin sbin lib lib32 lib64 libx32; do [ ! -d /$name ] || ln -s usr/$name $name; done
mount --bind -o ro /usr usr
cp /etc/passwd /etc/group /etc/ld.so.cache etc
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t bpf bpf sys/fs/bpf
mountpoint -q sys/fs/cgroup || mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir run/old
pivot_root . run/old
cd /
umount -l run/old
exec env -i container=test PATH=/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=/etc/systemd/system:/opt/lib/systemd/system \
	SYSTEMD_LOG_TARGET=journal /lib/systemd/systemd --system --unit=multi-user.target
"""


def control_groups():
    """Where the unified hierarchy is mounted; None where there is none."""
    with open("/proc/self/mounts") as file:
        found = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    return found[0] if found else None


def why_not():
    """The reason for which none can run here."""
    if not os.path.exists(SYSTEMD):
        return "systemd is not installed"
    return None if control_groups() else "no unified control groups"


class Manager:
    """Use with `with`; its network is the host's."""

    def __init__(self, host, root):
        self.host, self.root = host, str(root)
        self.group = f"{control_groups()}/tcpshake-test-{os.getpid()}-{os.path.basename(self.root)}"

    def __enter__(self):
        self.install()
        os.makedirs(self.group)
        with self.host, open(self.path("boot.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-euc", 'echo 0 >"$1/cgroup.procs"; shift; exec "$@"', "sh", self.group,
                 "unshare", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--kill-child",
                 "sh", "-euc", BOOT, "sh", self.root],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(lambda: self.first_process() and self.control("is-active", "multi-user.target", check=False) == "active",
                  self.boot_log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()  # and with it all that is in there
        self.process.wait()
        until(self.groups_gone, "its control groups to be empty")

    def groups_gone(self):
        try:
            for at, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(at)
        except OSError:
            return False
        return True

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def install(self):
        subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={BUILD}", "-o", "all", "install", f"DESTDIR={self.root}",
                        "PREFIX=/opt"], env={**os.environ, "MAKEFLAGS": ""}, check=True, capture_output=True)
        for target in TARGETS:
            self.write(f"{UNITS}/{target}.target", "[Unit]\nDefaultDependencies=no\n")
        for unit in ("systemd-journald.service", "systemd-journald.socket"):
            os.symlink(f"/lib/systemd/system/{unit}", self.path(f"{UNITS}/{unit}"))
        os.makedirs(self.path(f"{UNITS}/multi-user.target.wants"))
        os.symlink("../systemd-journald.service", self.path(f"{UNITS}/multi-user.target.wants/systemd-journald.service"))
        # the unit's own are for people: ten seconds between two tries, thirty without a sign of life
        self.write(f"{UNITS}/tcpshake@.service.d/test.conf", "[Service]\nRestartSec=100ms\nWatchdogSec=2\n")
        os.makedirs(self.path("var/lib/prometheus/node-exporter"))

    def boot_log(self):
        with open(self.path("boot.log"), errors="replace") as file:
            return "systemd: " + file.read()

    def first_process(self):
        """Process 1 of in there by our number, once it is systemd."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            child = file.read().strip()
        if not child:
            return None
        with open(f"/proc/{child}/comm") as file:
            return child if file.read().strip() == "systemd" else None

    def run(self, *command, check=True):
        done = subprocess.run(["nsenter", "--all", "--root", "--wd", f"--target={self.first_process()}", *command],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr, self.journal())
        return done.stdout.strip()

    def control(self, *args, **kw):
        return self.run("systemctl", "--no-pager", *args, **kw)

    def journal(self):
        return self.run("journalctl", "--no-pager", check=False)

    def show(self, unit):
        """Its properties."""
        return dict(line.split("=", 1) for line in self.control("show", unit).splitlines() if "=" in line)

    def wait_shown(self, unit, patience=PATIENCE, **wanted):
        """Until it has these properties; a function is asked."""
        def there():
            shown = self.show(unit)
            return shown if all(want(shown[name]) if callable(want) else shown[name] == want
                                for name, want in wanted.items()) else None

        return until(there, lambda: f"{wanted}: {self.show(unit)}\n{self.journal()}", patience)

    def process_of(self, unit):
        """By our number."""
        group = self.group + self.show(unit)["ControlGroup"]
        with open(f"{group}/cgroup.procs") as file:
            return re.findall(r"\d+", file.read())
