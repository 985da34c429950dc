# SPDX-License-Identifier: GPL-2.0-only
"""Who holds what lingers: against the processes themselves, and against `ss`."""
import array
import contextlib
import ctypes
import fcntl
import os
import re
import signal
import socket
import termios

import pytest

import lab as laboratory
from lab import Flow, libc, until
from service import wait_metrics

V4 = socket.AF_INET
SOON = ["--close-wait-after", "0.3", "--fin-wait-after", "0.3"]
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
CLONE_NEWPID = 0x20000000


class Child:
    """A process of its own that does some work, says that it is done, and then only holds what it has."""

    def __init__(self, work=lambda: None):
        done, told = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            with contextlib.suppress(BaseException):
                os.close(done)
                work()
                os.write(told, b"x")
                while True:
                    signal.pause()
            os._exit(1)
        os.close(told)
        said = os.read(done, 1)
        os.close(done)
        assert said == b"x", "the child's work failed"

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None


class Place:
    """One run for many tests. Each closes its sockets, so that none is part of the next one's pile."""

    def __init__(self, lab, watch):
        self.lab, self.watch = lab, watch
        self.stack = contextlib.ExitStack()

    def child(self, *args):
        return self.stack.enter_context(contextlib.closing(Child(*args)))

    def own(self, *socks):
        for sock in socks:
            self.stack.enter_context(contextlib.closing(sock))

    def pair(self, family=V4, listener=None):
        listener = listener or self.lab.listen(family)
        pair = self.lab.pair(family, listener)
        self.own(listener, *pair[:2])
        return pair

    def half_closed(self, family=V4, listener=None, data=b""):
        """A connection whose client has closed: the server's end is in CLOSE_WAIT."""
        client, server, flow = self.pair(family, listener)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return client, server, flow

    def held_by_a_child(self, count, *work):
        """As many in CLOSE_WAIT, of a new process only. Returns it and the flows."""
        listener = self.lab.listen(V4)
        pairs = [self.pair(V4, listener) for _ in range(count)]
        holder = self.child(*work)
        for client, server, _ in pairs:
            server.close()
            client.shutdown(socket.SHUT_WR)
        return holder, [flow for _, _, flow in pairs]

    def lingers(self, flow, **fields):
        return self.watch.expect("linger", flow, **{"phase": "start", "scope": "flow", "holder": "server", **fields})


@pytest.fixture(scope="module")
def run():
    with laboratory.Lab() as lab:
        watch = lab.watch(*SOON)
        yield lab, watch
        watch.stop()


@pytest.fixture
def place(run):
    made = Place(*run)
    with made.stack:
        yield made


@pytest.fixture
def apart(lab):
    """With a run of other options."""
    made = []

    def make(*args, **kw):
        made.append(Place(lab, lab.watch(*SOON, *args, **kw)))
        return made[0]

    yield make
    made[0].stack.close()
    made[0].watch.stop()


def comm_of(pid):
    with open(f"/proc/{pid}/comm", "rb") as file:
        return file.read()[:-1].decode()


def cgroup_of(pid):
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        return next(line[3:-1] for line in file if line.startswith("0::"))


def by_ss(host, flow):
    """(process, its number, user, receive queue) as `ss` has it."""
    for line in host.run("ss", "-tnpeH", "state", "close-wait").stdout.splitlines():
        if f":{flow.server_port} " in line and f":{flow.client_port} " in line:
            uid = re.search(r"uid:(\d+)", line)
            name, pid = re.search(r'users:\(\("([^"]*)",pid=(\d+)', line).groups()
            return name, int(pid), int(uid[1]) if uid else 0, int(line.split()[0])
    return None


def test_held_by_us(place, family):
    _, server, flow = place.half_closed(family, data=b"x" * 1234)
    event = place.lingers(flow, state="CLOSE_WAIT")
    unread = array.array("i", [0])
    fcntl.ioctl(server, termios.FIONREAD, unread)
    assert event["unread_bytes"] == unread[0] == 1234
    us = os.getpid()
    assert (event["comm"], event["pid"], event["uid"], 1234 + 1) == by_ss(place.lab.server, flow)
    assert (event["pid"], event["comm"], event["cgroup"]) == (us, comm_of(us), cgroup_of(us))
    server.close()
    event = place.lingers(flow, state="CLOSE_WAIT", phase="end")
    assert event["pid"] == us and "unread_bytes" not in event


def test_nothing_unread(place):
    """A FIN that was read, and one that was not, are no bytes."""
    read, unread = place.half_closed(), place.half_closed()
    assert read[1].recv(1) == b""
    for _, _, flow in (read, unread):
        assert place.lingers(flow)["unread_bytes"] == 0


def test_another_user(place):
    """Whose process made the socket."""
    lab = place.lab
    listener = lab.listen(V4)
    client, flow = lab.begin(V4, listener.getsockname()[1])
    place.own(listener, client)
    kept = []

    def serve():
        os.setgid(4321)
        os.setuid(4321)
        kept.append(listener.accept())

    holder = place.child(serve)
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(flow)
    assert (event["comm"], event["pid"], event["uid"]) == by_ss(lab.server, flow)[:3]
    assert (event["pid"], event["uid"]) == (holder.pid, 4321)


def test_smallest_of_several(place):
    """Two processes have it open: the smaller number is told; when that one has closed it, the other."""
    _, _, flow = place.half_closed()
    others = [place.child() for _ in range(2)]
    assert place.lingers(flow)["pid"] == min([os.getpid()] + [other.pid for other in others])
    client, server, flow = place.pair()
    others = [place.child() for _ in range(2)]
    server.close()
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(flow)["pid"] == min(other.pid for other in others)


def test_passed_on(place):
    """By SCM_RIGHTS: it is whose it is now, and nobody's on the way."""
    ours, theirs = socket.socketpair()
    place.own(ours, theirs)
    kept = []

    def receive():
        ours.close()
        kept.append(socket.recv_fds(theirs, 1, 1)[1])

    def send():
        client, server, flow = place.pair()
        socket.send_fds(ours, [b"x"], [server.fileno()])
        server.close()
        return client, flow

    client, flow = send()
    holder = place.child(receive)
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(flow)["pid"] == holder.pid
    client, flow = send()
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(flow)
    assert event["owner_missing"] == "kernel" and "pid" not in event


def test_not_accepted(place, family):
    """Nobody has the connection open yet: who does not accept is the listener's owner."""
    listener, client = place.lab.listen(family), place.lab.client_socket(family)
    place.own(listener, client)
    holder = place.child()
    client.connect(listener.getsockname()[:2])
    client.sendall(b"hello?")
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(Flow.of(client))
    assert event["pid"] == min(holder.pid, os.getpid()) and event["unread_bytes"] == 6


def test_not_accepted_by_one_that_listens_everywhere(place):
    with place.lab.server:
        listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    client = place.lab.client_socket(V4)
    place.own(listener, client)
    client.connect((place.lab.server_ip(V4), listener.getsockname()[1]))
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(Flow.of(client))["pid"] == os.getpid()


def test_orphans_and_strangers(place, family):
    _, server, orphan = place.pair(family)
    server.close()
    client, server, ours = place.pair(family)
    server.shutdown(socket.SHUT_WR)
    assert place.lingers(orphan, state="FIN_WAIT_2")["owner_missing"] == "orphan"
    assert place.lingers(ours, state="FIN_WAIT_2")["pid"] == os.getpid()
    for flow in (orphan, ours):
        event = place.lingers(flow, state="CLOSE_WAIT", holder="client")
        assert event["owner_missing"] == "not_local"
    server.close()
    client.close()
    assert place.lingers(ours, state="FIN_WAIT_2", phase="end")["pid"] == os.getpid()


def test_fin_that_nobody_acknowledges(place):
    _, server, flow = place.pair()
    lost = place.lab.client.drop(f"tcp sport {flow.server_port} tcp dport {flow.client_port}")
    server.close()
    assert place.lingers(flow, state="FIN_WAIT_1")["owner_missing"] == "orphan"
    place.lab.client.pass_again(lost)


def test_translated(place):
    """The packets say one port, the socket has another."""
    lab = place.lab
    try:
        lab.server.run("nft", "-f", "-", input="table ip translate {\n chain in {\n type nat hook prerouting priority -100;\n"
                                               " tcp dport 7 redirect to :7777\n }\n}\n")
    except RuntimeError as why:
        pytest.skip(f"no address translation here: {why}")
    listener, client = lab.listen(V4, port=7777), lab.client_socket(V4)
    client.connect((lab.server_ip(V4), 7))
    server, flow = listener.accept()[0], Flow.of(client)
    place.own(listener, client, server)
    client.shutdown(socket.SHUT_WR)
    event = place.lingers(flow)
    assert event["server_port"] == 7 and event["owner_missing"] == "nat" and "pid" not in event
    server.close()
    place.watch.expect("close", flow, how="fin")


def test_in_a_container(place):
    """A process with a PID namespace of its own: its number is ours."""
    client, server, flow = place.pair()
    numbers, told = os.pipe()

    def contain():
        assert not libc.unshare(CLONE_NEWPID)
        inner = os.fork()
        if inner:
            os.write(told, b"%d" % inner)
            server.close()
            return
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        while True:
            signal.pause()

    place.child(contain)
    server.close()
    client.shutdown(socket.SHUT_WR)
    assert place.lingers(flow)["pid"] == int(os.read(numbers, 20))
    os.close(numbers)
    os.close(told)


# --- piles ---

def test_a_pile(place):
    """Twelve of one process: told once for all, and again when they are gone, as they are with it."""
    holder, flows = place.held_by_a_child(12)
    start = place.watch.expect("linger", phase="start", scope="process", pid=holder.pid)
    assert (start["comm"], start["cgroup"], start["uid"]) == (comm_of(holder.pid), cgroup_of(holder.pid), os.getuid())
    assert (start["state"], start["holder"]) == ("CLOSE_WAIT", "server")
    assert 10 <= start["count"] <= 12 and start["per_minute"] == start["count"]
    assert start["age_ns"] >= 300e6 and "client_ip" not in start and "iface" not in start
    for flow in flows:
        assert place.lingers(flow)["pid"] == holder.pid
    pid = holder.pid
    holder.close()
    end = place.watch.expect("linger", phase="end", scope="process", pid=pid)
    assert end["count"] == 0 and "age_ns" not in end
    assert len(place.watch.matching("linger", {"scope": "process", "pid": pid})) == 2


def test_a_pile_gets_smaller(place):
    """It ends below half of what made it one."""
    listener = place.lab.listen(V4)
    held = [place.half_closed(V4, listener) for _ in range(12)]
    us = os.getpid()
    place.watch.expect("linger", phase="start", scope="process", pid=us)
    for _, _, flow in held:
        place.lingers(flow)
    for _, server, flow in held[:7]:
        server.close()
        place.lingers(flow, phase="end")
    _, _, later = place.half_closed(V4, listener)  # once it is told, five were seen not to be few enough
    place.lingers(later)
    place.watch.none("linger", scope="process", phase="end", pid=us)
    for _, server, _ in held[7:9]:
        server.close()
    end = place.watch.expect("linger", phase="end", scope="process", pid=us)
    assert end["count"] == 4


def test_not_a_pile(place):
    """Eighteen, but of two processes."""
    for _ in range(2):
        holder, flows = place.held_by_a_child(9)
        for flow in flows:
            assert place.lingers(flow)["pid"] == holder.pid
        place.watch.none("linger", scope="process", pid=holder.pid)


# --- other runs ---

def test_without_type_information(apart):
    """The socket table still says which are orphans."""
    place = apart(environment={"TCPSHAKE_NO_BTF": "1"})
    place.watch.wait_error("owners of lingering sockets: not to be had here")
    _, _, flow = place.half_closed()
    _, server, orphan = place.pair()
    server.close()
    assert place.lingers(flow)["owner_missing"] == "rights"
    assert place.lingers(orphan, state="FIN_WAIT_2")["owner_missing"] == "orphan"


def test_with_no_right_but_to_start(apart):
    """Root's process is seen by a nobody who has never had a right to look at it."""
    caps = "+bpf,+perfmon,+net_admin"
    place = apart(before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={caps}",
                          f"--ambient-caps={caps}", f"--bounding-set=-all,{caps}"])
    place.watch.wait_error("capabilities: none kept")
    _, _, flow = place.half_closed()
    assert place.lingers(flow)["pid"] == os.getpid()


def test_counted_by_state(apart, tmp_path):
    path = str(tmp_path / "x.prom")
    place = apart("--time-wait-after", "0.3", "--textfile", path, "--interval", "0.1")

    def lingering(metrics, **states):
        return all(metrics[f'tcpshake_lingering{{state="{state}"}}'] == states.get(state, 0)
                   for state in ("FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"))

    held = [place.half_closed() for _ in range(3)]
    wait_metrics(path, lambda metrics: lingering(metrics, CLOSE_WAIT=3, FIN_WAIT_2=3))
    held[0][1].close()
    wait_metrics(path, lambda metrics: lingering(metrics, CLOSE_WAIT=2, FIN_WAIT_2=2, TIME_WAIT=1))


def test_from_within_a_container(lab):
    """A run in a PID namespace of its own: numbers are those of there, and who is outside is not to be seen."""
    watch = lab.start("-j", "-v", "--mode", "tc", "-i", "s0", *SOON,
                      before=["unshare", "--pid", "--fork", "--kill-child"])
    watch.wait_error(": in by")
    place = Place(lab, watch)
    with open(f"/proc/{watch.process.pid}/task/{watch.process.pid}/children", encoding="ascii") as children:
        inner = int(children.read())
    client, server, flow = place.pair()
    ready, told = os.pipe()

    def enter():
        with open(f"/proc/{inner}/ns/pid", encoding="ascii") as namespace:
            assert not libc.setns(namespace.fileno(), CLONE_NEWPID)
        if not os.fork():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.write(told, b"x")
            while True:
                signal.pause()
        server.close()

    with place.stack:
        place.child(enter)
        assert os.read(ready, 1) == b"x"
        _, _, outside = place.half_closed()
        server.close()
        client.shutdown(socket.SHUT_WR)
        assert place.lingers(flow)["pid"] == 2  # tcpshake is 1
        assert place.lingers(outside)["owner_missing"] == "rights"
    os.kill(inner, signal.SIGINT)
    assert watch.wait() == 0
    watch.check()


def test_linger_not_selected(apart):
    place = apart("-e", "open,close")
    place.half_closed()
    until(lambda: place.watch.ask()["events_filtered"] >= 1, "an event that is filtered")
    place.watch.none("linger")


def test_told_at_the_end(lab):
    """What still waits for its owner when the run ends, before the close of the same connection."""
    place = Place(lab, lab.watch(*SOON))
    flows = []
    with place.stack:
        for _ in range(3):
            _, _, flow = place.half_closed()
            place.watch.expect("linger", flow, state="FIN_WAIT_2", phase="start")  # not ours: told at once
            flows.append(flow)
        place.watch.stop()
    for flow in flows:
        event = place.lingers(flow)
        assert event["pid"] == os.getpid() and event["seq"] < place.watch.closes(flow)[0]["seq"]


# --- names made of any byte ---

def name_ourselves(name):
    if libc.prctl(PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def as_told(name):
    """What is not UTF-8 becomes U+FFFD, byte by byte."""
    return "".join(part if len(part.encode()) == 1 else "\ufffd" * len(part.encode("latin-1"))
                   for part in name.decode("latin-1"))


ODD = [bytes(range(max(1, first), first + 15)) for first in range(0, 256 - 15, 15)] + [bytes(range(245, 256))]


def test_process_names_of_any_byte(place):
    assert {byte for name in ODD for byte in name} == set(range(1, 256))
    text = place.lab.start("-i", "s0", "--mode", "tc", *SOON)
    text.wait_error(": in by")
    held = [(name, *place.held_by_a_child(1, lambda name=name: name_ourselves(name))) for name in ODD]
    for name, holder, (flow,) in held:
        event = place.lingers(flow)
        assert (event["pid"], event["comm"]) == (holder.pid, as_told(name))
        shown = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else "\\\\" if byte == 92 else f"\\x{byte:02x}"
                        for byte in name)
        text.wait_for(lambda: [line for line in text.text if f"held by {shown}[{holder.pid}]" in line], shown)
    assert all(line.isascii() and line.isprintable() for line in text.text)


def unified():
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for mount in mounts:
            if mount.split()[2] == "cgroup2":
                return mount.split()[1].encode()
    return None


@contextlib.contextmanager
def cgroup(parent, name):
    path = os.path.join(parent, name)
    try:
        os.mkdir(path)
    except OSError as why:
        pytest.skip(f"no cgroup can be made in {parent}: {why}")
    yield path
    until(lambda: removed(path), f"{path} to be removed")


def removed(path):
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.exists(path)


def join(path):
    with open(os.path.join(path, b"cgroup.procs"), "w", encoding="ascii") as procs:
        procs.write(str(os.getpid()))


def test_cgroup_names_of_any_byte(place):
    """All but '/', 0 and the end of a line, which the kernel refuses; and a path that is too long."""
    root = unified()
    if not root:
        pytest.skip("no cgroup2 is mounted here")
    allowed = bytes(byte for byte in range(1, 256) if byte not in b"\n/")
    names = [allowed[:100], allowed[100:200], allowed[200:], b"x" * 200]
    held = []
    with contextlib.ExitStack() as stack:
        path, told = stack.enter_context(cgroup(root, b"ts%d" % os.getpid())), f"/ts{os.getpid()}"
        for name in names:
            path = stack.enter_context(cgroup(path, name))
            told += "/" + as_told(name)
            holder, (flow,) = place.held_by_a_child(1, lambda path=path: join(path))
            stack.enter_context(contextlib.closing(holder))
            held.append((holder.pid, flow, told, len(os.path.relpath(path, root)) + 1))
        for pid, flow, told, length in held:
            event = place.lingers(flow)
            assert event["pid"] == pid
            if length <= 255:
                assert event["cgroup"] == told
            else:  # its end is kept
                assert len(event["cgroup"]) == 255 and told.endswith(event["cgroup"])
