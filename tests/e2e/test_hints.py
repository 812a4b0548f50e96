# SPDX-License-Identifier: BSD-2-Clause
"""A module's word about itself is a hint: these work with ssh-agent too."""
import threading

import pytest

from config import simple
from daemon import wait_until
from keys import verify

NO_PIN = "token test clear=0x8"
NO_LOCKS = ["call C_Initialize of=%d times=always rv=CKR_CANT_LOCK" % n
            for n in (3, 2)]
MODULES = {
    "user PIN not initialised": [NO_PIN],
    "token not initialised": ["token test clear=0x400"],
    "both": ["token test clear=0x408"],
    "version 0.0": ["module version=0"],
    "no read-only session": ["module read-write=1"],
    "no locks": NO_LOCKS,
    "NULL functions": [
        "module null=C_WaitForSlotEvent null=C_GetSlotInfo null=C_GetInfo "
        "null=C_GetMechanismList null=C_GetMechanismInfo "
        "null=C_GetSessionInfo"],
    "a list without the mechanism": [
        "call C_GetMechanismInfo times=always rv=CKR_MECHANISM_INVALID"],
}


@pytest.fixture
def token(layered):
    return layered("p256")


def sign(a):
    with a.client() as c:
        blob = c.blob("key1")
        signature = c.sign(blob, b"data")
    return signature is not None and verify(blob, signature, b"data")


@pytest.mark.parametrize("lines", MODULES.values(), ids=MODULES)
def test_signs(agent, token, lines):
    """By a prompt, and by ssh-add -s."""
    token.script(*lines)
    a = agent(simple(token, 1), token, pins=[token.pin])
    assert sign(a), a.log()
    assert a.askpass.calls() == 1
    assert a.ctl("lock").returncode == 0
    done = a.ssh_add("-s", token.module, pin=token.pin)
    assert done.returncode == 0, done.stderr
    assert sign(a)
    assert token.pins() == [token.pin] * 2


def test_unattended_pins_are_not_for_one_without(agent, token, directory):
    """USER_PIN_INITIALIZED is missing: a person is asked, no command is."""
    runs = directory / "runs"
    token.script(NO_PIN)
    a = agent(simple(token, 1) + 'token "t" { uri = "pkcs11:" pin-source = '
              '{ "command:echo >>%s; echo %s", "askpass" } }\n'
              % (runs, token.pin), token, pins=[token.pin])
    assert a.names() == ["key1"]
    assert a.status()["tokens"][0]["pin"] == "not set, says the token"
    assert sign(a)
    assert not runs.exists() and a.askpass.calls() == 1


def test_a_function_that_signing_needs(agent, token):
    token.script("module null=C_Sign")
    a = agent(simple(token, 1), token)
    assert a.names() == []
    words = "the module has no C_Sign, and cannot sign without"
    provider, = a.status()["providers"]
    assert words in provider["error"] and words in a.log()


def test_refused_is_off_the_list(agent, token):
    """C_SignInit's word counts, also when the keys are read anew."""
    token.script("call C_SignInit times=always rv=CKR_MECHANISM_INVALID")
    a = agent(simple(token, 1), token, pins=[token.pin] * 3)
    assert not sign(a)
    assert a.names() == []
    k, = a.keys()
    assert "CKR_MECHANISM_INVALID" in k["reason"]
    assert a.ctl("lock").returncode == 0
    done = a.ssh_add("-s", token.module, pin=token.pin)
    assert a.names() == [], done.stderr
    # The token was set up otherwise.
    token.script()
    assert a.ctl("reload").returncode == 0
    wait_until(lambda: a.names() == ["key1"], what="another try")
    assert sign(a)


def test_one_call_at_a_time_without_locks(agent, token):
    """Two clients; the second call begins when the first has ended."""
    token.script(*NO_LOCKS, "call C_Sign ms=200 times=always")
    a = agent(simple(token, 1), token, pins=[token.pin])
    assert sign(a)
    token.forget()
    clients = [threading.Thread(target=sign, args=(a,)) for _ in range(3)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    lines = [line.split(" ") for line in token.log.read_text().splitlines()]
    marks = [line[0] for line in lines]
    assert marks == [">", "<"] * (len(marks) // 2)
    assert len(token.calls("C_Sign")) == 3
