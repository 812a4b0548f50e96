# SPDX-License-Identifier: BSD-2-Clause
"""Connections that ssh and sshd bring: they sign, and change nothing."""
import contextlib
import os
import subprocess

import pytest

from config import simple
from daemon import wait_until
from keys import public_line, verify
from tokens import SoftHsm
from wire import (ADD_IDENTITY, FAILURE, REMOVE_ALL_IDENTITIES,
                  REMOVE_IDENTITY, REMOVE_SMARTCARD_KEY, Client, string)


@pytest.fixture
def served(agent, softhsm, sshd):
    token = softhsm("p256", "ed25519")
    a = agent(simple(token, 1, 2), token, pins=[token.pin] * 3)
    with a.client() as c:
        sshd.accept(public_line(c.blob("key1")))
    return a


@contextlib.contextmanager
def forwarding(served, sshd, path, *options):
    """An ssh that makes the socket PATH, until the end."""
    ssh = subprocess.Popen(
        ["ssh", "-F", str(sshd.dir / "ssh_config"), "-N", "-o",
         "ExitOnForwardFailure=yes", *options, "rig"], env=served.env,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: os.path.exists(path) or ssh.poll() is not None,
                   20, "the socket of ssh")
        assert ssh.poll() is None, ssh.stderr.read()
        yield
    finally:
        ssh.terminate()
        ssh.communicate(timeout=20)


def changes_nothing(served, path):
    module = SoftHsm.path()
    with Client(path) as c:
        assert c.names() == ["key1", "key2"]
        blob = c.blob("key1")
        assert c.add_smartcard(module) == FAILURE
        assert c.add_smartcard(module, "1234") == FAILURE
        assert c.ask(REMOVE_SMARTCARD_KEY,
                     string(module) + string(""))[0] == FAILURE
        assert c.ask(REMOVE_ALL_IDENTITIES)[0] == FAILURE
        assert c.ask(REMOVE_IDENTITY, string(blob))[0] == FAILURE
        assert c.ask(ADD_IDENTITY, string("ssh-ed25519"))[0] == FAILURE
        assert c.names() == ["key1", "key2"]
        # The client may still sign.
        assert verify(blob, c.sign(blob, b"data"), b"data")
    done = served.ssh_add("-D")
    assert done.returncode == 0, done.stderr
    assert served.names() == []


def test_socket_on_the_other_side(served, sshd, directory):
    """ssh -R: whoever reaches that socket is not here."""
    path = directory / "far"
    with forwarding(served, sshd, path, "-R",
                    "%s:%s" % (path, served.socket)):
        changes_nothing(served, path)
    served.wait_for_log("ssh (pid ")
    assert "comes through ssh or sshd" in served.log()


def test_socket_that_sshd_reaches(served, sshd, directory):
    """ssh -L: sshd connects to the agent for somebody elsewhere."""
    path = directory / "near"
    with forwarding(served, sshd, path, "-L",
                    "%s:%s" % (path, served.socket)):
        changes_nothing(served, path)
    assert "comes through ssh or sshd" in served.log()


def test_control_socket_that_sshd_reaches(served, sshd, directory):
    """The daemon may be asked; nothing is unlocked, locked or reloaded."""
    path = directory / "near"
    control = "%s.control" % path
    with forwarding(served, sshd, control, "-L",
                    "%s:%s.control" % (control, served.socket)):
        program = [os.path.join(os.environ["P11_AGENT_BUILD"],
                                "p11-agentctl"), "-a", path]
        assert served.run(*program, "status").returncode == 0
        for words in (["lock"], ["reload"], ["release"]):
            done = served.run(*program, *words)
            assert done.returncode == 1, done
            assert "comes through ssh or sshd" in done.stderr
    assert served.ctl("lock").returncode == 0
