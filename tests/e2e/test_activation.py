# SPDX-License-Identifier: BSD-2-Clause
"""Sockets that are passed, and a manager that wants to know the state."""
import contextlib
import os
import signal
import socket

import pytest

from config import simple
from daemon import Daemon, alive, program, wait_until
from persons import needs

pytestmark = pytest.mark.skipif(
    not os.path.exists(program("systemd/p11-agent.service")),
    reason="built without systemd")


class Activated(Daemon):
    """Started by systemd-socket-activate, which passes sockets named so."""

    def __init__(self, directory, config, names, **options):
        self.passed = [directory / "s", directory / "s.control"][:len(names)]
        self.names_passed = names
        super().__init__(directory, config, **options)

    def command(self):
        words = ["systemd-socket-activate",
                 "--fdname=" + ":".join(self.names_passed)]
        for path in self.passed:
            words += ["-l", str(path)]
        for variable in self.daemon_env().items():
            words += ["-E", "%s=%s" % variable]
        # No -D: whoever passes a socket waits for the process it started.
        return [*words, *super().command()[:1], "-f", str(self.config)]

    def is_up(self):
        """It waits for a connection before it becomes p11-agent."""
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError, EOFError):
            return self.names() is not None
        return False

    def finish(self):
        if self.process is None:
            return
        numbers = [p.stat().st_ino for p in self.passed]
        self.stop()
        assert [p.stat().st_ino for p in self.passed] == numbers
        for path in self.passed:
            path.unlink()
        super().finish()


@pytest.fixture
def activated(directory, softhsm):
    """activated(*names): an agent with sockets of these names."""
    why = needs("systemd-socket-activate")
    if why:
        pytest.skip(why)
    made = []

    def make(*names):
        token = softhsm("p256")
        made.append(Activated(directory / "a0", simple(token, 1), names,
                              env=token.env))
        return made[-1]

    yield make
    for a in made:
        a.finish()


@pytest.mark.parametrize("names", [("agent", "control"), ("agent",),
                                   ("of.another.socket",)], ids="-".join)
def test_passed_sockets(activated, names):
    a = activated(*names)
    assert a.names() == ["key1"]
    assert a.status()["socket"] == str(a.socket)
    # The manager shows the first process only.
    assert a.status()["pid"] == a.process.pid
    assert "SSH_AUTH_SOCK" not in a.log()


def test_socket_that_is_removed(activated):
    """With the runtime folder: nobody can reach it, though it is held."""
    a = activated("agent", "control")
    assert a.names() == ["key1"]
    left = a.children()
    a.socket.unlink()
    assert a.process.wait(10) == 0
    a.process = None
    assert "%s is gone: bye" % a.socket in a.log()
    wait_until(lambda: not [p for p in left if alive(p)],
               what="the end of %s" % left)


def test_sockets_that_cannot_be_told_apart(activated):
    with pytest.raises(AssertionError, match='must call one "agent"'):
        activated("one", "two")


class Manager:
    """Hears what sd_notify(3) sends."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)

    def hear(self):
        """The next datagram's lines: {name: value}."""
        text = self.socket.recv(8192).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, **lines):
        while True:
            heard = self.hear()
            if lines.items() <= heard.items():
                return heard


@pytest.fixture
def manager(directory):
    made = Manager(directory / "notify")
    yield made
    made.socket.close()


def test_states(agent, softhsm, manager):
    token = softhsm("p256", "ed25519")
    a = agent(simple(token, 1), token,
              env={"NOTIFY_SOCKET": str(manager.path)})
    assert manager.wait_for(READY="1")["STATUS"].endswith("0 identities")
    manager.wait_for(READY="1", STATUS="1 token, 1 identity")
    a.config.write_text(simple(token, 1, 2))
    a.process.send_signal(signal.SIGHUP)
    manager.wait_for(RELOADING="1")
    manager.wait_for(READY="1", STATUS="1 token, 2 identities")
    a.config.write_text("nonsense = 1\n")
    a.process.send_signal(signal.SIGHUP)
    heard = manager.wait_for(RELOADING="1")
    while "refused" not in heard["STATUS"]:
        heard = manager.wait_for(READY="1")
    assert heard["STATUS"].startswith("1 token, 2 identities; the config is")
    assert a.stop() == 0
    manager.wait_for(STOPPING="1")


def test_nothing_is_said_twice(agent, softhsm, manager):
    """Signatures and lists change nothing that is told."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=[token.pin],
              env={"NOTIFY_SOCKET": str(manager.path)})
    manager.wait_for(READY="1", STATUS="1 token, 1 identity")
    with a.client() as c:
        for _ in range(10):
            assert c.sign(c.blob("key1")) is not None
    assert a.stop() == 0
    assert "STOPPING" in manager.hear()


def test_manager_that_does_not_listen(agent, softhsm, manager):
    """Its queue is full: everything goes on, and it hears READY in the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                s.sendto(b"STATUS=full", str(manager.path))
    token = softhsm("p256")
    a = agent(simple(token, 1), token,
              env={"NOTIFY_SOCKET": str(manager.path)})
    assert a.names() == ["key1"]
    manager.wait_for(READY="1", STATUS="1 token, 1 identity")


def test_children_do_not_know_the_manager(agent, softhsm, manager):
    token = softhsm("p256")
    a = agent(simple(token, 1), token,
              env={"NOTIFY_SOCKET": str(manager.path)})
    assert a.names() == ["key1"]
    providers = wait_until(a.providers)
    for pid in providers:
        with open("/proc/%d/environ" % pid, "rb") as f:
            assert b"NOTIFY_SOCKET" not in f.read()
    assert os.path.exists(manager.path)
