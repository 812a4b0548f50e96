# SPDX-License-Identifier: BSD-2-Clause
"""A PIN leaves nothing behind once it is locked away."""
import os

import pytest

from config import simple
from memory import holds

PIN = "PinOf4711Zy"

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="only root may look into a process "
                                       "that is not dumpable")


@pytest.fixture
def unlocked(agent, softhsm):
    token = softhsm("p256")
    token.tool("--change-pin", "--new-pin", PIN)
    a = agent(simple(token, 1), token, pins=["Wrong" + PIN, PIN])
    with a.client() as c:
        assert c.sign(c.blob("key1")) is not None
    return a


def test_the_search_finds_what_is_there(unlocked):
    """The test can fail: the daemon's memory holds its socket's path."""
    assert holds(unlocked.process.pid, str(unlocked.socket).encode())


def test_daemon_holds_no_pin_after_the_login(unlocked):
    assert not holds(unlocked.process.pid, PIN.encode()[1:])


def test_no_process_holds_a_pin_after_lock(unlocked):
    assert unlocked.ctl("lock").returncode == 0
    for pid in [unlocked.process.pid, *unlocked.children()]:
        assert not holds(pid, PIN.encode()), pid


@pytest.mark.release
def test_no_core(unlocked):
    """Neither the daemon nor what it starts may leave a core file."""
    for pid in [unlocked.process.pid, *unlocked.children()]:
        with open("/proc/%d/limits" % pid) as f:
            limit, = [line for line in f if line.startswith("Max core")]
        assert limit.split()[4:6] == ["0", "0"], pid
