# SPDX-License-Identifier: BSD-2-Clause
"""PINs: who is asked, how often, and where a PIN may never be seen."""
import os

import pytest

from config import key, provider, simple
from keys import verify
from wire import FAILURE, SUCCESS


@pytest.fixture
def token(softhsm):
    return softhsm("p256", "ed25519")


def signs(a, name="key1"):
    with a.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob)
        return signature is not None and verify(blob, signature, b"some data")


def test_asked_once(agent, token):
    a = agent(simple(token, 1, 2), token, pins=[token.pin])
    assert signs(a, "key1") and signs(a, "key2") and signs(a, "key1")
    assert a.askpass.calls() == 1


def test_listing_never_asks(agent, token):
    a = agent(simple(token, 1, 2), token)
    for _ in range(5):
        a.names()
        a.status()
        a.keys()
    assert a.askpass.calls() == 0


def test_prompt_names_token(agent, token):
    a = agent(simple(token, 1), token, pins=[token.pin])
    assert signs(a)
    assert "test" in a.askpass.prompt(1)


def test_waiting_requests_share_one_prompt(agent, token):
    a = agent(simple(token, 1, 2), token, pins=["!wait"])
    clients = [a.client() for _ in range(50)]
    blobs = [clients[0].blob("key1"), clients[0].blob("key2")]
    for n, c in enumerate(clients):
        c.send_sign(blobs[n % 2])
    a.askpass.wait_for_calls(1)
    # The loop goes on meanwhile.
    assert len(a.names()) == 2
    a.askpass.release(token.pin)
    for n, c in enumerate(clients):
        assert verify(blobs[n % 2], c.receive_signature(), b"some data")
        c.close()
    assert a.askpass.calls() == 1


def test_typo_is_asked_again_in_the_same_request(agent, token):
    a = agent(simple(token, 1), token, pins=["9999", token.pin])
    assert signs(a)
    assert a.askpass.calls() == 2
    assert "wrong" in a.askpass.prompt(2).lower()


def test_refused_pin_is_not_sent_again(agent, token):
    """The same wrong PIN typed twice costs one try, and a word."""
    a = agent(simple(token, 1), token, pins=["9999", "9999", token.pin])
    assert signs(a)
    assert a.askpass.calls() == 3
    assert a.log().count("wrong PIN") == 1


def test_cancel_fails_and_pauses(agent, token):
    a = agent(simple(token, 1), token, pins=["!cancel", token.pin])
    assert not signs(a)
    assert not signs(a)
    assert a.askpass.calls() == 1, "asked again less than a minute later"


def test_cancel_after_a_typo(agent, token):
    a = agent(simple(token, 1), token, pins=["9999", "!cancel", token.pin])
    assert not signs(a)
    assert a.askpass.calls() == 2


def test_ssh_add_ends_the_pause(agent, token):
    a = agent(simple(token, 1), token, pins=["!cancel"])
    assert not signs(a)
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode == 0
    assert signs(a)
    assert a.askpass.calls() == 1


def test_no_askpass_says_so(agent, token):
    a = agent(simple(token, 1), token,
              env={"SSH_ASKPASS": "/nonexistent/askpass"})
    assert not signs(a)
    assert "SSH_ASKPASS" in a.log()


def test_askpass_of_the_client_is_used(agent, token, directory):
    """The prompt appears where the asking program's person sits."""
    from daemon import Askpass
    theirs = Askpass(directory / "theirs", [token.pin])
    a = agent(simple(token, 1), token, pins=["!cancel"])
    with a.client() as c:
        from keys import public_line
        public = directory / "k.pub"
        public.write_text(public_line(c.blob("key1")) + "\n")
    done = a.run("ssh-add", "-T", public, env=theirs.env)
    assert done.returncode == 0, done.stderr
    assert (theirs.calls(), a.askpass.calls()) == (1, 0)


def test_pin_by_ssh_add(agent, token):
    a = agent(simple(token, 1), token)
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode == 0
    assert signs(a)
    assert a.askpass.calls() == 0


def test_wrong_pin_by_ssh_add_is_sent_once(agent, token):
    """It answers FAILURE, and later requests do not bring it back."""
    a = agent(simple(token, 1), token, pins=[])
    with a.client() as c:
        assert c.add_smartcard(token.module, "9999") == FAILURE
        assert a.log().count("wrong PIN") == 1
        assert c.sign(c.blob("key1")) is None
        # The same one again: it is not even sent.
        assert c.add_smartcard(token.module, "9999") == FAILURE
        assert a.log().count("wrong PIN") == 1
        assert c.add_smartcard(token.module, token.pin) == SUCCESS


def test_ssh_add_does_not_spend_what_may_be_the_last_try(agent, token):
    a = agent(simple(token, 1), token, pins=[token.pin])
    with a.client() as c:
        assert c.add_smartcard(token.module, "9991") == FAILURE
        assert c.add_smartcard(token.module, "9992") == FAILURE
        assert a.log().count("wrong PIN") == 2
        assert c.add_smartcard(token.module, "9993") == FAILURE
        assert a.log().count("wrong PIN") == 2
        assert "last try" in a.log()
        # A person who was told may.
        assert c.sign(c.blob("key1")) is not None
    assert "LAST" in a.askpass.prompt(1)


def test_pin_for_one_of_two_tokens_is_not_tried(agent, softhsm):
    """Nothing says whose PIN it is."""
    token = softhsm("p256", label="one")
    token.take_in(softhsm("ed25519", label="two"))
    a = agent(provider(token) + key("k1", "token=one") +
              key("k2", "token=two"), token)
    with a.client() as c:
        assert sorted(c.names()) == ["k1", "k2"]
        assert c.add_smartcard(token.module, token.pin) == FAILURE
    assert "wrong PIN" not in a.log()
    assert [t["login"] for t in a.status()["tokens"]] == ["wants a PIN"] * 2


@pytest.mark.parametrize("pin", ["1", "12345678901234567890" * 20, "x" * 600])
def test_impossible_pin_costs_no_try(pin, agent, token):
    a = agent(simple(token, 1), token, pins=[pin, token.pin])
    with a.client() as c:
        assert c.add_smartcard(token.module, pin) == FAILURE
    assert "wrong PIN" not in a.log()
    signs(a)
    assert "wrong PIN" not in a.log()


def everything_visible(pid):
    """A process's argv and environment."""
    data = b""
    for name in ("cmdline", "environ"):
        try:
            with open("/proc/%d/%s" % (pid, name), "rb") as f:
                data += f.read()
        except OSError:
            pass
    return data


def test_pin_is_in_no_log_argv_or_environment(agent, softhsm, directory):
    secret = "PinOf4711"
    token = softhsm("p256")
    token.tool("--change-pin", "--new-pin", secret)
    a = agent(simple(token, 1), token, pins=["WrongOf0815", "!wait"])
    seen = b""
    with a.client() as c:
        c.send_sign(c.blob("key1"))
        a.askpass.wait_for_calls(2)
        for pid in [a.process.pid, *a.children()]:
            seen += everything_visible(pid)
        a.askpass.release(secret)
        assert c.receive_signature() is not None
    assert a.ssh_add("-s", token.module, pin=secret).returncode == 0
    for pid in [a.process.pid, *a.children()]:
        seen += everything_visible(pid)
    seen += a.log().encode()
    seen += a.ctl("status", "--json").stdout.encode()
    for path in (a.askpass.dir / "call.1", a.askpass.dir / "call.2"):
        for name in os.listdir(path):
            seen += (path / name).read_bytes()
    assert seen
    assert secret.encode() not in seen
    assert b"WrongOf0815" not in seen
