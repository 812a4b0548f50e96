# SPDX-License-Identifier: BSD-2-Clause
"""p11-agentctl setup and its undo, inside a real user manager."""
import subprocess

import pytest

from daemon import wait_until
from manager import config

# As it is shipped: what is installed runs from where it is installed.
pytestmark = pytest.mark.release

# As gcr 4 has it, which every GNOME brings.
GCR = """[Socket]
ListenStream=%t/gcr/ssh
DirectoryMode=0700
ExecStartPost=-systemctl --user set-environment SSH_AUTH_SOCK=%t/gcr/ssh
[Install]
WantedBy=sockets.target
"""


class Person:
    """What a user of that manager types, and what comes of it."""

    def __init__(self, manager):
        self.m = manager

    def setup(self, *words, **options):
        # No login has it, so that it is not in this one either.
        return self.m.run("p11-agentctl", "setup", *words,
                          env={"SSH_AUTH_SOCK": "", "SHELL": "/bin/sh"},
                          **options)

    def managers(self):
        """What programs get that the manager starts."""
        return [line for line in self.m.done(
            "systemctl", "--user", "show-environment").splitlines()
            if line.startswith("SSH_AUTH_SOCK=")]

    def services(self):
        """And what really is in the environment of a new one."""
        return self.m.done(
            "systemd-run", "--user", "--quiet", "--wait", "--pipe",
            "sh", "-c", "echo $SSH_AUTH_SOCK").strip()

    def login(self):
        """What a login shell has."""
        return self.m.done("sh", "-lc", "echo $SSH_AUTH_SOCK",
                           env={"SSH_AUTH_SOCK": ""}).strip()

    def files(self):
        return {str(p.relative_to(self.m.home)):
                p.readlink() if p.is_symlink() else p.read_text()
                for p in self.m.home.rglob("*")
                if p.is_file() or p.is_symlink()}


@pytest.fixture
def person(manager):
    manager.start_bus()     # systemd-run wants it
    made = Person(manager)
    yield made
    made.setup("--undo", "--yes")


@pytest.fixture
def gcr(manager):
    """Another agent, which has SSH_AUTH_SOCK."""
    unit = manager.units / "gcr-ssh-agent.socket"
    unit.write_text(GCR)
    # A socket wants a service.
    service = manager.units / "gcr-ssh-agent.service"
    service.write_text("[Service]\nExecStart=/bin/cat\n")
    manager.own(manager.units)
    manager.systemctl("daemon-reload")
    manager.systemctl("enable", "--now", unit.name)
    yield "%s/gcr/ssh" % manager.run_dir
    manager.systemctl("disable", "--now", unit.name)
    unit.unlink()
    service.unlink()
    manager.systemctl("daemon-reload")
    manager.systemctl("unset-environment", "SSH_AUTH_SOCK")


def test_there_and_back(manager, units, softhsm, person):
    token = manager.owns(softhsm("p256", "ed25519"))
    u = units(config(token, 1, 2))
    profile = manager.home / ".profile"
    profile.write_text("umask 022\n")
    manager.own(profile)
    before = person.files()
    assert (person.managers(), person.services(), person.login()) == (
        [], "", "")

    done = person.setup("--yes")
    assert done.returncode == 0, done.stderr
    ours = str(manager.socket)
    for unit in ("p11-agent.socket", "p11-agent-control.socket"):
        assert manager.show(unit, "UnitFileState", "ActiveState") == [
            "enabled", "active"]
    assert person.managers() == ["SSH_AUTH_SOCK=" + ours]
    assert person.services() == ours and person.login() == ours
    assert u.state() == "inactive"
    assert len(manager.done("ssh-add", "-l", env={
        "SSH_AUTH_SOCK": person.services()}).splitlines()) == 2
    assert u.state() == "active"
    # Once more it changes nothing, and ends nobody's login.
    there, pid = person.files(), u.pid()
    assert person.setup("--yes").returncode == 0
    assert person.files() == there and u.pid() == pid

    done = person.setup("--undo", "--yes")
    assert done.returncode == 0, done.stderr
    assert person.files() == before
    assert (person.managers(), person.services(), person.login()) == (
        [], "", "")
    assert u.state() == "inactive"
    assert manager.show("p11-agent.socket", "UnitFileState", "ActiveState",
                        "DropInPaths") == ["disabled", "inactive", ""]
    # None of this was there then: nothing to be done, and nothing lost.
    done = person.setup("--undo", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert person.files() == before


def test_beside_another_agent(manager, units, person, gcr):
    """It is named, it keeps running, and the order of the start is ours."""
    units("")
    assert person.managers() == ["SSH_AUTH_SOCK=" + gcr]
    done = person.setup("--yes")
    assert done.returncode == 0, done.stderr
    assert "GNOME's gcr-ssh-agent" in done.stdout
    assert "mask gcr-ssh-agent.socket" in done.stdout
    ours = ["SSH_AUTH_SOCK=%s" % manager.socket]
    assert person.managers() == ours
    assert manager.show("gcr-ssh-agent.socket", "ActiveState") == "active"
    # As at a login, where the manager starts both.
    manager.systemctl("stop", "sockets.target", "p11-agent.socket",
                      "gcr-ssh-agent.socket")
    manager.systemctl("set-environment", "SSH_AUTH_SOCK=/of/nobody")
    manager.systemctl("start", "sockets.target")
    assert manager.show("gcr-ssh-agent.socket", "ActiveState") == "active"
    assert person.managers() == ours
    assert manager.show("p11-agent.socket", "ActiveState") == "active"


def test_undo_leaves_the_other_agents_variable(manager, units, person, gcr):
    units("")
    assert person.setup("--undo", "--yes").returncode == 0
    assert person.managers() == ["SSH_AUTH_SOCK=" + gcr]


def test_agent_that_was_started_by_hand(manager, units, person):
    """systemd would take the socket from it: its keys would be gone."""
    units("")
    by_hand = {"SSH_AUTH_SOCK": ""}
    manager.done("p11-agent", "-s", env=by_hand)
    pid = manager.done("p11-agentctl", "status", env=by_hand).split("pid ")[1]
    pid = pid.split(",")[0]
    done = person.setup("--yes")
    assert done.returncode == 1 and "kill %s" % pid in done.stderr
    manager.done("kill", pid)
    wait_until(lambda: not manager.socket.exists(), what="its end")
    assert person.setup("--yes").returncode == 0
    # Now the line of a startup file finds the manager's.
    assert manager.done("p11-agent", "-s", env=by_hand) == (
        "SSH_AUTH_SOCK=%s; export SSH_AUTH_SOCK;\n" % manager.socket)


def test_yes_is_typed(manager, units, person):
    units("")
    done = subprocess.run(
        manager.words("p11-agentctl", "setup"), env=dict(
            manager.env, SSH_AUTH_SOCK="", SHELL="/bin/sh"),
        input="yes\n", text=True, capture_output=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    assert person.login() == str(manager.socket)
