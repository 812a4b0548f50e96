# SPDX-License-Identifier: BSD-2-Clause
"""Sockets and folders of other users, where ours should be."""
import contextlib
import os
import pwd
import subprocess
import sys

import pytest

from daemon import program

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="another user's files need root")

SERVE = """
import os, socket, sys
path, uid = sys.argv[1], int(sys.argv[2])
os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
s = socket.socket(socket.AF_UNIX)
s.bind(path)
os.chown(path, uid, -1)
os.setuid(uid)
s.listen()     # who does this is the peer, to those who connect
print("listening", flush=True)
while True:
    s.accept()
"""


@contextlib.contextmanager
def listener(path, uid=0):
    """A program of this user that accepts whoever comes."""
    p = subprocess.Popen([sys.executable, "-c", SERVE, str(path), str(uid)],
                         stdout=subprocess.PIPE, text=True)
    try:
        assert p.stdout.readline() == "listening\n"
        yield p
    finally:
        p.kill()
        p.wait()
        p.stdout.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


@pytest.fixture
def base(directory):
    """An XDG_RUNTIME_DIR of ours alone."""
    path = directory / "run"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def nobody():
    return pwd.getpwnam("nobody").pw_uid


def run(base, *words, **env):
    return subprocess.run(
        [str(w) for w in words], text=True, capture_output=True, timeout=30,
        stdin=subprocess.DEVNULL,
        env=dict({"PATH": os.environ["PATH"], "HOME": str(base),
                  "XDG_RUNTIME_DIR": str(base)}, **env))


# Whatever prints the default socket, or sends something there.
USERS = [("p11-agent", "-s"), ("p11-agent", "-c"), ("p11-agent",),
         ("p11-agentctl", "env"), ("p11-agentctl", "status"),
         ("p11-agentctl", "unlock", "--stdin")]


def refused(base, words, says):
    done = run(base, program(words[0]), *words[1:])
    assert done.returncode != 0
    assert done.stdout == ""
    assert says in done.stderr
    return done


@pytest.mark.parametrize("words", USERS, ids=" ".join)
def test_base_that_others_may_write_to(base, words):
    """Even a socket that is ours by now may be theirs at the next look."""
    with listener(base / "p11-agent/agent.sock"), listener(
            base / "p11-agent/agent.sock.control"):
        base.chmod(0o777)
        refused(base, words, "others may write to %s" % base)


@needs_root
@pytest.mark.parametrize("words", USERS, ids=" ".join)
def test_another_users_base(base, words, nobody):
    """As under `sudo -E`: nothing is made there, which would lock him out."""
    os.chown(base, nobody, nobody)
    refused(base, words, "belongs to user %d" % nobody)
    assert os.listdir(base) == []


@needs_root
@pytest.mark.parametrize("words", USERS, ids=" ".join)
def test_another_users_folder(base, words, nobody):
    folder = base / "p11-agent"
    folder.mkdir(mode=0o755)
    os.chown(folder, nobody, nobody)
    with listener(folder / "agent.sock", nobody), listener(
            folder / "agent.sock.control", nobody):
        refused(base, words, str(folder))


@needs_root
@pytest.mark.parametrize("words", USERS, ids=" ".join)
def test_another_users_socket(base, words, nobody):
    """Left from when the folder was open."""
    folder = base / "p11-agent"
    with listener(folder / "agent.sock", nobody), listener(
            folder / "agent.sock.control", nobody):
        refused(base, words, "belongs to user %d" % nobody)


@needs_root
@pytest.mark.parametrize("words", USERS, ids=" ".join)
def test_another_users_process(base, words, nobody):
    """The file is ours, and who listens is not."""
    folder = base / "p11-agent"
    with listener(folder / "agent.sock", nobody), listener(
            folder / "agent.sock.control", nobody):
        for path in folder.iterdir():
            os.chown(path, 0, 0)
        refused(base, words, "another user listens")


@needs_root
@pytest.mark.parametrize("where", ["", "p11-agent", "p11-agent/agent.sock"])
def test_login_shell(base, where, nobody, directory):
    """The lines of setup look whose they are, too."""
    # (The file's text is what the plan writes; see test_setup.py.)
    tool = directory / "bin" / "systemctl"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho LoadState=loaded\n")
    tool.chmod(0o755)
    home = directory / "home"
    home.mkdir()
    env = {"PATH": "%s:/usr/bin:/bin" % tool.parent, "HOME": str(home),
           "SHELL": "/bin/sh"}
    done = run(base, program("p11-agentctl"), "setup", "--yes", **env)
    assert done.returncode == 0, done.stderr

    def login():
        done = run(base, "sh", "-lc", "echo $SSH_AUTH_SOCK$p11_agent", **env)
        assert done.stderr == ""
        return done.stdout.strip()

    path = base / "p11-agent/agent.sock"
    with listener(path):
        assert login() == str(path)
        os.chown(base / where, nobody, nobody)
        assert login() == ""


@needs_root
def test_setup_in_another_users_base(base, nobody):
    os.chown(base, nobody, nobody)
    done = run(base, program("p11-agentctl"), "setup", "--yes")
    assert done.returncode == 1
    assert "belongs to user %d" % nobody in done.stderr
    assert os.listdir(base) == []
