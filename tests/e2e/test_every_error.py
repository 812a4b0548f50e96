# SPDX-License-Identifier: BSD-2-Clause
"""Every error that PKCS#11 knows, at every call that a provider makes.

Once, and for ever: each request ends in a good signature or a FAILURE, no PIN
that is not known to be right is sent a second time, and when the errors end
the next request works. The short run takes a few errors of each kind.
"""
import os
import pathlib
import re

import pytest

from config import key, provider
from daemon import wait_until
from keys import verify

pytestmark = pytest.mark.release

TOP = pathlib.Path(__file__).resolve().parents[2]
LONG = "P11_AGENT_LONG" in os.environ
DATA = b"data"

# What pkcs11/ calls; a call that is made and is not here fails a test below.
CALLS = [
    "C_Initialize", "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo",
    "C_GetTokenInfo", "C_OpenSession", "C_CloseSession", "C_GetSessionInfo",
    "C_Login", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal",
    "C_GetAttributeValue", "C_SignInit", "C_Sign",
]

# After these the next request fails as well, until a person has acted.
FOR_A_PERSON = {
    # Right or not: it was called wrong, and is not sent a second time.
    ("C_Login", "WIRE_PIN_REFUSED"),
    ("C_Login", "WIRE_PIN_LOCKED"),
    ("C_Login", "WIRE_CANCELLED"),  # no prompt for a minute
    ("C_SignInit", "WIRE_KEY_UNUSABLE"),
    ("C_Sign", "WIRE_KEY_UNUSABLE"),
}

# What is no error, but an answer about the key: said always, the key leaves
# the list until the token is scanned again.
ANSWERS = {
    ("C_GetAttributeValue", "CKR_ATTRIBUTE_SENSITIVE"),
    ("C_GetAttributeValue", "CKR_ATTRIBUTE_TYPE_INVALID"),
}

# One a vendor made up as well.
UNKNOWN = ("0x80000001", "WIRE_ERROR")


def table():
    """The rows of pkcs11/error.c: (name, outcome)."""
    text = (TOP / "pkcs11/error.c").read_text()
    rows = re.findall(r"RV\((CKR_\w+), (WIRE_\w+)\)", text)
    assert len(rows) > 80
    return [row for row in rows if row[0] != "CKR_OK"] + [UNKNOWN]


def errors_for(call):
    """All of them, or one of each outcome, another one for each call."""
    rows = table()
    if LONG:
        return rows
    chosen = []
    for outcome in sorted({row[1] for row in rows}):
        of_it = [row for row in rows if row[1] == outcome]
        chosen.append(of_it[CALLS.index(call) % len(of_it)])
    return chosen


class Scene:
    """One daemon, for many errors."""

    def __init__(self, agent, token, askpass):
        self.make = agent
        self.token = token
        self.askpass = askpass
        askpass.write_text("#!/bin/sh\necho %s\n" % token.pin)
        askpass.chmod(0o700)
        self.start()

    def start(self):
        self.agent = self.make(
            provider(self.token) + key("key1", "token=test;id=%01"),
            self.token, env={"SSH_ASKPASS": str(self.askpass)})
        assert self.signs()

    def signs(self):
        """A good signature, or a FAILURE."""
        with self.agent.client() as c:
            blob = c.blob("key1")
            signature = c.sign(blob, DATA)
        assert signature is None or verify(blob, signature, DATA)
        return signature is not None

    def unproven(self):
        """How often a PIN was sent before it was known to be right."""
        sent = 0
        for line in self.token.log.read_text().splitlines():
            words = line.split(" ")
            if words[2:4] != ["C_Login", "1"]:
                continue
            if words[0] == ">":
                sent += 1
            elif words[4] == "0":
                return sent - 1
        return sent

    def heals(self, alone):
        """The next request works. A scan may have met the error as well and
        missed the token; then the next scan brings it back. `alone`: nothing
        comes back before a person does something."""
        def listed():
            return "key1" in self.agent.names()

        self.token.script()
        if not alone:
            wait_until(listed, 15, "the key")
        if listed() and self.signs():
            return True
        self.agent.finish()
        self.start()
        return False

    def play(self, line, alone):
        """A request of a process that is yet to be started, and logged in.
        Does the next one work, in the peace after it?"""
        done = self.agent.ctl("lock")
        assert done.returncode == 0, done.stderr
        self.token.forget()
        self.token.script(line)
        self.signs()
        assert self.unproven() <= 1, (line, self.token.log.read_text())
        return self.heals(alone)


@pytest.fixture
def scene(agent, layered, directory):
    return Scene(agent, layered("p256"), directory / "askpass")


@pytest.mark.parametrize("call", CALLS)
def test_every_error(call, scene):
    wrong = []
    for number, (rv, outcome) in enumerate(errors_for(call)):
        for times in ["1", "always"] if LONG else [["1", "always"][number % 2]]:
            line = "call %s rv=%s times=%s" % (call, rv, times)
            alone = (call, outcome) in FOR_A_PERSON or (
                times == "always" and (call, rv) in ANSWERS)
            if scene.play(line, alone) == alone:
                wrong.append(line)
    assert not wrong


def test_no_call_is_forgotten(scene):
    scene.token.script("call C_Sign rv=CKR_DEVICE_ERROR times=2")
    assert scene.signs()
    made = {line.split(" ")[2]
            for line in scene.token.log.read_text().splitlines()}
    assert made == set(CALLS)
