# SPDX-License-Identifier: BSD-2-Clause
"""Letting go of a card for other programs: `release`, and p11-agentctl's."""
import time

import pytest

from config import key, provider
from daemon import wait_until
from keys import verify
from pcscd import Holder

READER = "Yubico YubiKey CCID 00 00"
SHARING_VIOLATION = 0x8010000B
# 9A wants a PIN, 9E does not.
CONFIG = ('start-wait = "30s"\n' + key("auth", "id=%01")
          + key("card", "id=%04"))


@pytest.fixture
def card(piv):
    return piv({"9a": "p256", "9e": "p384"})


@pytest.fixture
def holder(card):
    """holder(): another program asks for the card; did it get it?"""
    made = []

    def make():
        made.append(Holder(card.env, READER))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.release()


def served(agent, card, settings="", module="opensc-pkcs11.so"):
    card.module = module
    section = 'token "t" { uri = "pkcs11:" %s }\n' % settings
    a = agent(CONFIG + provider(card, "card") + section, card,
              pins=[card.pin] * 5)
    assert a.names() == ["auth", "card"]
    return a


def signs(a, name):
    with a.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob, b"data")
        return signature is not None and verify(blob, signature, b"data")


def released(a, seconds=5):
    wait_until(lambda: not a.providers(), seconds, "the end of its process")


def test_idle_card_is_released(agent, card, holder):
    """After its time another program may have it; the keys stay listed.

    The next signature takes it again; with a kept PIN nobody is asked.
    """
    a = served(agent, card, 'release = "1s" keep-pin = "session"')
    assert a.providers() == []      # none is started in advance
    assert signs(a, "auth")
    begin = time.monotonic()
    assert holder().result == SHARING_VIOLATION
    released(a)
    assert time.monotonic() - begin < 3
    other = holder()
    assert other.result == 0
    assert a.names() == ["auth", "card"]
    other.release()
    assert signs(a, "auth")
    assert a.askpass.calls() == 1
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


@pytest.mark.long
def test_use_is_not_idle(agent, card):
    """Neither a slow signature nor an open prompt ends its process."""
    a = served(agent, card, 'release = "1s"')
    card.order("delay", "2")
    assert signs(a, "card")
    assert "let go" not in a.log()
    card.order("delay", "0")
    a.askpass.answer_with("!wait")
    with a.client() as c:
        c.send_sign(c.blob("auth"))
        a.askpass.wait_for_calls(1)
        pid, = a.providers()
        time.sleep(1.5)     # longer than its time
        assert a.providers() == [pid]
        a.askpass.release(card.pin)
        assert c.receive_signature() is not None


def test_release_now(agent, card, holder):
    """p11-agentctl returns when another program may have the card."""
    a = served(agent, card, 'keep-pin = "session"')
    label = a.status()["tokens"][0]["label"]
    assert signs(a, "auth")
    done = a.ctl("release")
    assert done.returncode == 0 and ": released" in done.stdout, done
    other = holder()
    assert other.result == 0
    done = a.ctl("release", label)
    assert done.returncode == 0 and "nothing to release" in done.stdout
    assert a.ctl("release", "nobody").returncode == 1
    other.release()
    assert signs(a, "auth")         # the PIN was kept
    assert a.askpass.calls() == 1
    # The signature under way comes, then the card is free.
    card.order("delay", "1.5")
    with a.client() as c:
        c.send_sign(c.blob("card"))
        wait_until(lambda: "in use" in a.ctl("release", label).stdout,
                   what="a signature under way")
        assert c.receive_signature() is not None
    released(a)
    assert holder().result == 0
