# SPDX-License-Identifier: BSD-2-Clause
"""How long a login lasts, and how long its PIN is kept."""
import os
import signal

import pytest

from config import simple
from daemon import BUILD, alive, wait_until
from keys import verify


@pytest.fixture
def token(softhsm):
    return softhsm("p256")


def served(agent, token, settings, pins=None, **options):
    section = 'token "t" { uri = "pkcs11:token=test" %s }\n' % settings
    return agent(simple(token, 1) + section, token,
                 pins=[token.pin] * 5 if pins is None else pins, **options)


@pytest.fixture
def sleeper(agent, token):
    """sleeper(settings): an agent on a machine that sleeps eight hours at
    each SIGRTMIN (tests/rig/sleep-clock.c). The signal is handled before
    anything that is sent afterwards."""
    library = os.path.join(BUILD, "tests/p11-sleep-clock.so")
    if not os.path.exists(library):
        pytest.skip("no sleeping machine was built")

    def make(settings):
        return served(agent, token, settings, wrapper=(
            "env", "LD_PRELOAD=" + library,
            # The sanitizers want to be the first library.
            "ASAN_OPTIONS=verify_asan_link_order=0"))
    return make


def sleep(a):
    a.process.send_signal(signal.SIGRTMIN)


def sign(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


def kill_provider(a):
    pid = a.token_pid("test")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid) and a.token_pid("test") == 0,
               what="the provider's end")


def logged_in(a):
    return a.status()["tokens"][0]["login"] == "logged in"


def test_pin_is_not_kept_unless_wanted(agent, token):
    a = served(agent, token, "")
    assert sign(a)
    kill_provider(a)
    assert sign(a)
    assert a.askpass.calls() == 2


def test_kept_pin_logs_in_again(agent, token):
    a = served(agent, token, 'keep-pin = "session"')
    assert sign(a)
    for _ in range(3):
        kill_provider(a)
        assert sign(a)
    assert a.askpass.calls() == 1


def test_kept_pin_has_its_time(agent, token):
    a = served(agent, token, 'keep-pin = "1s"')
    assert sign(a)
    kill_provider(a)

    def asked_again():
        assert sign(a)
        if a.askpass.calls() == 2:
            return True
        kill_provider(a)
        return False
    wait_until(asked_again, what="the end of the PIN's time")


def test_kept_pin_from_ssh_add(agent, token):
    a = served(agent, token, 'keep-pin = "session"', pins=[])
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode == 0
    kill_provider(a)
    assert sign(a)
    assert a.askpass.calls() == 0


def test_wrong_pin_is_not_kept(agent, token):
    a = served(agent, token, 'keep-pin = "session"', pins=["9999"])
    assert not sign(a)
    kill_provider(a)
    a.askpass.answer_with("9999", "!cancel", token.pin)
    assert a.ctl("lock").returncode == 0
    assert sign(a)
    assert a.askpass.calls() == 3


def test_lock_wipes_a_kept_pin(agent, token):
    a = served(agent, token, 'keep-pin = "session"')
    assert sign(a)
    assert a.ctl("lock").returncode == 0
    assert not logged_in(a)
    assert sign(a)
    assert a.askpass.calls() == 2


def test_kept_pin_that_was_changed_is_sent_once(agent, token):
    """Then a person is asked, who is told."""
    a = served(agent, token, 'keep-pin = "session"',
               pins=[token.pin, "!wait"])
    assert sign(a)
    token.tool("--change-pin", "--new-pin", "87654321")
    kill_provider(a)
    with a.client() as c:
        c.send_sign(c.blob("key1"))
        a.askpass.wait_for_calls(2)
        assert a.log().count("wrong PIN") == 1
        a.askpass.release("87654321")
        assert c.receive_signature() is not None
    assert "wrong" in a.askpass.prompt(2)


def test_login_for_each_signature(agent, token):
    a = served(agent, token, 'login = "each"')
    assert sign(a) and sign(a)
    assert a.askpass.calls() == 2
    wait_until(lambda: not logged_in(a), what="the end of the login")


@pytest.mark.parametrize("end", ["right", "cancelled"])
def test_with_each_one_pin_serves_one_request(end, agent, softhsm):
    """Twenty that wait, by two keys: each prompt names its own."""
    token = softhsm("p256", "ed25519")
    a = agent(simple(token, 1, 2) +
              'token "t" { uri = "pkcs11:token=test" login = "each" }\n',
              token, pins=["!wait"] + [token.pin] * 4 +
              ([token.pin] * 15 if end == "right" else ["!cancel"]))
    clients = [a.client() for _ in range(20)]
    blobs = [clients[0].blob("key1"), clients[0].blob("key2")]
    for n, c in enumerate(clients):
        c.send_sign(blobs[n % 2])
    a.askpass.wait_for_calls(1)
    a.names()
    a.askpass.release(token.pin)
    signed = 0
    for n, c in enumerate(clients):
        signature = c.receive_signature()
        signed += signature is not None and verify(blobs[n % 2], signature,
                                                   b"some data")
        c.close()
    # Closing the prompt is for all that wait.
    assert signed == (20 if end == "right" else 5)
    assert a.askpass.calls() == (20 if end == "right" else 6)
    for n in range(signed):
        assert '"key%d"' % (n % 2 + 1) in a.askpass.prompt(n + 1)


def test_login_for_each_signature_with_a_kept_pin(agent, token):
    a = served(agent, token, 'login = "each" keep-pin = "session"')
    assert sign(a) and sign(a) and sign(a)
    assert a.askpass.calls() == 1


def test_login_has_its_time(agent, token):
    a = served(agent, token, 'login = "1s"')
    assert sign(a)
    wait_until(lambda: not logged_in(a), what="the end of the login")
    assert "run out" in a.log()
    assert sign(a)
    assert a.askpass.calls() == 2


@pytest.mark.parametrize("setting", [
    'login = "sometimes"', 'login = "0s"', 'login = "32d"', 'keep-pin = "yes"',
    'keep-pin = "10"', 'keep-pin = "99999999999s"'])
def test_values_that_make_no_sense(setting, agent, token):
    with pytest.raises(AssertionError, match="p11-agent.conf:3"):
        served(agent, token, setting)


def test_login_runs_out_in_a_sleep(sleeper):
    a = sleeper('login = "60s"')
    assert sign(a)
    assert sign(a)
    assert a.askpass.calls() == 1
    sleep(a)
    a.wait_for_log("its login has run out")
    assert not logged_in(a)
    assert sign(a)
    assert a.askpass.calls() == 2


def test_kept_pin_runs_out_in_a_sleep(sleeper):
    a = sleeper('keep-pin = "60s"')
    assert sign(a)
    kill_provider(a)
    assert sign(a)
    assert a.askpass.calls() == 1
    sleep(a)
    kill_provider(a)
    assert sign(a)
    assert a.askpass.calls() == 2


def test_a_long_login_outlives_a_sleep(sleeper):
    a = sleeper('login = "9h" keep-pin = "9h"')
    assert sign(a)
    sleep(a)
    assert sign(a)
    assert a.askpass.calls() == 1
    sleep(a)
    a.wait_for_log("its login has run out")
    assert sign(a)
    assert a.askpass.calls() == 2


def test_pause_after_a_cancel_runs_out_in_a_sleep(sleeper):
    a = sleeper("")
    a.askpass.answer_with("!cancel", "1234")
    assert not sign(a)
    assert not sign(a)
    assert a.askpass.calls() == 1
    sleep(a)
    assert sign(a)
    assert a.askpass.calls() == 2
