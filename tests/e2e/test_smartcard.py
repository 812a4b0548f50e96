# SPDX-License-Identifier: BSD-2-Clause
"""ssh-add -s, -e, -d, -D: what they bring and hide, and for whom."""
import os
import select
import shutil
import time

import pytest

from config import simple
from daemon import wait_until
from keys import public_line
from tokens import SoftHsm
from wire import (ADD_SMARTCARD_KEY, ADD_SMARTCARD_KEY_CONSTRAINED, FAILURE,
                  REMOVE_IDENTITY, REMOVE_ALL_IDENTITIES,
                  REMOVE_SMARTCARD_KEY, SUCCESS, frame, string)


@pytest.fixture
def token(softhsm):
    return softhsm("p256", "ed25519")


@pytest.fixture
def served(agent, token):
    return agent(simple(token, 1, 2), token, pins=[token.pin] * 5)


def test_by_real_path(served, token):
    done = served.ssh_add("-s", SoftHsm.path(), pin=token.pin)
    assert done.returncode == 0, done.stderr
    assert served.status()["tokens"][0]["login"] == "logged in"


def test_by_link(served, token, directory):
    link = directory / "link.so"
    link.symlink_to(SoftHsm.path())
    assert served.ssh_add("-s", link, pin=token.pin).returncode == 0


def test_twice(served, token):
    """The second brings a fresh scan; nothing is refused."""
    for _ in range(2):
        assert served.ssh_add("-s", SoftHsm.path(),
                              pin=token.pin).returncode == 0
    assert len(served.names()) == 2


def test_without_pin(served):
    with served.client() as c:
        assert c.add_smartcard(SoftHsm.path()) == SUCCESS
    assert served.askpass.calls() == 0


def test_other_module(served, token, directory):
    """The same bytes at another path are not what the config names."""
    other = directory / "libsofthsm2.so"
    shutil.copy(SoftHsm.path(), other)
    for path in (other, "/nonexistent.so", "/etc/passwd", directory, "",
                 "libc.so.6", "x" * 5000):
        with served.client() as c:
            assert c.add_smartcard(str(path), token.pin) == FAILURE
    assert served.status()["tokens"][0]["login"] == "wants a PIN"
    assert len(served.status()["providers"]) == 1


@pytest.mark.parametrize("words", [("-t", "60"), ("-c",), ("-c", "-t", "9")])
def test_constraints_are_refused(words, served, token):
    done = served.ssh_add(*words, "-s", SoftHsm.path(), pin=token.pin)
    assert done.returncode != 0
    assert served.status()["tokens"][0]["login"] == "wants a PIN"


def test_malformed_constraint(served):
    with served.client() as c:
        kind, _ = c.ask(ADD_SMARTCARD_KEY_CONSTRAINED,
                        string(SoftHsm.path()) + string("1234") + b"\x09")
        assert kind == FAILURE


@pytest.mark.parametrize("how", ["-e", "-D"])
def test_hidden_until_added_again(how, served, token):
    with served.client() as c:
        blob = c.blob("key1")
        assert c.sign(blob) is not None
        words = [how] + ([SoftHsm.path()] if how == "-e" else [])
        done = served.ssh_add(*words)
        assert done.returncode == 0, done.stderr
        assert c.names() == []
        assert c.sign(blob) is None
        wait_until(lambda: served.providers() == [],
                   what="the end of its process")
        assert served.ssh_add("-s", SoftHsm.path(),
                              pin=token.pin).returncode == 0
        assert c.names() == ["key1", "key2"]
        assert c.sign(blob) is not None
    assert served.askpass.calls() == 1


def test_hidden_until_restart(served, token):
    assert served.ssh_add("-D").returncode == 0
    assert served.names() == []
    served.stop()
    served.start()
    assert served.names() == ["key1", "key2"]


def test_one_identity_removed(served, directory):
    with served.client() as c:
        gone, stays = c.blob("key1"), c.blob("key2")
        public = directory / "gone.pub"
        public.write_text(public_line(gone) + "\n")
        done = served.ssh_add("-d", public)
        assert done.returncode == 0, done.stderr
        assert c.names() == ["key2"]
        assert c.sign(gone) is None
        assert c.sign(stays) is not None
        assert c.ask(REMOVE_IDENTITY, string(gone))[0] == FAILURE
        assert c.add_smartcard(SoftHsm.path()) == SUCCESS
        assert c.names() == ["key1", "key2"]


def test_next_key_does_not_take_a_hidden_place_elsewhere(agent, softhsm):
    """With one hidden, the next allowed key moves up."""
    token = softhsm("p256", "p384", "p521", "ed25519")
    a = agent(simple(token, 1, 2, 3, 4), token)
    with a.client() as c:
        assert c.names() == ["key1", "key2", "key3"]
        c.ask(REMOVE_IDENTITY, string(c.blob("key1")))
        assert c.names() == ["key2", "key3", "key4"]


BIND = string("host key") + string("session") + string("signature") + b"\1"


def test_nothing_of_this_on_a_bound_connection(served, token):
    """A forwarded agent's far end must not change what is exposed."""
    with served.client() as c:
        c.extension("session-bind@openssh.com", BIND)
        assert c.names() == ["key1", "key2"]
        path = SoftHsm.path()
        assert c.add_smartcard(path, token.pin) == FAILURE
        assert c.ask(REMOVE_SMARTCARD_KEY,
                     string(path) + string(""))[0] == FAILURE
        assert c.ask(REMOVE_ALL_IDENTITIES)[0] == FAILURE
        assert c.ask(REMOVE_IDENTITY, string(c.blob("key1")))[0] == FAILURE
        assert c.names() == ["key1", "key2"]
        # It may still sign.
        assert c.sign(c.blob("key1")) is not None
    assert served.names() == ["key1", "key2"]


def test_new_keys_show_after_a_fresh_scan(agent, softhsm):
    token = softhsm("p256")
    a = agent(simple(token, 1, 2), token)
    assert a.names() == ["key1"]
    # SoftHSM does not like to be read while another process writes.
    wait_until(lambda: a.status()["tokens"][0]["state"] == "ready",
               what="the token's process")
    token.tool("--keypairgen", "--key-type", "EC:secp384r1", "--id", "02",
               "--label", "new")
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode == 0
    assert a.names() == ["key1", "key2"]
    with a.client() as c:
        assert c.sign(c.blob("key2")) is not None


def test_provider_by_a_path_that_hangs(served, directory):
    """A FIFO, say: nobody else waits for it."""
    fifo = directory / "fifo.so"
    os.mkfifo(fifo)
    with served.client() as c:
        c.send(20, string(str(fifo)) + string(""))
        assert len(served.names()) == 2
        assert c.receive()[0] == FAILURE


def config_children(a):
    return [p for p, line in a.children().items()
            if "p11-agent-config" in line]


@pytest.mark.parametrize("each, n", [(False, 64), (True, 8)],
                         ids=["the same", "each another"])
def test_many_ask_for_paths(each, n, served):
    """Few processes at a time, and nobody else waits for them."""
    def request(i):
        return frame(ADD_SMARTCARD_KEY, string("/nonexistent%s" % (
            i if each else "")) + string(""))

    clients = [served.client() for _ in range(20)]
    seen = []
    try:
        for i, c in enumerate(clients):
            c.send_raw(b"".join(request(i * n + j) for j in range(n)))
        began = time.monotonic()
        assert len(served.names()) == 2
        assert time.monotonic() - began < 2
        # The agent's own have places of their own.
        assert served.ctl("reload").returncode == 0
        for c in clients:
            for _ in range(n):
                if not select.select([c.sock], [], [], 0)[0]:
                    seen.append(len(config_children(served)))
                assert c.receive()[0] == FAILURE
    finally:
        for c in clients:
            c.close()
    # Four, with those on their way out and the one of the reload.
    assert 1 <= max(seen) <= 12
