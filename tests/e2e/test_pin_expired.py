# SPDX-License-Identifier: BSD-2-Clause
"""A PIN that has to be changed before it may be used is not a wrong one."""
import os
import subprocess

import pytest

from config import simple
from daemon import program

# CKF_USER_PIN_TO_BE_CHANGED; no other flag about the PIN.
FLAG = "token test set=0x80000 clear=0x70000"
CALLS = ["C_Login of=1", "C_SignInit"]


@pytest.fixture
def token(layered):
    return layered("p256")


def served(agent, token, settings=""):
    return agent(simple(token, 1) + (
        'token "t" { uri = "pkcs11:token=test" %s }\n' % settings), token,
        pins=[token.pin] * 9)


def expires(token, call, *more):
    token.script(*more, "call %s rv=CKR_PIN_EXPIRED times=always" % call)


def sign(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


def about(a):
    known, = a.status()["tokens"]
    return known


def change_command(a, token):
    module = a.status()["providers"][0]["module"]
    assert os.path.basename(module) == "p11-layer.so"
    return "pkcs11-tool --module %s --login --change-pin" % module


@pytest.mark.parametrize("flag", [(), (FLAG,)], ids=["no flag", "flag"])
@pytest.mark.parametrize("call", CALLS)
def test_one_prompt_and_words(call, flag, agent, token):
    expires(token, call, *flag)
    a = served(agent, token)
    assert not sign(a)
    assert a.askpass.calls() == 1
    assert token.pins() == [token.pin]
    known = about(a)
    words = "CKR_PIN_EXPIRED: its PIN has to be changed before it may be " \
        "used: `%s`" % change_command(a, token)
    assert words in known["last_error"] and words in a.log()
    assert "wrong" not in a.log()
    assert known["pins_in_doubt"] == 0
    assert known["pin"] == ("to be changed" if flag else "ok")
    # Once it was changed all is well, by the same PIN or another.
    token.script()
    assert sign(a)
    assert a.askpass.calls() == 2
    assert ("--change-pin" in a.askpass.prompt(1)) == bool(flag)


@pytest.mark.parametrize("call", CALLS)
def test_it_is_not_sent_again_by_itself(call, agent, token):
    """Not the one that was kept, and that is another by now."""
    a = served(agent, token, 'keep-pin = "session"')
    assert sign(a)
    assert a.ctl("release").returncode == 0
    token.forget()
    expires(token, call)
    assert not sign(a)
    assert token.pins() == [token.pin] and a.askpass.calls() == 1
    token.script()
    assert sign(a)
    assert a.askpass.calls() == 2
    assert "wrong" not in a.askpass.prompt(2)


def test_a_flag_alone_stops_nothing(agent, token):
    """A token that came with its PIN may say so for ever."""
    token.script(FLAG)
    a = served(agent, token)
    assert about(a)["pin"] == "to be changed"
    assert sign(a)
    assert change_command(a, token) in a.askpass.prompt(1)


def test_unlock_and_ssh_add_say_so(agent, token):
    a = served(agent, token)
    expires(token, "C_Login of=1")
    done = subprocess.run([program("p11-agentctl"), "-a", str(a.socket),
                           "unlock", "--stdin"], env=a.env, text=True,
                          input=token.pin + "\n", capture_output=True,
                          timeout=60)
    assert done.returncode != 0
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode != 0
    command = change_command(a, token)
    assert command in done.stderr
    refused, = [line for line in a.log().splitlines()
                if "ssh-add -s" in line]
    assert command in refused
    assert about(a)["pins_in_doubt"] == 0
