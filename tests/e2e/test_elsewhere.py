# SPDX-License-Identifier: BSD-2-Clause
"""Tokens that come and go where PC/SC is not: each module is watched."""
import os
import shutil

import pytest

from config import key, provider, simple
from daemon import BUILD, program, wait_until
from tokens import Remote, Tpm


@pytest.fixture
def remote(directory, softhsm):
    """A SoftHSM token behind a p11-kit server."""
    token = Remote(directory / "remote", softhsm("p256"))
    yield token
    token.remove()


@pytest.fixture
def tpm(directory):
    token = Tpm(directory / "tpm", "ecc256")
    yield token
    token.stop()


def watchers(a):
    """The processes that watch modules, and those that look for them."""
    return [pid for pid, line in a.children().items()
            if line.endswith("p11-agent-provider watch")]


def signs(a):
    """OpenSSH's own client lists one key, and checks a signature by it."""
    listed = a.ssh_add("-L")
    assert len(listed.stdout.splitlines()) == 1, listed
    public = a.dir / "listed.pub"
    public.write_text(listed.stdout)
    done = a.ssh_add("-T", public)
    assert done.returncode == 0, done.stderr
    return True


def refused(a, blob):
    with a.client() as c:
        return c.sign(blob, b"data") is None


def leaves_and_comes_back(a, remove, insert):
    """Not removable: noticed when it fails, and then watched for."""
    assert signs(a)
    assert watchers(a) == []
    names = a.names()
    with a.client() as c:
        blob = c.blob(names[0])
    remove()
    assert refused(a, blob)
    wait_until(lambda: a.names() == [], 30, "an empty list")
    wait_until(lambda: watchers(a), 30, "a watcher")
    insert()
    wait_until(lambda: a.names() == names, 30, "the key")
    assert signs(a)
    wait_until(lambda: watchers(a) == [], 30, "the watcher's end")


def test_softhsm(agent, softhsm):
    token = softhsm("p256")
    tokens, away = token.dir / "tokens", token.dir / "away"
    a = agent(simple(token, 1), token, pins=[token.pin] * 3)

    def remove():
        tokens.rename(away)
        tokens.mkdir()

    def insert():
        tokens.rmdir()
        away.rename(tokens)

    leaves_and_comes_back(a, remove, insert)
    leaves_and_comes_back(a, remove, insert)


def test_removable(agent, layered):
    """Noticed without a request, as it could be pulled out."""
    token = layered("p256")
    token.script("token test slot-set=6")
    a = agent(simple(token, 1), token, pins=[token.pin] * 2)
    assert signs(a)
    wait_until(lambda: watchers(a), what="a watcher")
    token.script("token test slot-set=6 absent=1")
    wait_until(lambda: a.names() == [], what="an empty list")
    token.script("token test slot-set=6")
    wait_until(lambda: a.names() == ["key1"], what="the key")
    assert signs(a)


@pytest.fixture
def no_readers(directory):
    """Words in front of a daemon whose p11-agent-readers knows no PC/SC."""
    programs = directory / "bin"
    programs.mkdir()
    for name in os.listdir(BUILD):
        if name.startswith("p11-agent-"):
            (programs / name).symlink_to(program(name))
    (programs / "p11-agent-readers").unlink()
    (programs / "p11-agent-readers").symlink_to(
        program("tests/pkcs11/p11-agent-readers-none"))
    shutil.copy(program("p11-agent"), programs)
    return ["sh", "-c", 'shift; exec "$0" "$@"', str(programs / "p11-agent")]


def test_opensc_without_pcsc(agent, piv, no_readers):
    """Its own C_WaitForSlotEvent has to do."""
    card = piv({"9a": "p256"})
    a = agent(provider(card) + key("k", "id=%01"), card, wrapper=no_readers,
              pins=[card.pin] * 2)
    assert signs(a)
    wait_until(lambda: watchers(a), what="a watcher")
    card.order("remove")
    wait_until(lambda: a.names() == [], what="an empty list")
    card.order("insert")
    wait_until(lambda: a.names() == ["k"], what="the key")
    assert signs(a)


def test_p11_kit_server(agent, remote):
    a = agent(simple(remote, 1), remote, pins=[remote.pin] * 2)
    leaves_and_comes_back(a, remote.remove, remote.insert)


@pytest.mark.long
def test_tpm(agent, tpm):
    a = agent(provider(tpm, "tpm") + key("k", "token=test"), tpm,
              pins=[tpm.pin] * 2)
    leaves_and_comes_back(a, tpm.remove, tpm.insert)


@pytest.mark.usefixtures("pcsc")
def test_no_watcher_for_pcsc(agent, piv):
    """p11-agent-readers sees what comes and goes there, also when it is out."""
    card = piv({"9a": "p256"})
    a = agent(provider(card) + key("k", "id=%01"), card, pins=[card.pin])
    assert signs(a)
    assert watchers(a) == []
    card.order("remove")
    wait_until(lambda: a.names() == [], what="an empty list")
    assert watchers(a) == []
    a.ctl("reload")
    assert a.names() == []
    assert watchers(a) == []


def switches(pid):
    """How often it has gone to sleep, all threads together."""
    count = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, thread)) as f:
            count += sum(int(line.split()[1]) for line in f
                         if line.startswith("voluntary_ctxt_switches"))
    return count


def test_idle_daemon_sleeps_on(agent, softhsm):
    """A watcher looks again and again; only it wakes up."""
    token = softhsm("p256")
    a = agent(simple(token, 1) + key("away", "token=away"), token)
    assert a.names() == ["key1"]
    watcher = min(wait_until(lambda: watchers(a), what="a watcher"))

    def slept():
        before, looks = switches(a.process.pid), switches(watcher)
        wait_until(lambda: switches(watcher) >= looks + 6, 30, "looks")
        return switches(a.process.pid) == before

    wait_until(slept, 60, "a daemon that sleeps")
