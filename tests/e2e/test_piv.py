# SPDX-License-Identifier: BSD-2-Clause
"""A virtual PIV card through OpenSC and a real pcscd."""
import os
import signal
import subprocess

import pytest

from config import key, provider
from daemon import wait_until
from keys import public_line, verify
from wire import FAILURE, RSA_SHA2_256, RSA_SHA2_512, SUCCESS

# 9a wants the PIN once, 9e never by the card's rules.
COMBINATIONS = [
    {"9a": "p256", "9e": "p384"},
    {"9a": "p384", "9e": "rsa2048"},
    {"9a": "rsa2048", "9e": "p256"},
]

CONFIG = key("auth", "id=%01") + key("card", "id=%04")


@pytest.fixture
def card(piv):
    return piv({"9a": "p256", "9e": "p384"})


def piv_agent(agent, card, pins=()):
    return agent(provider(card, "opensc") + CONFIG, card, pins=pins)


@pytest.mark.parametrize("kinds", COMBINATIONS,
                         ids=lambda k: "9a-%(9a)s-9e-%(9e)s" % k)
def test_login(kinds, agent, piv, sshd):
    card = piv(kinds)
    a = piv_agent(agent, card, [card.pin])
    with a.client() as c:
        assert c.names() == ["auth", "card"]
        for slot, name in (("9a", "auth"), ("9e", "card")):
            blob = c.blob(name)
            assert blob == card.blob(slot)
            flags = [RSA_SHA2_256, RSA_SHA2_512] if "rsa" in kinds[slot] \
                else [0]
            for flag in flags:
                assert verify(blob, c.sign(blob, b"data", flag), b"data")
    for slot in kinds:
        sshd.accept(public_line(card.blob(slot)))
        done = sshd.ssh(a.env)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "publickey " + public_line(
            card.blob(slot))
    assert a.askpass.calls() == 1
    assert card.stats()["verify_bad"] == 0
    assert card.tries() == 3


def test_wrong_pin_costs_one_try(agent, card):
    """The card counts; the right PIN then gives the tries back."""
    a = piv_agent(agent, card, ["999999", "!wait"])
    with a.client() as c:
        c.send_sign(c.blob("auth"))
        a.askpass.wait_for_calls(2)
        assert card.tries() == 2
        assert card.stats()["verify_bad"] == 1
        a.askpass.release(card.pin)
        assert c.receive_signature() is not None
    assert card.tries() == 3


def test_wrong_pin_with_many_waiting(agent, card):
    """50 signatures wait for one PIN: a wrong one costs one try."""
    a = piv_agent(agent, card, ["999999", "!cancel"])
    clients = [a.client() for _ in range(50)]
    blob = clients[0].blob("auth")
    for c in clients:
        c.send_sign(blob)
    for c in clients:
        assert c.receive_signature() is None
        c.close()
    assert card.tries() == 2
    assert card.stats()["verify_bad"] == 1
    assert a.askpass.calls() == 2


def test_same_wrong_pin_again_is_not_sent(agent, card):
    a = piv_agent(agent, card, ["999999", "999999", "999999", card.pin])
    with a.client() as c:
        assert c.sign(c.blob("auth")) is not None
    assert card.stats()["verify_bad"] == 1
    assert a.askpass.calls() == 4


def test_wrong_pin_by_ssh_add(agent, card):
    """Never sent again by itself: not by the next request, nor another."""
    a = piv_agent(agent, card)
    done = a.ssh_add("-s", card.module, pin="999999")
    assert done.returncode != 0
    assert (card.tries(), card.stats()["verify_bad"]) == (2, 1)
    with a.client() as c:
        for _ in range(3):
            assert c.sign(c.blob("auth")) is None
    assert (card.tries(), card.stats()["verify_bad"]) == (2, 1)
    done = a.ssh_add("-s", card.module, pin=card.pin)
    assert done.returncode == 0, done.stderr
    assert card.tries() == 3
    with a.client() as c:
        assert c.sign(c.blob("auth")) is not None


def test_last_try_is_a_person_s_who_was_told(agent, card):
    a = piv_agent(agent, card, ["999991", "999992", "!wait"])
    with a.client() as c:
        c.send_sign(c.blob("auth"))
        a.askpass.wait_for_calls(3)
        assert card.tries() == 1
        assert "LAST" in a.askpass.prompt(3)
        assert "LAST" not in a.askpass.prompt(1)
        with a.client() as other:
            assert other.add_smartcard(card.module, "999993") == FAILURE
        assert card.tries() == 1
        a.askpass.release(card.pin)
        assert c.receive_signature() is not None
    assert card.tries() == 3


def test_locked_card(agent, card):
    """Three typos lock it: its keys leave the list, the reason is told."""
    a = piv_agent(agent, card, ["999991", "999992", "999993", card.pin])
    with a.client() as c:
        blob = c.blob("auth")
        assert c.sign(blob) is None
        assert card.tries() == 0
        assert a.askpass.calls() == 3
        assert c.names() == []
        assert c.sign(blob) is None
        assert c.add_smartcard(card.module, card.pin) == FAILURE
    assert card.stats()["verify_bad"] == 3
    assert card.stats()["verify_ok"] == 0
    token, = a.status()["tokens"]
    assert token["pin"] == "locked"
    assert all("lock" in k["reason"].lower() for k in a.keys())


def test_locked_before_the_start(agent, card):
    """… by another program; no PIN is tried."""
    for n in range(3):
        subprocess.run(["pkcs11-tool", "-l", "--pin", "99999%d" % n, "-O"],
                       env=dict(os.environ, **card.env),
                       capture_output=True, timeout=30)
    assert card.tries() == 0
    a = piv_agent(agent, card, [card.pin])
    assert a.names() == []
    assert a.askpass.calls() == 0
    assert "lock" in a.keys()[0]["reason"].lower()


def test_pin_by_ssh_add(agent, card):
    a = piv_agent(agent, card)
    with a.client() as c:
        assert c.add_smartcard(card.module, card.pin) == SUCCESS
        assert c.sign(c.blob("auth")) is not None
    assert a.askpass.calls() == 0
    assert card.stats()["verify_ok"] >= 1


def test_slow_signature_blocks_no_list(agent, card):
    """A touch wait: lists and status go on."""
    a = piv_agent(agent, card, [card.pin])
    with a.client() as c:
        blob = c.blob("auth")
        assert c.sign(blob) is not None
        card.order("delay", "2")
        c.send_sign(blob)
        with a.client() as other:
            other.sock.settimeout(1)
            for _ in range(10):
                assert other.names() == ["auth", "card"]
        assert verify(blob, c.receive_signature(), b"some data")


def test_card_and_softhsm_together(agent, card, softhsm):
    """Two providers: a slow card does not delay the other token."""
    token = softhsm("ed25519")
    a = agent(provider(card, "opensc") + provider(token) +
              key("card", "model=PKCS%2315%20emulated;id=%01") +
              key("soft", "token=test"), card, token,
              pins=[card.pin, token.pin])
    with a.client() as c:
        assert c.names() == ["card", "soft"]
        slow, fast = c.blob("card"), c.blob("soft")
        assert c.sign(slow) is not None
        assert c.sign(fast) is not None
        card.order("delay", "3")
        c.send_sign(slow)
        with a.client() as other:
            other.sock.settimeout(1)
            for n in range(20):
                assert verify(fast, other.sign(fast, b"%d" % n), b"%d" % n)
        assert verify(slow, c.receive_signature(), b"some data")


def test_two_cards(agent, piv):
    """Two pcscds cannot be one client's; two agents, one card each."""
    cards = [piv({"9a": "p256"}), piv({"9a": "p384"})]
    agents = [piv_agent(agent, card, [card.pin]) for card in cards]
    for a, card in zip(agents, cards):
        with a.client() as c:
            assert c.sign(card.blob("9a")) is not None
        assert card.stats()["signatures"] == 1


def test_hangs_up_during_a_slow_signature(agent, card):
    """Its answer goes nowhere; the next client gets its own."""
    a = piv_agent(agent, card, [card.pin])
    with a.client() as c:
        blob = c.blob("auth")
        assert c.sign(blob) is not None
    card.order("delay", "1")
    for n in range(2):
        gone = a.client()
        gone.send_sign(blob, b"gone")
        gone.close()
    with a.client() as c:
        assert verify(blob, c.sign(blob, b"mine"), b"mine")
    assert a.askpass.calls() == 1


def test_killed_during_a_slow_signature(agent, card):
    """A fresh process makes it, inside the request; no try is lost."""
    a = piv_agent(agent, card, [card.pin, card.pin])
    with a.client() as c:
        blob = c.blob("auth")
        assert c.sign(blob) is not None
        card.order("delay", "3")
        c.send_sign(blob)
        signed = card.stats()["signatures"]
        pid, = a.providers()
        os.kill(pid, signal.SIGKILL)
        card.order("delay", "0")
        assert verify(blob, c.receive_signature(), b"some data")
        assert c.names() == ["auth", "card"]
    assert a.askpass.calls() == 2
    assert card.stats()["signatures"] > signed
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_a_card_that_was_programmed_elsewhere(agent, piv, directory):
    """OpenSC's file cache, where it is on, shows what the card once had."""
    conf = directory / "opensc.conf"
    conf.write_text("app default {\n\tframework pkcs15 {\n"
                    "\t\tuse_file_caching = yes;\n\t}\n}\n")
    card = piv({"9a": "p256"})
    a = agent(provider(card, "opensc") + CONFIG, card, pins=[card.pin] * 3,
              env={**card.env, "OPENSC_CONF": str(conf)})

    def blob():
        with a.client() as c:
            return c.blob("auth") if "auth" in c.names() else None

    assert blob() == card.blob("9a")
    card.order("remove")
    wait_until(lambda: a.names() == [])
    card.order("remake", "9a", "p256")
    card.order("insert")
    wait_until(lambda: blob() == card.blob("9a"))
    # With the card in, a person says when to look again.
    card.order("remake", "9a", "p384")
    assert a.ctl("reload").returncode == 0
    wait_until(lambda: blob() == card.blob("9a"))
    with a.client() as c:
        assert verify(blob(), c.sign(blob(), b"data"), b"data")
