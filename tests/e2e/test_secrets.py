# SPDX-License-Identifier: BSD-2-Clause
"""A PIN leaves nothing behind once it is locked away."""
import os
import subprocess

import pytest

from config import simple
from daemon import alive, program, wait_until
from memory import Registers, holds, pieces
from tokens import SoftHsm

PIN = "PinOf4711Zy"

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="only root may look into a process "
                                       "that is not dumpable")


@pytest.fixture
def locked(agent, softhsm):
    token = softhsm("p256")
    token.tool("--change-pin", "--new-pin", PIN)
    return agent(simple(token, 1), token, pins=["Wrong" + PIN, PIN])


@pytest.fixture
def unlocked(locked):
    with locked.client() as c:
        assert c.sign(c.blob("key1")) is not None
    return locked


@pytest.fixture
def watched(locked):
    """In the daemon nothing but what may hold a PIN holds one, at any time."""
    registers = Registers(locked.process.pid, PIN.encode())
    with registers:
        yield locked
    assert registers.stops > 50
    assert not registers.seen
    assert not pieces(locked.process.pid, PIN.encode())


def test_the_search_finds_what_is_there(unlocked):
    """The test can fail: the daemon's memory holds its socket's path."""
    assert holds(unlocked.process.pid, str(unlocked.socket).encode())


def test_daemon_holds_no_pin_after_the_login(unlocked):
    assert not pieces(unlocked.process.pid, PIN.encode())


def test_daemon_and_the_pin_of_a_prompt(watched):
    with watched.client() as c:
        assert c.sign(c.blob("key1")) is not None
    assert watched.askpass.calls() == 2


def test_daemon_and_the_pin_of_ssh_add(watched):
    done = watched.ssh_add("-s", SoftHsm.path(), pin=PIN)
    assert done.returncode == 0, done.stderr


def test_daemon_and_the_pin_of_unlock(watched):
    subprocess.run(
        [program("p11-agentctl"), "-a", watched.socket, "unlock", "test",
         "--stdin"], env=watched.env, input=PIN + "\n", text=True,
        check=True, timeout=60)


def test_no_process_holds_a_pin_after_lock(unlocked):
    assert unlocked.ctl("lock").returncode == 0
    for pid in [unlocked.process.pid, *unlocked.children()]:
        try:
            assert not holds(pid, PIN.encode()), pid
        except (FileNotFoundError, ProcessLookupError):
            wait_until(lambda: not alive(pid), what="the end of %d" % pid)
    assert alive(unlocked.process.pid)


@pytest.mark.release
def test_no_core(unlocked):
    """Neither the daemon nor what it starts may leave a core file."""
    for pid in [unlocked.process.pid, *unlocked.providers()]:
        with open("/proc/%d/limits" % pid) as f:
            limit, = [line for line in f if line.startswith("Max core")]
        assert limit.split()[4:6] == ["0", "0"], pid
