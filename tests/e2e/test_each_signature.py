# SPDX-License-Identifier: BSD-2-Clause
"""PIV 9C: a key that wants its PIN for each signature."""
import pytest

from config import key, provider
from keys import public_line, verify
from wire import RSA_SHA2_256


@pytest.fixture
def card(piv):
    return piv({"9a": "p256", "9c": "p256"})


@pytest.fixture(params=["opensc-pkcs11.so", "libykcs11.so"])
def any_card(request, piv):
    """By each module that knows a PIV card."""
    made = piv({"9a": "p256", "9c": "p256"})
    made.module = request.param
    return made


def card_agent(agent, card, pins, settings=""):
    section = 'token "card" { uri = "pkcs11:" %s }\n' % settings
    return agent(provider(card, "card") + key("auth", "id=%01") +
                 key("sign", "id=%02") + section, card, pins=pins)


def signs(c, card, slot="9c"):
    """A real signature, or None."""
    signature = c.sign(card.blob(slot), flags=RSA_SHA2_256)
    assert signature is None or verify(card.blob(slot), signature,
                                       b"some data")
    return signature


def test_kept_pin_serves_all(agent, any_card):
    card = any_card
    a = card_agent(agent, card, [card.pin], 'keep-pin = "session"')
    with a.client() as c:
        for _ in range(5):
            assert signs(c, card)
        assert signs(c, card, "9a") and signs(c, card)
    assert a.askpass.calls() == 1
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_one_prompt_a_signature(agent, any_card):
    """Also for the first, which has to log in before."""
    card = any_card
    a = card_agent(agent, card, [card.pin] * 9)
    with a.client() as c:
        for n in range(5):
            assert signs(c, card)
            assert a.askpass.calls() == n + 1
        # The login itself holds.
        assert signs(c, card, "9a")
    assert a.askpass.calls() == 5
    assert "for each signature" in a.askpass.prompt(2)
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


@pytest.mark.parametrize("before", [False, True],
                         ids=["at the login", "later"])
def test_wrong_then_right(before, agent, any_card):
    """One try, whichever login it is for; never the same one again."""
    card = any_card
    right = [card.pin] if before else []
    a = card_agent(agent, card, right + ["999999", "999999", "!wait"])
    with a.client() as c:
        if before:
            assert signs(c, card)
        c.send_sign(card.blob("9c"), flags=RSA_SHA2_256)
        a.askpass.wait_for_calls(len(right) + 3)
        assert (card.tries(), card.stats()["verify_bad"]) == (2, 1)
        assert "wrong" in a.askpass.prompt(len(right) + 2)
        assert "refused before" in a.askpass.prompt(len(right) + 3)
        a.askpass.release(card.pin)
        assert c.receive_signature() is not None
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 1)


def test_kept_pin_that_was_changed(agent, card):
    """Sent once; then a person is asked."""
    a = card_agent(agent, card, [card.pin, "!wait"], 'keep-pin = "session"')
    with a.client() as c:
        assert signs(c, card)
        card.change_pin("654321")
        bad = card.stats()["verify_bad"]
        c.send_sign(card.blob("9c"))
        a.askpass.wait_for_calls(2)
        assert card.stats()["verify_bad"] == bad + 1
        a.askpass.release("654321")
        assert c.receive_signature() is not None
        assert signs(c, card)
    assert a.askpass.calls() == 2
    assert (card.tries(), card.stats()["verify_bad"]) == (3, bad + 1)


def wait_for_one_prompt(a, card, slots):
    """Requests that wait, a client each, while a person types."""
    clients = [a.client() for _ in slots]
    for c, slot in zip(clients, slots):
        c.send_sign(card.blob(slot), flags=RSA_SHA2_256)
    a.askpass.wait_for_calls(1)
    # All were read: a list of each would come behind its signature.
    with a.client() as other:
        other.names()
    a.askpass.release(card.pin)
    for c, slot in zip(clients, slots):
        assert verify(card.blob(slot), c.receive_signature(), b"some data")
        c.close()


def test_those_that_wait_ask_once(agent, card):
    a = card_agent(agent, card, ["!wait", card.pin])
    wait_for_one_prompt(a, card, ["9c"] * 10)
    assert a.askpass.calls() == 1
    with a.client() as c:
        assert signs(c, card)
    assert a.askpass.calls() == 2
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_with_each_every_one_asks(agent, card):
    """A PIN serves one request: its login, and its signature's."""
    a = card_agent(agent, card, ["!wait"] + [card.pin] * 9, 'login = "each"')
    slots = ["9c", "9a", "9c", "9c", "9a"]
    wait_for_one_prompt(a, card, slots)
    assert a.askpass.calls() == 5
    names = {"9c": '"sign"', "9a": '"auth"'}
    for n, slot in enumerate(slots):
        assert names[slot] in a.askpass.prompt(n + 1)
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


@pytest.mark.parametrize("first", ["9a", "9c"])
def test_a_prompt_serves_the_key_that_it_names(first, agent, card):
    """A login is for all, the PIN of a signature is for this key's."""
    a = card_agent(agent, card, ["!wait"] + [card.pin] * 9)
    wait_for_one_prompt(a, card, [first, "9a", "9c", "9c"])
    if first == "9c":
        assert a.askpass.calls() == 1
    else:
        assert a.askpass.calls() == 2
        assert '"sign"' in a.askpass.prompt(2)
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_fifty_wait_and_the_pin_is_wrong(agent, card):
    a = card_agent(agent, card, [card.pin, "999999", "!cancel"])
    with a.client() as c:
        assert signs(c, card)
    clients = [a.client() for _ in range(50)]
    for c in clients:
        c.send_sign(card.blob("9c"))
    for c in clients:
        assert c.receive_signature() is None
        c.close()
    assert (card.tries(), card.stats()["verify_bad"]) == (2, 1)


def test_card_that_was_reset(agent, card):
    """Another program took the login away: one prompt, or none."""
    a = card_agent(agent, card, [card.pin] * 5)
    with a.client() as c:
        assert signs(c, card)
        card.order("reset")
        assert signs(c, card)
        assert signs(c, card, "9a")
    assert a.askpass.calls() == 2
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)


def test_kept_pin_and_the_last_try(agent, card):
    """Other programs spent the rest, and the PIN may be another by now: a
    person is told, and nothing is sent by itself."""
    a = card_agent(agent, card, [card.pin, "!cancel"], 'keep-pin = "session"')
    with a.client() as c:
        assert signs(c, card, "9a")
        card.change_pin("654321")
        card.waste_tries(2)
        bad = card.stats()["verify_bad"]
        assert signs(c, card, "9a") is None
    assert (card.tries(), card.stats()["verify_bad"]) == (1, bad)
    assert "LAST" in a.askpass.prompt(2)


def test_locked_by_another_program(agent, card):
    a = card_agent(agent, card, [card.pin] * 3, 'keep-pin = "session"')
    with a.client() as c:
        assert signs(c, card)
        card.waste_tries(3)
        bad = card.stats()["verify_bad"]
        assert signs(c, card) is None
        assert c.names() == []
    assert card.stats()["verify_bad"] == bad
    assert a.status()["tokens"][0]["pin"] == "locked"
    assert a.askpass.calls() == 1


def test_ssh(agent, piv, sshd):
    card = piv({"9c": "rsa2048"})
    a = card_agent(agent, card, [card.pin] * 3)
    with a.client() as c:
        assert signs(c, card)
    sshd.accept(public_line(card.blob("9c")))
    for _ in range(2):
        done = sshd.ssh(a.env)
        assert done.returncode == 0, done.stderr
    assert a.askpass.calls() == 3
    assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)
