# SPDX-License-Identifier: BSD-2-Clause
"""Sockets and folders of other users, where ours should be."""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from config import simple
from daemon import alive, processes_with, program, wait_until

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


HOLD = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.setuid(int(sys.argv[2]))
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def sticky(directory, nobody):
    """A folder such as /tmp, whose lock somebody else holds."""
    path = directory / "tmp"
    path.mkdir()
    path.chmod(0o1777)
    p = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path),
         str(nobody if os.geteuid() == 0 else os.geteuid())],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "held\n"
    yield path
    p.communicate("")


@pytest.mark.parametrize("words", [("-D",), ()], ids=str)
def test_folder_that_is_locked(agent, sticky, words):
    """Said in words, after two seconds."""
    a = agent("", start=False)
    begin = time.monotonic()
    done = a.run(program("p11-agent"), *words, "-a", sticky / "s", "-f",
                 a.config)
    assert 2 <= time.monotonic() - begin < 5
    assert done.returncode == 1 and done.stdout == ""
    assert "folder %s:" % sticky in done.stderr
    assert "holds its lock" in done.stderr
    assert not list(sticky.iterdir())


@pytest.mark.parametrize("words", [("-D",), ()], ids=str)
def test_signal_while_a_folder_is_locked(agent, sticky, words):
    a = agent("", start=False)
    with open(a.log_path, "wb") as log:
        p = subprocess.Popen([program("p11-agent"), *words, "-a",
                              str(sticky / "s"), "-f", str(a.config)],
                             env=a.daemon_env(), stdout=subprocess.PIPE,
                             stderr=log)
    if words:
        a.wait_for_log("waiting: folder %s" % sticky)
    else:
        wait_until(lambda: len(processes_with("%s/" % a.dir)) > 1,
                   what="the agent in the background")
    p.send_signal(signal.SIGTERM)
    begin = time.monotonic()
    assert p.communicate(timeout=10)[0] == b""
    assert time.monotonic() - begin < 1
    wait_until(lambda: not processes_with("%s/" % a.dir),
               what="the end of all of it")
    assert not list(sticky.iterdir())


def test_lock_that_is_let_go(agent):
    """Within its two seconds: nobody is refused."""
    a = agent("", start=False)
    p = subprocess.Popen([sys.executable, "-c", HOLD, str(a.dir),
                          str(os.geteuid())],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
    assert p.stdout.readline() == "held\n"
    release = threading.Thread(
        target=lambda: (a.wait_for_log("waiting: folder"), p.communicate("")))
    release.start()
    a.start()
    release.join()
    assert a.ctl("status").returncode == 0


# -- a socket that is gone

@pytest.fixture
def served(agent, softhsm):
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=[token.pin])
    with a.client() as c:
        assert c.sign(c.blob("key1")) is not None
    return a


def ends(a, left, words):
    """By itself, well, with these children."""
    assert len(left) > 1
    assert a.process.wait(10) == 0
    a.process = None
    assert words in a.log()
    wait_until(lambda: not [p for p in left if alive(p)],
               what="the end of %s" % left)


@pytest.mark.release
def test_socket_that_is_removed(served):
    """As at the last logout, with the whole runtime folder."""
    left = served.children()
    served.socket.unlink()
    ends(served, left, "%s is gone: bye" % served.socket)
    # The control socket was still its own.
    assert not os.path.exists("%s.control" % served.socket)


def test_socket_that_is_replaced(served):
    other = served.dir / "other"
    other.write_text("mine")
    left = served.children()
    other.rename(served.socket)
    ends(served, left, "is another one by now: bye")
    assert served.socket.read_text() == "mine"
    served.socket.unlink()


def test_folder_that_is_removed(agent, softhsm, directory):
    """All of it, by another name than the one it listens at."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    folder = directory / "run"
    folder.mkdir(mode=0o700)
    a.socket = folder / "s"
    a.start()
    assert a.names() == ["key1"]
    left = a.children()
    shutil.rmtree(folder)
    ends(a, left, "is gone: bye")


def test_other_files_beside_it(served):
    """Changes beside the socket wake nobody."""
    def wakeups():
        with open("/proc/%d/status" % served.process.pid) as f:
            return sum(int(line.split()[1]) for line in f
                       if "ctxt_switches" in line)

    before = wakeups()
    for n in range(100):
        path = served.dir / ("file%d" % n)
        path.write_text("x")
        path.unlink()
    assert wakeups() - before < 20
    assert served.names() == ["key1"]
