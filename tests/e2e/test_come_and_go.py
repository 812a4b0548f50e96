# SPDX-License-Identifier: BSD-2-Clause
"""Cards that leave and come back, with nobody doing anything about it."""
import os
import random
import signal
import time

import pytest

from config import key, provider
from daemon import wait_until
from keys import verify

CONFIG = key("auth", "id=%01") + key("card", "id=%04")


@pytest.fixture
def card(piv):
    return piv({"9a": "p256", "9e": "p384"})


def served(agent, card, settings="", pins=5):
    section = 'token "t" { uri = "pkcs11:" %s }\n' % settings
    a = agent(provider(card, "opensc") + section + CONFIG, card,
              pins=[card.pin] * pins)
    assert a.names() == ["auth", "card"]
    return a


def gone(a, seconds=3):
    begin = time.monotonic()
    wait_until(lambda: a.names() == [], seconds, "an empty list")
    return time.monotonic() - begin


def back(a, seconds=10):
    begin = time.monotonic()
    wait_until(lambda: a.names() == ["auth", "card"], seconds, "the keys")
    return time.monotonic() - begin


def signs(a, name):
    with a.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob, b"data")
        return signature is not None and verify(blob, signature, b"data")


def test_out_and_in(agent, card):
    """Identities leave and come back; the key that needs no PIN just signs."""
    a = served(agent, card)
    assert signs(a, "card")
    for _ in range(3):
        card.order("remove")
        gone(a)
        card.order("insert")
        back(a)
        assert signs(a, "card")
    assert a.askpass.calls() == 0


def test_pin_is_asked_again(agent, card):
    a = served(agent, card)
    assert signs(a, "auth")
    card.order("remove")
    gone(a)
    card.order("insert")
    back(a)
    assert signs(a, "auth")
    assert a.askpass.calls() == 2
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_kept_pin_makes_it_invisible(agent, card):
    a = served(agent, card, 'keep-pin = "session"')
    assert signs(a, "auth")
    for _ in range(2):
        card.order("remove")
        gone(a)
        card.order("insert")
        back(a)
        assert signs(a, "auth")
    assert a.askpass.calls() == 1


def test_out_during_a_signature(agent, card):
    """FAILURE within 2 s, and the list is empty at once."""
    a = served(agent, card)
    with a.client() as c:
        blob = c.blob("card")
        card.order("delay", "10")
        c.send_sign(blob)
        wait_until(lambda: a.providers(), what="its process")
        time.sleep(0.3)         # into the card's own wait
        card.order("remove")
        begin = time.monotonic()
        gone(a)
        assert c.receive_signature() is None
        assert time.monotonic() - begin < 3
    card.order("delay", "0")
    card.order("insert")
    back(a)
    assert signs(a, "card")


def test_out_while_a_prompt_is_open(agent, card):
    """The prompt goes with the card, and no PIN is sent."""
    a = served(agent, card)
    a.askpass.answer_with("!wait", card.pin)
    with a.client() as c:
        c.send_sign(c.blob("auth"))
        a.askpass.wait_for_calls(1)
        card.order("remove")
        assert c.receive_signature() is None
    card.order("insert")
    back(a)
    assert signs(a, "auth")
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_reset_by_another_program(agent, card):
    a = served(agent, card, 'keep-pin = "session"')
    assert signs(a, "auth")
    card.order("reset")
    assert signs(a, "auth")
    assert a.askpass.calls() == 1


def test_failures_of_the_card(agent, card):
    """One is invisible; after more of them the next request works."""
    a = served(agent, card)
    card.order("fail-sign", "6F00", "2")
    assert signs(a, "card")


def test_random_moments(agent, card):
    """Each request ends; no signature is wrong; in the end all works."""
    seed = int(os.environ.get("P11_AGENT_SEED", time.time_ns() % 100000))
    print("seed %d" % seed)
    dice = random.Random(seed)
    rounds = 100 if "P11_AGENT_LONG" in os.environ else 8
    a = served(agent, card, 'keep-pin = "session"')
    for _ in range(rounds):
        with a.client() as c:
            names = c.names()
            if names:
                blob = c.blob(dice.choice(names))
                c.send_sign(blob, b"data")
                time.sleep(dice.random() * 0.3)
                card.order("remove")
                signature = c.receive_signature()
                assert signature is None or verify(blob, signature, b"data")
        card.order("insert")
        back(a)
    assert signs(a, "card") and signs(a, "auth")
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_readers_program_killed(agent, card):
    """It is started again, and sees what comes then."""
    a = served(agent, card)
    for pid, line in a.children().items():
        if "p11-agent-readers" in line:
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: any("p11-agent-readers" in line
                           for line in a.children().values()),
               what="another one")
    card.order("remove")
    gone(a, 10)
    card.order("insert")
    back(a)
