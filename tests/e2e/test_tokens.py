# SPDX-License-Identifier: BSD-2-Clause
"""Several tokens and providers; processes that die or hang."""
import os
import signal
import time

import pytest

from config import key, provider, simple
from daemon import alive, wait_until
from keys import verify


@pytest.fixture
def two(softhsm):
    """One module with two tokens."""
    token = softhsm("p256", label="one")
    token.take_in(softhsm("ed25519", label="two"))
    return token


CONFIG = key("k1", "token=one") + key("k2", "token=two")


def log_in(a, *names):
    with a.client() as c:
        for name in names:
            assert c.sign(c.blob(name)) is not None


def test_two_tokens_at_once(agent, two, sshd):
    a = agent(provider(two) + CONFIG, two, pins=[two.pin, two.pin])
    log_in(a, "k1", "k2")
    assert a.askpass.calls() == 2, "a PIN belongs to one token"
    assert a.token_pid("one") != a.token_pid("two")
    with a.client() as c:
        one, two_ = c.blob("k1"), c.blob("k2")
        for n in range(50):
            c.send_sign(one, b"%d" % n)
            c.send_sign(two_, b"%d" % n)
        for n in range(50):
            assert verify(one, c.receive_signature(), b"%d" % n)
            assert verify(two_, c.receive_signature(), b"%d" % n)


def test_two_tokens_of_the_same_label(agent, softhsm):
    """Told apart by their serials, which a section may name."""
    token = softhsm("p256")
    token.take_in(softhsm("ed25519", "p384"))
    probe = agent(provider(token), token)
    assert len(probe.keys()) == 3
    serials = {t["keys"]: t["serial"] for t in probe.status()["tokens"]}
    assert len(set(serials.values())) == 2
    a = agent(provider(token) + key("one", "serial=" + serials[1]) +
              key("two", "serial=%s;id=%%01" % serials[2]), token,
              pins=[token.pin, token.pin])
    assert a.names() == ["one", "two"]
    log_in(a, "one", "two")


def test_two_tokens_alike_in_all(agent, layered, softhsm):
    """Key rings that say the same of themselves: the keys of both serve, and
    each has its own login. A PIN that one refused is not sent to the other."""
    token = layered("p256", label="one")
    token.below.take_in(softhsm("ed25519", label="two"))
    alike = "label=ring serial=7 model=m manufacturer=x reader=r"
    token.script("token one slot=11 " + alike, "token two slot=12 " + alike)
    config = 'provider "p" { module = "%s" env = { %s } }\n' % (
        token.module, ", ".join('"%s=%s"' % pair
                                for pair in token.env.items()))
    probe = agent(config)
    prints = {k["type"]: k["fingerprint"] for k in probe.keys()}
    assert set(prints) == {"ecdsa-sha2-nistp256", "ssh-ed25519"}
    a = agent(config + "".join(
        'key "%s" { fingerprint = "%s" }\n' % pair for pair in prints.items()),
        pins=["9999", "9999", token.pin, token.pin])
    assert sorted(a.names()) == sorted(prints)
    names = {t["name"] for t in a.status()["tokens"]}
    assert len(names) == 2
    for name in names:
        assert name.startswith("ring (serial 7, in r, by p, slot ")
    with a.client() as c:
        first, second = (c.blob(name) for name in prints)
        c.send_sign(first, b"data")
        # "9999" twice: the second time it is not sent.
        assert verify(first, c.receive_signature(), b"data")
        assert token.pins() == ["9999", token.pin]
        assert verify(second, c.sign(second, b"data"), b"data")
    assert token.pins() == ["9999", token.pin, token.pin]
    pids = {t["pid"] for t in a.status()["tokens"]}
    assert len(pids) == 2 and None not in pids
    # After another scan as well, whoever comes first in it.
    token.script("token two slot=12 " + alike, "token one slot=11 " + alike)
    assert a.ctl("reload").returncode == 0
    assert sorted(a.names()) == sorted(prints)
    assert len(a.status()["tokens"]) == 2


def test_provider_that_fails_beside_a_good_one(agent, softhsm):
    token = softhsm("p256")
    config = (provider(token) + 'provider "broken" '
              '{ module = "no-such-module.so" }\n' + key("k", "token=test"))
    a = agent(config, token, pins=[token.pin])
    log_in(a, "k")
    states = {p["name"]: p for p in a.status()["providers"]}
    assert states["softhsm"]["state"] == "ready"
    assert states["broken"]["state"] == "failed"
    assert "no-such-module.so" in states["broken"]["error"]


def test_uninitialised_tokens_are_skipped(agent, softhsm):
    """SoftHSM always has one more slot, with an empty token."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token)
    assert [t["label"] for t in a.status()["tokens"]] == ["test"]


def test_killed_provider(agent, two):
    """The other token's clients notice nothing; it heals by itself."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 3)
    log_in(a, "k1", "k2")
    one, other = a.token_pid("one"), a.token_pid("two")
    with a.client() as c:
        blob = c.blob("k2")
        os.kill(one, signal.SIGKILL)
        for n in range(20):
            assert verify(blob, c.sign(blob, b"%d" % n), b"%d" % n)
            assert c.names() == ["k1", "k2"]
        wait_until(lambda: not alive(one), what="the end of the process")
        assert a.askpass.calls() == 2
        # The login went with the process: the person is asked again.
        assert c.sign(c.blob("k1")) is not None
    assert a.askpass.calls() == 3
    assert a.token_pid("one") not in (0, one)
    assert a.token_pid("two") == other


def test_killed_while_signatures_wait(agent, two):
    """Every request gets an answer, and no signature is wrong."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 9)
    log_in(a, "k1")
    pid = a.token_pid("one")
    with a.client() as c:
        blob = c.blob("k1")
        for n in range(50):
            c.send_sign(blob, b"%d" % n)
        os.kill(pid, signal.SIGKILL)
        answers = [c.receive_signature() for _ in range(50)]
    for n, signature in enumerate(answers):
        assert signature is None or verify(blob, signature, b"%d" % n)
    log_in(a, "k1")


def test_killed_before_its_first_request(agent, two):
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 3)
    assert a.names() == ["k1", "k2"]
    # The list is there with the tokens; their processes start behind the scan.
    killed = wait_until(a.providers)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not {t["pid"] for t in a.status()["tokens"]}.
               intersection(killed), what="the reports of their end")
    assert a.names() == ["k1", "k2"]
    log_in(a, "k1", "k2")


def test_killed_while_the_prompt_is_open(agent, two):
    a = agent(provider(two) + CONFIG, two, pins=["!wait", two.pin])
    with a.client() as c:
        c.send_sign(c.blob("k1"))
        a.askpass.wait_for_calls(1)
        for pid in a.providers():
            os.kill(pid, signal.SIGKILL)
        a.askpass.release(two.pin)
        answer = c.receive_signature()
        assert answer is None or verify(c.blob("k1"), answer, b"some data")
        assert c.sign(c.blob("k1")) is not None


def test_hung_module_blocks_nobody_else(agent, two):
    """A stopped process: its client waits, lists and others do not."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 2)
    log_in(a, "k1", "k2")
    pid = a.token_pid("one")
    os.kill(pid, signal.SIGSTOP)
    try:
        with a.client() as waits, a.client() as c:
            one, two_ = c.blob("k1"), c.blob("k2")
            waits.send_sign(one)
            begin = time.monotonic()
            for n in range(20):
                assert c.names() == ["k1", "k2"]
                assert verify(two_, c.sign(two_, b"%d" % n), b"%d" % n)
            assert time.monotonic() - begin < 5
            os.kill(pid, signal.SIGCONT)
            assert verify(one, waits.receive_signature(), b"some data")
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)


def test_ends_while_a_process_hangs(agent, two):
    """SIGTERM does not wait for a module (checked by the fixture)."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin])
    log_in(a, "k1")
    os.kill(a.token_pid("one"), signal.SIGSTOP)
    begin = time.monotonic()
    assert a.stop() == 0
    assert time.monotonic() - begin < 5


@pytest.mark.release
def test_killed_daemon_leaves_no_process(agent, two):
    """kill -9: the providers end with it."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin])
    log_in(a, "k1")
    left = a.children()
    assert left
    a.process.kill()
    a.process.wait()
    wait_until(lambda: not [p for p in left if alive(p)],
               what="the end of %s" % left)
    # The stale socket is taken over.
    a.start()
    assert a.names() == ["k1", "k2"]


def test_every_process_is_of_its_own_group(agent, two):
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 2)
    log_in(a, "k1", "k2")
    one, other = a.token_pid("one"), a.token_pid("two")
    groups = {os.getpgid(p) for p in (a.process.pid, one, other)}
    assert len(groups) == 3


def test_children_hold_no_foreign_file(agent, two):
    """Standard files and the wire; no socket of a client, no other wire."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 2)
    log_in(a, "k1", "k2")
    with a.client() as c:
        c.names()
        for pid in a.providers():
            sockets = []
            for fd in os.listdir("/proc/%d/fd" % pid):
                target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
                if target.startswith("socket:"):
                    sockets.append(int(fd))
            assert sockets == [3]


@pytest.mark.long
def test_killed_again_and_again(agent, two):
    """30 s of kill -9: every request is answered, no signature is wrong."""
    a = agent(provider(two) + CONFIG, two, pins=[two.pin] * 2000)
    good = 0
    end = time.monotonic() + 30
    with a.client() as c:
        blobs = [c.blob("k1"), c.blob("k2")]
        while time.monotonic() < end:
            for n in range(30):
                c.send_sign(blobs[n % 2], b"%d" % n)
            for pid in a.providers()[:1]:
                os.kill(pid, signal.SIGKILL)
            for n in range(30):
                signature = c.receive_signature()
                if signature is not None:
                    assert verify(blobs[n % 2], signature, b"%d" % n)
                    good += 1
            assert c.names() == ["k1", "k2"]
    assert good > 0
    log_in(a, "k1", "k2")
