# SPDX-License-Identifier: BSD-2-Clause
"""Recovery inside a request, rung by rung, behind a module with a script."""
import os
import signal

import pytest

from config import key, provider
from daemon import wait_until
from keys import verify
from wire import RSA_SHA2_256

DATA = b"data"
KEPT = 'token "t" { uri = "pkcs11:token=test" keep-pin = "session" }\n'


@pytest.fixture
def token(layered):
    return layered("p256")


@pytest.fixture
def served(agent, token):
    """served(more config): logged in once, the log of calls empty."""
    def make(more="", pins=None):
        a = agent(more + provider(token) + key("key1", "token=test;id=%01"),
                  token, pins=[token.pin] * 9 if pins is None else pins)
        assert signs(a)
        assert token.pins() == [token.pin]
        token.forget()
        return a

    return make


def signs(agent):
    with agent.client() as c:
        return received(c, c.send_sign(c.blob("key1"), DATA))


def received(client, _=None):
    """The answer to a request; a signature must be a good one."""
    signature = client.receive_signature()
    assert signature is None or verify(client.blob("key1"), signature, DATA)
    return signature is not None


def processes(token, name="C_Sign"):
    """In how many processes, and how often, it was called."""
    calls = token.calls(name)
    return len({call[0] for call in calls}), len(calls)


def test_a_fault_that_passes_costs_no_login(served, token):
    a = served()
    token.script("call C_Sign rv=CKR_GENERAL_ERROR")
    assert signs(a)
    assert processes(token) == (1, 2)
    assert token.pins() == []
    assert a.askpass.calls() == 1


def test_each_rung_is_climbed_once(served, token):
    a = served()
    token.script("call C_Sign rv=CKR_DEVICE_ERROR times=2")
    assert signs(a)
    assert processes(token) == (2, 3)
    assert token.pins() == [token.pin]
    assert a.askpass.calls() == 2
    token.forget()
    token.script("call C_Sign rv=CKR_DEVICE_ERROR times=always")
    assert not signs(a)
    assert processes(token) == (2, 3)
    token.script()
    assert signs(a)


def test_the_rungs_are_counted_across_a_login(served, token):
    """New sessions, a login, and lost again: now a fresh process."""
    a = served()
    token.script("token test epoch=1", "call C_Sign rv=CKR_DEVICE_ERROR")
    assert signs(a)
    assert processes(token) == (2, 2)
    assert token.pins() == [token.pin] * 2
    assert a.askpass.calls() == 3


def test_with_a_kept_pin_nobody_is_asked(served, token):
    a = served(KEPT)
    token.script("call C_Sign rv=CKR_DEVICE_ERROR times=2")
    assert signs(a)
    assert token.pins() == [token.pin]
    assert a.askpass.calls() == 1


@pytest.mark.parametrize("times, made", [("1", (1, 2)), ("2", (2, 3))])
def test_a_wrong_signature_is_not_handed_on(times, made, served, token):
    """Made anew, rung by rung; `signs` verifies what comes of it."""
    card = "token test slot-set=6"
    token.script(card)
    a = served(KEPT)
    token.script(card, "call C_Sign wrong=1 times=" + times)
    assert signs(a)
    assert processes(token) == made
    assert "C_Sign: the signature is wrong, and was not handed on" in a.log()
    assert a.askpass.calls() == 1


def test_signatures_that_are_always_wrong(agent, layered):
    card = "token test slot-set=6"
    token = layered("rsa2048")
    token.script(card)
    a = agent(KEPT + provider(token) + key("key1", "token=test;id=%01"),
              token, pins=[token.pin])
    token.script(card, "call C_Sign wrong=1 times=always")
    with a.client() as c:
        blob = c.blob("key1")
        assert c.sign(blob, DATA, RSA_SHA2_256) is None
        assert processes(token) == (2, 3)
        token.script(card)
        assert verify(blob, c.sign(blob, DATA, RSA_SHA2_256), DATA)
    assert a.askpass.calls() == 1


def test_a_replug_between_signatures(served, token):
    """New session and login in the same process; old handles are dead."""
    a = served()
    token.script("token test epoch=1 slot=77")
    assert signs(a)
    assert processes(token) == (1, 1)
    assert token.pins() == [token.pin]
    assert a.askpass.calls() == 2


def test_a_login_for_ever_ends(served, token):
    a = served(KEPT)
    token.script("call C_Sign rv=CKR_USER_NOT_LOGGED_IN times=always")
    assert not signs(a)
    assert len(token.pins()) < 5
    token.script()
    assert signs(a)


def test_a_stale_login_leads_to_a_fresh_process(served, token):
    """The module believes in a login that the token forgot. What it answers
    to C_Login says nothing of the PIN, which is not sent a second time."""
    a = served()
    token.script("call C_Sign rv=CKR_USER_NOT_LOGGED_IN",
                 "call C_Login rv=CKR_USER_ALREADY_LOGGED_IN",
                 "call C_GetSessionInfo rv=CKR_FUNCTION_NOT_SUPPORTED "
                 "times=always")
    assert not signs(a)
    assert processes(token, "C_Login") == (1, 1)
    assert signs(a)
    assert processes(token, "C_Login") == (2, 2)
    assert a.askpass.calls() == 3
    # Where it says so itself, the PIN is not spent on it.
    token.forget()
    token.script("call C_Sign rv=CKR_USER_NOT_LOGGED_IN")
    assert signs(a)
    assert processes(token, "C_Login") == (1, 1)
    assert a.askpass.calls() == 4


def test_a_kept_pin_goes_to_a_process_that_had_no_login(served, token):
    """Which sees how many tries are left."""
    a = served(KEPT)
    pid = a.token_pid("test")
    token.script("token test epoch=1")
    assert signs(a)
    assert token.pins() == [token.pin]
    assert pid not in [int(call[0]) for call in token.calls("C_Login")]
    assert a.askpass.calls() == 1


@pytest.mark.parametrize("line", ["token test serial=other epoch=1",
                                  "token test label=other epoch=1",
                                  "token test absent=1"])
def test_another_token_gets_no_pin(line, served, token):
    a = served(KEPT)
    token.script(line)
    assert not signs(a)
    assert token.pins() == []


def test_what_a_script_may_show(agent, token):
    """The module itself: one token shown twice, and hidden objects."""
    token.script("token test slot=1 hide=1",
                 "token test slot=2 label=b serial=b reader=B set=0x10000")
    a = agent(provider(token) + key("a", "token=test") + key("b", "token=b"),
              token, pins=[token.pin] * 9)
    tokens = {t["label"]: t for t in a.status()["tokens"]}
    assert {t["reader"] for t in tokens.values()} > {"B"}
    assert tokens["b"]["pin"] == "few tries left"
    assert a.names() == ["b"]
    with a.client() as c:
        assert c.sign(c.blob("b"), DATA) is not None


def test_a_replug_during_the_prompt(agent, token):
    """The PIN that was typed is not wasted, and sent once."""
    a = agent(provider(token) + key("key1", "token=test;id=%01"), token,
              pins=["!wait"])
    with a.client() as c:
        c.send_sign(c.blob("key1"), DATA)
        a.askpass.wait_for_calls(1)
        token.script("token test epoch=1")
        a.askpass.release(token.pin)
        assert received(c)
    assert token.pins() == [token.pin]


@pytest.mark.parametrize("typed", ["right", "wrong"])
def test_a_replug_during_the_prompt_of_a_pin_to_keep(typed, agent, token):
    """It is sent once, and kept only if it was good."""
    a = agent(KEPT + provider(token) + key("key1", "token=test;id=%01"),
              token, pins=["!wait", token.pin])
    first = {"right": [token.pin], "wrong": ["9999", token.pin]}[typed]
    with a.client() as c:
        c.send_sign(c.blob("key1"), DATA)
        a.askpass.wait_for_calls(1)
        token.script("token test epoch=1")
        a.askpass.release(first[0])
        assert received(c)
    assert token.pins() == first
    token.forget()
    token.script("token test epoch=2")
    assert signs(a)
    assert token.pins() == [token.pin]
    assert a.askpass.calls() == len(first)


def test_another_token_during_the_prompt(agent, token):
    a = agent(provider(token) + key("key1", "token=test;id=%01"), token,
              pins=["!wait"])
    with a.client() as c:
        c.send_sign(c.blob("key1"), DATA)
        a.askpass.wait_for_calls(1)
        token.script("token test serial=other")
        a.askpass.release(token.pin)
        assert not received(c)
    assert token.pins() == []


def test_crashes(served, token):
    a = served(KEPT)
    token.script("call C_Sign crash=1")
    assert signs(a)
    assert processes(token) == (2, 2)
    # In C_Login itself: maybe it was. A person types it again.
    token.forget()
    token.script("call C_Sign crash=1", "call C_Login crash=1")
    assert signs(a)
    assert processes(token, "C_Login") == (2, 2)
    assert a.askpass.calls() == 2


def test_a_crash_before_the_login_costs_no_pin(agent, token):
    """It was sent to a process that never read it."""
    a = agent(provider(token) + key("key1", "token=test;id=%01"), token,
              pins=["!wait"])
    with a.client() as c:
        c.send_sign(c.blob("key1"), DATA)
        a.askpass.wait_for_calls(1)
        token.script("call C_FindObjects crash=1")
        os.kill(a.token_pid("test"), signal.SIGKILL)
        wait_until(lambda: a.token_pid("test") == 0, what="its end")
        a.askpass.release(token.pin)
        assert received(c)
    assert token.pins() == [token.pin]


@pytest.mark.parametrize("kept", [False, True])
def test_killed_in_the_login(kept, agent, served, token, directory):
    """The PIN that was on its way is not sent again but by a person."""
    gate = directory / "gate"
    gate.touch()
    hold = "call C_Login gate=%s" % gate
    if kept:
        a = served(KEPT)
        token.script("token test epoch=1", hold)
    else:
        a = agent(provider(token) + key("key1", "token=test;id=%01"), token,
                  pins=[token.pin] * 9)
        token.script(hold)
    clients = [a.client() for _ in range(10)]
    for c in clients:
        c.send_sign(c.blob("key1"), DATA)
    wait_until(token.pins, what="C_Login")
    os.kill(a.token_pid("test"), signal.SIGKILL)
    gate.unlink()
    # Who waited for a kept one is asked; a typed one ends in FAILURE.
    assert [received(c) for c in clients] == [kept] * 10
    for c in clients:
        c.close()
    assert token.pins() == [token.pin] * (1 + kept)
    assert signs(a)
    assert token.pins() == [token.pin] * 2
    assert a.askpass.calls() == 2


def test_a_crash_in_the_login_is_not_repeated(agent, token):
    a = agent(provider(token) + key("key1", "token=test;id=%01"), token,
              pins=[token.pin] * 9)
    token.script("call C_Login crash=1 times=always")
    assert not signs(a)
    assert token.pins() == [token.pin]
    token.script()
    assert signs(a)
