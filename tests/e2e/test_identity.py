# SPDX-License-Identifier: BSD-2-Clause
"""Who is who: one key on two tokens, one card seen by two modules, two cards
in one reader."""
import secrets

import pytest

from config import key, provider
from daemon import wait_until
from keys import verify

BOTH = ('provider "opensc" { module = "opensc-pkcs11.so" }\n'
        'provider "ykcs11" { module = "libykcs11.so" }\n')
SERVED = "the same card is served by provider opensc"


def signs(a, name, data=b"data"):
    with a.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob, data)
        return signature is not None and verify(blob, signature, data)


def token_of(a, provider_name):
    token, = [t for t in a.status()["tokens"]
              if t["provider"] == provider_name]
    return token


def listed(a, names, seconds=30):
    """pcscd sees a card a little after it was put in."""
    wait_until(lambda: a.names() == names, seconds, "the list %s" % names)


# -- one key on two tokens

def make_backup(usb, card, of):
    """Another token with the same keys."""
    state = usb.state(of)
    state.update(serial=state["serial"] + 1, guid=secrets.token_hex(16))
    usb.make(card, state)


def test_backup_token(agent, usb):
    """One identity; the second takes over inside the request."""
    usb.plug(1, "a")
    make_backup(usb, "b", "a")
    usb.plug(2, "b")
    usb.wait_for_cards(2)
    a = agent(provider(usb, "opensc") + key("k", "id=%01"), usb,
              pins=[usb.pin] * 2)
    listed(a, ["k"])
    first, = [k for k in a.keys() if k["exposed"]]
    second, = [k for k in a.keys() if not k["exposed"]]
    assert first["fingerprint"] == second["fingerprint"]
    assert first["serial"] < second["serial"]
    assert second["reason"] == "the same key is exposed from " + (
        first["token"])
    assert signs(a, "k")
    assert first["token"] in a.askpass.prompt(1)
    port = 1 if usb.stats(1)["signatures"] else 2
    usb.order(port, "delay", "20")
    with a.client() as c:
        blob = c.blob("k")
        c.send_sign(blob, b"data")
        wait_until(lambda: usb.stats(port)["waiting"],
                   what="the touch wait")
        usb.unplug(port)
        assert verify(blob, c.receive_signature(), b"data")
    assert second["token"] in a.askpass.prompt(2)
    listed(a, ["k"])
    assert usb.stats(3 - port)["signatures"] == 1


# -- one card, two modules

def test_two_modules_one_device(agent, piv):
    """The first serves; the second is known, and has no process."""
    card = piv({"9a": "p256", "9e": "p384"})
    a = agent(BOTH + key("auth", "id=%01") + key("card", "id=%04"), card,
              pins=[card.pin])
    listed(a, ["auth", "card"])
    assert signs(a, "auth") and signs(a, "card")
    assert a.askpass.calls() == 1
    assert token_of(a, "opensc")["state"] == "ready"
    second = token_of(a, "ykcs11")
    assert (second["state"], second["pid"]) == (SERVED, None)
    assert [k["reason"] for k in a.keys() if k["provider"] == "ykcs11" and
            k["id"] in ("01", "04")] == [SERVED, SERVED]
    done = a.ctl("unlock", second["serial"])
    assert done.returncode == 1
    assert "no such token" in done.stderr
    done = a.ctl("unlock", second["name"])
    assert done.returncode == 1
    assert SERVED in done.stderr
    card.order("remove")
    listed(a, [])
    card.order("insert")
    listed(a, ["auth", "card"])
    assert signs(a, "card")
    assert token_of(a, "ykcs11")["state"] == SERVED
    assert len(a.providers()) == 1


def test_first_module_fails(agent, piv):
    """Then the second one serves the card."""
    card = piv({"9e": "p256"})
    a = agent('provider "opensc" { module = "no-opensc.so" }\n'
              'provider "ykcs11" { module = "libykcs11.so" }\n' +
              key("card", "id=%04"), card, pins=[card.pin])
    listed(a, ["card"])
    assert signs(a, "card")


def test_key_that_only_the_second_shows(agent, usb):
    """OpenSC sees no key without a certificate; the PIN is one PIN."""
    usb.plug(1, "a", {"9a": "p256", "82": "p256"})
    usb.unplug(1)
    state = usb.state("a")
    for k in state["keys"]:
        if k["slot"] == "82":
            k["cert"] = ""
    usb.make("a", state)
    usb.plug(1, "a")
    usb.wait_for_cards()
    a = agent(BOTH + key("auth", "id=%01") + key("bare", "id=%05"), usb,
              pins=["999999", "!cancel", "999999", usb.pin])
    listed(a, ["auth", "bare"])
    with a.client() as c:
        assert c.sign(c.blob("auth")) is None
    assert usb.stats(1)["verify_bad"] == 1
    assert signs(a, "bare")
    assert "refused before" in a.askpass.prompt(4)
    assert usb.stats(1)["verify_bad"] == 1
    served = {k["name"]: k["provider"] for k in a.keys() if k["exposed"]}
    assert served == {"auth": "opensc", "bare": "ykcs11"}


def test_modules_that_are_not_on_pcsc(agent, softhsm):
    """Two of them are two, whatever their slots are called."""
    one, two = softhsm("p256", label="one"), softhsm("p256", label="two")
    a = agent("".join(
        'provider "%s" { module = "libsofthsm2.so" env = { "%s=%s" } }\n' % (
            name, *list(token.env.items())[0])
        for name, token in (("a", one), ("b", two))) +
        key("one", "token=one") + key("two", "token=two"),
        pins=[one.pin] * 2)
    listed(a, ["one", "two"])
    assert signs(a, "one") and signs(a, "two")


# -- libykcs11

def test_ykcs11(agent, piv):
    """It wants a login also for 9E."""
    card = piv({"9a": "p256", "9e": "rsa2048"})
    card.module = "libykcs11.so"
    a = agent(provider(card, "ykcs11") + key("auth", "id=%01") +
              key("card", "id=%04"), card, pins=[card.pin])
    listed(a, ["auth", "card"])
    with a.client() as c:
        assert c.blob("auth") == card.blob("9a")
        assert c.blob("card") == card.blob("9e")
        blob = c.blob("card")
        assert verify(blob, c.sign(blob, b"data", 2), b"data")
    assert signs(a, "auth")
    assert a.askpass.calls() == 1


# -- two cards, one reader's name

def blob(a):
    with a.client() as c:
        return c.blob("k")


@pytest.mark.parametrize("module", ["opensc-pkcs11.so", "libykcs11.so"])
def test_swapped_cards(module, agent, usb):
    """Each signs with its own key and gets its own PIN."""
    usb.module = module
    usb.plug(1, "a")
    usb.unplug(1)
    usb.plug(1, "b")
    usb.unplug(1)
    state = usb.state("b")
    state["pin"] = "654321"
    usb.make("b", state)
    usb.plug(1, "a")
    usb.wait_for_cards()
    a = agent(provider(usb, "card") +
              'token "t" { uri = "pkcs11:" keep-pin = "session" }\n' +
              key("k", "id=%01"), usb, pins=[usb.pin, "654321"])
    listed(a, ["k"])
    of_a = blob(a)
    assert signs(a, "k")
    usb.unplug(1)
    usb.plug(1, "b")
    wait_until(lambda: a.names() == ["k"] and blob(a) != of_a,
               what="the other card's key")
    with a.client() as c:
        assert c.sign(of_a) is None
    assert signs(a, "k")
    assert usb.stats(1)["verify_bad"] == 0
    usb.unplug(1)
    usb.plug(1, "a")
    wait_until(lambda: a.names() == ["k"] and blob(a) == of_a,
               what="the first card's key")
    assert signs(a, "k")
    assert usb.stats(1)["verify_bad"] == 0
    assert a.askpass.calls() == 2


# -- key IDs

def test_one_id_twice(agent, softhsm):
    """Both keys are listed, and each signs as itself."""
    token = softhsm("p256")
    for kind in ("EC:prime256v1", "rsa:2048"):
        token.tool("--keypairgen", "--key-type", kind, "--id", "01",
                   "--label", "same")
    a = agent("max-identities = 3\n" + provider(token) +
              key("k", "id=%01"), token, pins=[token.pin])
    with a.client() as c:
        found = c.identities()
        assert len({blob for blob, _ in found}) == 3
        for blob, _ in found:
            assert verify(blob, c.sign(blob, b"data", 2), b"data")
