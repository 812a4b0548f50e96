# SPDX-License-Identifier: BSD-2-Clause
"""Signals that are sent on purpose, or by mistake."""
import os
import signal

import pytest

from config import simple
from daemon import alive, program, wait_until


@pytest.fixture
def served(agent, softhsm):
    token = softhsm("p256", "ed25519")
    return agent(simple(token, 1, 2), token, pins=[token.pin] * 2)


def sign(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


@pytest.mark.release
def test_drops_all_keys(served):
    """SIGUSR1, as OpenSSH 10.0 has it, is ssh-add -D."""
    assert sign(served)
    pid = served.token_pid("test")
    assert pid
    served.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: served.names() == [], what="an empty list")
    wait_until(lambda: not alive(pid), what="the end of its process")
    served.wait_for_log("as by ssh-add -D")
    by_signal = served.ctl("keys").stdout
    # As after ssh-add -D, and back in the same way.
    module = served.status()["providers"][0]["module"]
    assert served.ssh_add("-s", module, pin="").returncode == 0
    assert served.names() == ["key1", "key2"]
    assert sign(served)
    assert served.ssh_add("-D").returncode == 0
    assert served.names() == []
    assert served.ctl("keys").stdout == by_signal


def test_drops_all_keys_at_the_start(agent, softhsm):
    """Also those that a scan finds a moment later."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    a.start()
    a.process.send_signal(signal.SIGUSR1)
    a.wait_for_log("as by ssh-add -D")
    assert a.names() == []


@pytest.mark.parametrize("number", [
    signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
    signal.SIGIO, signal.SIGPIPE], ids=lambda n: n.name)
def test_goes_on(served, number):
    served.process.send_signal(number)
    assert served.names() == ["key1", "key2"]
    with open("/proc/%d/status" % served.process.pid) as f:
        ignored, = [int(line.split()[1], 16) for line in f
                    if line.startswith("SigIgn")]
    assert ignored >> (number - 1) & 1


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGABRT],
                         ids=lambda n: n.name)
def test_ends(served, number):
    """Whoever wants it dead at once gets that."""
    left = served.children()
    served.process.send_signal(number)
    assert served.process.wait(10) == -number
    served.process = None
    wait_until(lambda: not [p for p in left if alive(p)],
               what="the end of %s" % left)
    for path in (str(served.socket), "%s.control" % served.socket):
        os.unlink(path)


STATE = ("grep ^Sig[BIC] /proc/self/status; ulimit -Sa; ulimit -Ha;"
         # Does it adopt orphans (PR_GET_CHILD_SUBREAPER)?
         "exec /usr/bin/python3 -c \"import ctypes; n = ctypes.c_int();"
         " ctypes.CDLL(None).prctl(37, ctypes.byref(n)); print(n.value)\"")


@pytest.mark.release
@pytest.mark.parametrize("trap", [
    "trap '' HUP USR1 ALRM PIPE", "trap '' USR2 IO PROF VTALRM CHLD INT QUIT",
    "ulimit -Sn 200; ulimit -c 1000", ":"])
def test_command_has_what_we_had(agent, trap):
    """Signals and limits, as if it had been started without us."""
    a = agent("", start=False)
    plain, ours = [a.run("sh", "-c", trap + "; exec " + words)
                   for words in ("sh -c '%s'" % STATE, "%s -f %s sh -c '%s'" % (
                       program("p11-agent"), a.config, STATE))]
    assert (plain.returncode, ours.returncode, ours.stderr) == (0, 0, "")
    assert "SigIgn" in plain.stdout and plain.stdout.endswith("\n0\n")
    assert ours.stdout == plain.stdout


# -- limits

@pytest.mark.parametrize("words", [["-D"], []], ids=str)
def test_too_few_files(agent, words):
    """Said at the start, and not by refusing each connection."""
    a = agent("", start=False)
    done = a.run("prlimit", "--nofile=64:64", program("p11-agent"), *words,
                 "-a", a.socket, "-f", a.config)
    assert done.returncode == 1 and done.stdout == ""
    assert "needs 128 file descriptors and may have 64" in done.stderr
    assert not a.socket.exists()


@pytest.mark.parametrize("limit", ["128:128", "64:128"])
def test_just_enough_files(agent, softhsm, limit):
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=[token.pin],
              wrapper=["prlimit", "--nofile=" + limit])
    assert sign(a)
    assert a.ctl("status").returncode == 0
