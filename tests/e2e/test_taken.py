# SPDX-License-Identifier: BSD-2-Clause
"""A card that another program holds for itself."""
import os
import shutil
import subprocess
import time

import pytest

from config import key, provider
from daemon import wait_until
from keys import verify
from pcscd import Holder

READER = "Yubico YubiKey CCID 00 00"
NAME = "in use by another program"
CONFIG = ('start-wait = "30s"\n' + key("auth", "id=%01")
          + key("card", "id=%04"))
NAMES = ["auth", "card"]


@pytest.fixture
def card(piv):
    return piv({"9a": "p256", "9e": "p384"})


@pytest.fixture
def hold(card):
    """hold(): another program has the card, until its release()."""
    made = []

    def make():
        made.append(Holder(card.env, READER))
        assert made[-1].result == 0
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.release()


def started(agent, card, settings="", module="opensc-pkcs11.so"):
    card.module = module
    section = 'token "t" { uri = "pkcs11:" %s }\n' % settings
    return agent(CONFIG + provider(card, "card") + section, card,
                 pins=[card.pin] * 5)


def state(a):
    return a.status()["tokens"][0]["state"]


def signs(a, name):
    with a.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob, b"data")
        return signature is not None and verify(blob, signature, b"data")


def held(a, times=1):
    """So often by now; a signature waits for 5 s only, so look quickly."""
    wait_until(lambda: a.log().count(NAME) == times, what="the state's name")
    assert a.names() == NAMES


def comes(c, other):
    """The signature that waits for the other program."""
    begin = time.monotonic()
    other.release()
    assert c.receive_signature() is not None
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("module", [
    "opensc-pkcs11.so",
    pytest.param("libykcs11.so.2", marks=pytest.mark.long)])
def test_waiting_for_the_other(agent, card, hold, module):
    """Without a PIN in hand, and with one; the keys stay listed."""
    a = started(agent, card, module=module)
    assert signs(a, "auth")
    assert a.ctl("release").returncode == 0
    other = hold()
    a.askpass.answer_with("", "!wait")
    with a.client() as c:
        c.send_sign(c.blob("auth"))
        held(a)
        other.release()
        # Taken again while a person types the PIN.
        a.askpass.wait_for_calls(2)
        assert a.ctl("release").returncode == 0
        other = hold()
        a.askpass.release(card.pin)
        held(a, 2)
        comes(c, other)
        assert state(a) == "ready"
        assert a.askpass.calls() == 2
        assert (card.tries(), card.stats()["verify_bad"]) == (3, 0)
        # Nor does it stay when the card leaves.
        assert a.ctl("release").returncode == 0
        hold()
        c.send_sign(c.blob("auth"))
        held(a, 3)
        card.order("remove")
        assert c.receive_signature() is None
    assert a.names() == []


@pytest.fixture
def scdaemon(directory):
    """A process of that name."""
    shutil.copy("/bin/sleep", directory / "scdaemon")
    with subprocess.Popen([directory / "scdaemon", "600"]) as process:
        yield process
        process.kill()


def test_signature_that_waits_in_vain(agent, card, hold, scdaemon):
    """FAILURE after 5 s, in words; later signatures are as good as ever."""
    a = started(agent, card)
    assert a.names() == NAMES
    assert a.ctl("release").returncode == 0
    other = hold()
    begin = time.monotonic()
    assert not signs(a, "card")
    assert 5 <= time.monotonic() - begin < 8
    assert a.log().count(NAME) == 2     # the state, and the signature
    token, = a.status()["tokens"]
    assert token["state"] == NAME
    assert {k["token_state"] for k in a.keys()} == {NAME}
    assert token["last_error"].startswith(NAME + "; GnuPG's scdaemon is")
    assert NAME in a.ctl("status").stdout and NAME in a.ctl("keys").stdout
    # Nor does a scan take the token for one that is gone.
    assert a.ctl("reload").returncode == 0
    assert a.names() == NAMES and state(a) == NAME
    other.release()
    wait_until(lambda: state(a) == "no process", what="its end in status")
    assert signs(a, "card")


def test_started_while_another_has_the_card(agent, card, hold):
    """The token is seen once the other lets go."""
    other = hold()
    a = started(agent, card)
    assert a.names() == []
    begin = time.monotonic()
    other.release()
    wait_until(lambda: a.names() == NAMES, what="the keys")
    assert time.monotonic() - begin < 3
    assert signs(a, "card")


class Gnupg:
    """GnuPG with a scdaemon of its own on the card's pcscd."""

    def __init__(self, home, card):
        home.mkdir(0o700)
        # Its own driver would look for USB, not for pcscd.
        (home / "scdaemon.conf").write_text("disable-ccid\n")
        self.env = dict(os.environ, GNUPGHOME=str(home), **card.env)

    def run(self, *words):
        return subprocess.run(words, env=self.env, text=True, timeout=30,
                              stdout=subprocess.PIPE, check=True).stdout

    def takes_card(self):
        """Any card, whatever is on it; scdaemon keeps it for itself."""
        return "OK" in self.run("gpg-connect-agent",
                                "SCD SERIALNO undefined", "/bye")

    def kill(self, what):
        self.run("gpgconf", "--kill", what)


@pytest.fixture
def gnupg(card, directory):
    one = Gnupg(directory / "gnupg", card)
    yield one
    one.kill("all")


@pytest.mark.long
def test_scdaemon(agent, card, gnupg):
    """It gets the idle card, and is named while a signature waits for it."""
    a = started(agent, card, 'release = "1s"')
    assert signs(a, "card")
    wait_until(gnupg.takes_card, what="the card for scdaemon")
    assert a.providers() == []
    with a.client() as c:
        c.send_sign(c.blob("card"))
        a.wait_for_log("gpgconf --kill scdaemon")
        gnupg.kill("scdaemon")
        assert c.receive_signature() is not None
