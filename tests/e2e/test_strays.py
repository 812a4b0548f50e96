# SPDX-License-Identifier: BSD-2-Clause
"""Processes that a module starts and lets go of, and those that a prompt
does: a provider's end is the end of the first, and of nobody else."""
import os
import re
import signal
import time

import pytest

from config import simple
from daemon import alive, processes_with, program, wait_until

# The daemon waits so long for what it killed; here everything can be killed.
END_MAX_SEC = 1


@pytest.fixture
def token(layered):
    return layered("p256")


@pytest.fixture
def served(agent, token):
    """The token's process: it has left its group for that of a child, and a
    daemon of its own is without a parent."""
    a = agent(simple(token, 1), token, pins=[token.pin] * 9)
    token.script("call C_SignInit stray=1")
    assert sign(a)
    assert len(strays(a)) == 2
    return a


def sign(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


def providers(a):
    """All of them, also those that are nobody's children any more."""
    return {p for p, line in processes_with("%s/" % a.dir).items()
            if "p11-agent-provider" in line}


def strays(a):
    return providers(a) - {a.token_pid("test")}


def no_more(pids):
    wait_until(lambda: not [p for p in pids if alive(p)],
               what="the end of %s" % pids)


def zombies(a):
    """Children of the daemon that nobody has buried."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%d/stat" % int(name)) as f:
                stat = f.read().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if stat[0] == "Z" and int(stat[1]) == a.process.pid:
            found.append(int(name))
    return found


def test_killed_with_its_descendants(served):
    """As by a deadline: the process group is not all there is to kill."""
    before = providers(served)
    assert served.ctl("release").returncode == 0
    no_more(before)
    wait_until(lambda: not zombies(served), what="burials")
    assert sign(served)


def test_in_the_background(agent, token):
    """The daemon that adopts them is the process that stays."""
    a = agent(simple(token, 1), token, pins=[token.pin], start=False)
    done = a.run(program("p11-agent"), "-a", a.socket, "-f", a.config)
    pid = int(re.search(r"SSH_AGENT_PID=(\d+)", done.stdout)[1])
    try:
        token.script("call C_SignInit stray=1")
        assert sign(a)
        before = providers(a)
        assert len(before) >= 3
        os.kill(a.token_pid("test"), signal.SIGKILL)
        no_more(before)
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not alive(pid), what="its end")


def test_died_and_left_descendants(served):
    before = providers(served)
    os.kill(served.token_pid("test"), signal.SIGKILL)
    no_more(before)
    wait_until(lambda: not zombies(served), what="burials")
    assert sign(served)


def test_the_daemon_ends_while_one_hangs(served, token):
    before = providers(served)
    token.script("call C_SignInit hang=1")
    with served.client() as c:
        c.send_sign(c.blob("key1"))
        wait_until(lambda: token.calls("C_SignInit"), what="the call")
        begin = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == 0
    assert time.monotonic() - begin < END_MAX_SEC
    no_more(before)


def test_what_a_prompt_started_lives_on(served, token, directory):
    """An askpass that starts a daemon, as a pinentry may start D-Bus."""
    daemon = directory / "daemon"
    script = served.askpass.script
    script.write_text(
        "#!/bin/sh\nsetsid -f sh -c 'echo $$ >%s; exec sleep 1000' "
        "</dev/null >/dev/null 2>&1\n" % daemon +
        script.read_text().partition("\n")[2])
    assert served.ctl("release").returncode == 0
    assert sign(served)
    wait_until(lambda: daemon.exists() and daemon.read_text(), what="it")
    pid = int(daemon.read_text())
    try:
        before = providers(served)
        os.kill(served.token_pid("test"), signal.SIGKILL)
        no_more(before)
        assert served.ctl("release").returncode in (0, 1)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == 0
        assert alive(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
