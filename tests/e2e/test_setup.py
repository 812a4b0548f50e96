# SPDX-License-Identifier: BSD-2-Clause
"""p11-agentctl setup, with a systemctl that only writes down what it is told.

What a real user manager makes of it is in test_systemd.py.
"""
import os
import subprocess

import pytest

from daemon import program

SYSTEMCTL = """#!/bin/sh
echo "$*" >>"%(log)s"
case "$*" in
*"$FAILS"*) exit 1 ;;
*LoadState*) printf 'LoadState=%%s\\n' "${LOADED-loaded}" ;;
*show-environment) echo HOME=/x; cat "%(log)s.env" ;;
*" set-environment "*) echo "$3" >"%(log)s.env" ;;
*unset-environment*) : >"%(log)s.env" ;;
esac
"""
GCR = "SSH_AUTH_SOCK=/run/user/7/gcr/ssh\n"


class Person:
    """A home without anything, and a shell in it."""

    def __init__(self, directory):
        self.home = directory / "home"
        self.runtime = directory / "run"
        self.log = directory / "log"
        self.log.write_text("")
        # What the manager has.
        self.environment = directory / "log.env"
        self.environment.write_text(GCR)
        for folder in (self.home, self.runtime, directory / "bin"):
            folder.mkdir()
        self.runtime.chmod(0o700)
        tool = directory / "bin" / "systemctl"
        tool.write_text(SYSTEMCTL % {"log": self.log})
        tool.chmod(0o700)
        self.env = {"PATH": "%s:/usr/bin:/bin" % tool.parent,
                    "HOME": str(self.home), "SHELL": "/bin/bash",
                    "XDG_RUNTIME_DIR": str(self.runtime), "FAILS": "nothing",
                    "SSH_AUTH_SOCK": "/tmp/ssh-x/agent.1"}

    def setup(self, *words, answer="", **env):
        return subprocess.run(
            [program("p11-agentctl"), "setup", *words], input=answer,
            text=True, capture_output=True, timeout=30,
            env=dict(self.env, **env))

    def files(self):
        return {str(p.relative_to(self.home)): p.read_text()
                for p in self.home.rglob("*") if p.is_file()}

    def told(self):
        return [line for line in self.log.read_text().splitlines()
                if "show" not in line]


@pytest.fixture
def person(directory):
    return Person(directory)


def test_nothing_without_a_yes(person):
    for answer in ("", "no\n", "y\n", "yes please\n"):
        done = person.setup(answer=answer)
        assert done.returncode == 1
        assert "Nothing was changed" in done.stdout
    assert person.files() == {} and person.told() == []


def test_says_who_has_it_and_what_changes(person):
    out = person.setup().stdout
    assert "gcr-ssh-agent" in out and "/run/user/7/gcr/ssh" in out
    assert "/tmp/ssh-x/agent.1" in out
    for path in (".config/environment.d/90-p11-agent.conf", ".profile",
                 ".config/systemd/user/p11-agent.socket.d"):
        assert str(person.home / path) in out
    assert "systemctl --user enable --now p11-agent.socket" in out


def test_there_and_back(person):
    (person.home / ".profile").write_text("umask 022\n")
    before = person.files()
    done = person.setup(answer="yes\n")
    assert done.returncode == 0, done.stderr
    after = person.files()
    assert "p11-agent/agent.sock" in after[
        ".config/environment.d/90-p11-agent.conf"]
    assert after[".profile"].startswith("umask 022\n# p11-agent")
    assert person.told() == [
        "--user daemon-reload",
        "--user enable --now p11-agent.socket",
        "--user set-environment SSH_AUTH_SOCK=%s/p11-agent/agent.sock"
        % person.runtime]
    # Once more changes no file.
    assert person.setup("--yes").returncode == 0
    assert person.files() == after
    done = person.setup("--undo", answer="yes\n")
    assert done.returncode == 0, done.stderr
    assert person.files() == before
    assert person.told()[-3:] == [
        "--user unset-environment SSH_AUTH_SOCK",
        "--user disable --now p11-agent.socket p11-agent-control.socket "
        "p11-agent.service",
        "--user daemon-reload"]
    assert person.environment.read_text() == ""
    # And that, too, twice.
    assert person.setup("--undo", "--yes").returncode == 0
    assert person.files() == before


@pytest.mark.parametrize("connection,forwarded,ours", [
    ("", False, True), ("", True, True), ("1.2.3.4 5 6.7.8.9 22", True, False),
    ("1.2.3.4 5 6.7.8.9 22", False, True)])
def test_login_shell(person, agent, connection, forwarded, ours):
    """A login over SSH keeps the agent that it brought; others get ours."""
    person.setup("--yes")
    live = agent("", env={"XDG_RUNTIME_DIR": str(person.runtime)})
    (person.runtime / "p11-agent").mkdir()
    mine = person.runtime / "p11-agent" / "agent.sock"
    mine.symlink_to(live.socket)
    other = str(live.socket) if forwarded else "/nowhere"
    done = subprocess.run(
        ["/bin/bash", "--login", "-c", "echo $SSH_AUTH_SOCK"], text=True,
        capture_output=True, timeout=30, env=dict(
            person.env, SSH_CONNECTION=connection, SSH_AUTH_SOCK=other))
    assert done.stdout.strip() == (str(mine) if ours else other)
    done = subprocess.run(
        [program("p11-agentctl"), "env"], text=True, capture_output=True,
        timeout=30, env=dict(person.env, SSH_CONNECTION=connection,
                             SSH_AUTH_SOCK=other))
    assert ("# SSH_AUTH_SOCK stays" in done.stdout) == (
        bool(connection) and forwarded)


def test_file_of_somebody_else_stays(person):
    path = person.home / ".config/environment.d/90-p11-agent.conf"
    path.parent.mkdir(parents=True)
    path.write_text("MINE=1\n")
    done = person.setup("--yes")
    assert done.returncode == 1
    assert str(path) in done.stderr and "--undo" in done.stderr
    assert person.files() == {".config/environment.d/90-p11-agent.conf":
                              "MINE=1\n"}


def test_manager_that_refuses(person):
    """Told, and all can be taken back."""
    done = person.setup("--yes", FAILS="enable")
    assert done.returncode == 1
    assert "systemctl did not do its work" in done.stderr
    assert person.setup("--undo", "--yes").returncode == 0
    assert person.files() == {}


def test_no_manager(person):
    """Found out before anything is changed; undo does what it can."""
    done = person.setup("--yes", FAILS="show-environment")
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert "p11-agent -s" in done.stderr
    assert person.files() == {} and person.told() == []
    person.setup("--yes")
    assert person.setup("--undo", "--yes", FAILS="--user").returncode == 1
    assert person.files() == {}


def test_no_units(person):
    """Built without systemd, or installed where it does not look."""
    done = person.setup("--yes", LOADED="not-found")
    assert done.returncode == 1
    assert "no p11-agent.socket" in done.stderr
    assert person.files() == {} and person.told() == []


def test_undo_leaves_another_agent_in_the_manager(person):
    person.setup("--yes")
    person.environment.write_text(GCR)
    assert person.setup("--undo", "--yes").returncode == 0
    assert person.environment.read_text() == GCR
    # Also where nothing was set up.
    assert person.setup("--undo", "--yes").returncode == 0
    assert person.environment.read_text() == GCR


@pytest.mark.parametrize("shell,file", [
    ("/bin/bash", ".bash_login"), ("/bin/zsh", ".zprofile"),
    ("/usr/bin/fish", ".config/fish/conf.d/p11-agent.fish")])
def test_undo_after_another_shell(person, shell, file):
    """Its lines are found wherever setup put them, and only those shown."""
    if file == ".bash_login":
        (person.home / file).write_text("umask 022\n")
    before = person.files()
    assert person.setup("--yes", SHELL=shell).returncode == 0
    assert "p11-agent" in person.files()[file]
    (person.home / ".bash_profile").write_text("umask 077\n")
    done = person.setup("--undo", "--yes", SHELL="/bin/sh")
    assert done.returncode == 0, done.stderr
    assert str(person.home / file) in done.stdout
    assert ".bash_profile" not in done.stdout
    assert person.files() == dict(before, **{".bash_profile": "umask 077\n"})


def test_agent_that_was_started_by_hand(person, agent):
    """It would go on behind a socket that is not its own any more."""
    by_hand = agent("")
    (person.runtime / "p11-agent").mkdir()
    for end in ("", ".control"):
        (person.runtime / ("p11-agent/agent.sock" + end)).symlink_to(
            str(by_hand.socket) + end)
    done = person.setup("--yes")
    assert done.returncode == 1
    assert "kill %d" % by_hand.process.pid in done.stderr
    assert person.files() == {} and person.told() == []
    by_hand.stop()
    assert person.setup("--yes").returncode == 0


def test_no_other_socket(person):
    done = subprocess.run([program("p11-agentctl"), "-a", "/x", "setup"],
                          env=person.env, text=True, capture_output=True,
                          timeout=30)
    assert done.returncode == 2 and "-a" in done.stderr


def test_no_home(person):
    done = person.setup(XDG_RUNTIME_DIR="")
    assert done.returncode == 1 and "XDG_RUNTIME_DIR" in done.stderr


def test_fish(directory):
    out = subprocess.run(
        [program("p11-agentctl"), "-a", "/x", "env", "--fish"], text=True,
        capture_output=True, timeout=30, env={"PATH": "/usr/bin"})
    assert out.returncode == 3     # no such socket
    sock = directory / "s"
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(sock))
        s.listen()
        out = subprocess.run(
            [program("p11-agentctl"), "-a", sock, "env"], text=True,
            capture_output=True, timeout=30,
            env={"PATH": "/usr/bin", "SHELL": "/usr/bin/fish"})
        assert out.stdout == "set -gx SSH_AUTH_SOCK %s;\n" % sock
