# SPDX-License-Identifier: BSD-2-Clause
"""forget-on: what wipes a kept PIN and ends the login."""
import os
import pathlib
import subprocess
import sys

import pytest

from config import key, provider, simple
from daemon import alive, program, wait_until
from memory import holds
from persons import needs, start_bus

RIG = pathlib.Path(__file__).resolve().parents[1] / "rig" / "logind.py"
BUILT = os.path.exists(program("p11-agent-logind"))
PIN = "PinOf4711Zy"
OTHER_UID = os.getuid() + 1
SLEEP = 'keep-pin = "session" forget-on = { sleep }'
LOCK = 'keep-pin = "session" forget-on = { "screen-lock" }'


class Logind:
    """tests/rig/logind.py on a system bus of its own."""

    def __init__(self, directory):
        self.dir = directory
        self.said = directory / "said"
        self.bus, self.address = start_bus(directory)
        self.process = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def env(self):
        return {"DBUS_SYSTEM_BUS_ADDRESS": self.address}

    def start(self):
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, str(RIG), self.address, "ours=%d" %
                 os.getuid(), "other=%d" % OTHER_UID],
                stdin=subprocess.PIPE, stdout=said)
        self.wait_for("ready")

    def order(self, *words):
        self.process.stdin.write((" ".join(words) + "\n").encode())
        self.process.stdin.flush()

    def lines(self):
        return self.said.read_text().splitlines()

    def wait_for(self, line, n=1):
        wait_until(lambda: self.lines().count(line) >= n,
                   what="%r in %s" % (line, self.lines()))

    def end(self):
        """logind alone; the bus stays."""
        self.process.kill()
        self.process.communicate()

    def stop(self):
        if self.process is not None:
            self.end()
        self.bus.kill()
        self.bus.wait()


@pytest.fixture
def logind(directory):
    why = needs("dbus-daemon")
    if why or not BUILT:
        pytest.skip(why or "this build has no libsystemd")
    pytest.importorskip("gi")
    made = Logind(directory / "system-bus")
    yield made
    made.stop()


@pytest.fixture
def token(softhsm):
    made = softhsm("p256")
    made.tool("--change-pin", "--new-pin", PIN)
    return made


def section(settings):
    return 'token "t" { uri = "pkcs11:" %s }\n' % settings


def served(agent, token, settings, env):
    return agent(simple(token, 1) + section(settings), token, pins=[PIN] * 5,
                 env=env)


def watchers(a):
    return [p for p, line in a.children().items()
            if "p11-agent-logind" in line]


def sign(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


def login(a):
    return a.status()["tokens"][0]["login"]


def fault(a):
    return a.status()["forget_on_fault"]


def wait_until_watched(a):
    wait_until(lambda: fault(a) is None, 20, "no fault but %s" % fault(a))


def test_sleep(agent, token, logind):
    """It is held up until the PIN is gone; afterwards a person is asked."""
    a = served(agent, token, SLEEP, logind.env)
    wait_until_watched(a)
    for n in (1, 2):
        assert sign(a) and sign(a)
        assert a.askpass.calls() == n
        pid = a.token_pid("test")
        logind.order("sleep")
        logind.wait_for("sleeping", n)
        assert not alive(pid)   # now, not in a moment
        assert login(a) == "wants a PIN"
        logind.order("wake")
        logind.wait_for("inhibit sleep delay", n + 1)


@pytest.mark.release
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into them")
def test_no_process_holds_the_pin(agent, token, logind):
    a = served(agent, token, SLEEP, logind.env)
    wait_until_watched(a)
    assert sign(a)
    assert holds(a.process.pid, PIN.encode())   # the search works
    logind.order("sleep")
    logind.wait_for("sleeping")
    for pid in [a.process.pid, *a.children()]:
        assert not holds(pid, PIN.encode()), pid


@pytest.mark.parametrize("order", [["lock", "ours"], ["hint", "ours", "1"]])
def test_screen_lock(order, agent, token, logind):
    a = served(agent, token, LOCK, logind.env)
    assert sign(a)
    wait_until_watched(a)
    pid = a.token_pid("test")
    logind.order(*order)
    wait_until(lambda: not alive(pid), what="the end of its process")
    assert login(a) == "wants a PIN"
    assert sign(a)
    assert a.askpass.calls() == 2
    assert "inhibit sleep delay" not in logind.lines()


def test_locks_that_are_none(agent, token, logind):
    """Of another user; and an unlocked screen of ours."""
    a = served(agent, token, LOCK, logind.env)
    wait_until_watched(a)
    assert sign(a)
    logind.order("lock", "other")
    logind.wait_for("user other", 1)
    logind.order("hint", "other", "1")
    logind.wait_for("user other", 2)
    logind.order("hint", "ours", "0")
    logind.order("lock", "other")
    logind.wait_for("user other", 3)
    assert "user ours" not in logind.lines()
    assert sign(a)
    assert a.askpass.calls() == 1
    assert login(a) == "logged in"


def test_sleep_that_is_not_asked_for(agent, token, logind):
    """Nor is it held up; what may have changed meanwhile is looked at."""
    a = served(agent, token, LOCK, logind.env)
    wait_until_watched(a)
    assert sign(a)
    logind.order("sleep")
    logind.wait_for("sleeping")
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "07",
               "--login", "--pin", PIN)
    logind.order("wake")
    wait_until(lambda: len(a.keys()) == 2, what="the new key")
    assert sign(a)
    assert a.askpass.calls() == 1


@pytest.mark.parametrize("settings", ["", "forget-on = { }",
                                      "forget-on = { removal }"])
def test_nothing_is_watched_unasked(settings, agent, token, logind):
    a = served(agent, token, settings, logind.env)
    assert sign(a)
    assert watchers(a) == []
    a.config.write_text(simple(token, 1) + section(SLEEP))
    assert a.ctl("reload").returncode == 0
    logind.wait_for("inhibit sleep delay")
    a.config.write_text(simple(token, 1) + section(settings))
    assert a.ctl("reload").returncode == 0
    logind.wait_for("released")
    wait_until(lambda: watchers(a) == [], what="its end")


def test_logind_restarts(agent, token, logind):
    a = served(agent, token, SLEEP, logind.env)
    wait_until_watched(a)
    logind.end()
    a.wait_for_log("not watched: systemd-logind: it has ended")
    assert "systemd-logind" in fault(a)
    logind.start()
    wait_until_watched(a)
    assert sign(a)
    logind.order("sleep")
    logind.wait_for("sleeping")
    assert login(a) == "wants a PIN"


def test_no_bus(agent, token, directory):
    a = served(agent, token, SLEEP,
               {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=%s/no" % directory})
    assert sign(a) and sign(a)
    a.wait_for_log("sleep and screen lock are not watched")
    said = a.ctl("status").stdout
    why = "there is no system" if BUILT else "this p11-agent was built"
    assert "sleep and screen lock are not watched: " + why in said
    assert a.log().count("screen lock are not watched") == 1
    assert a.askpass.calls() == 1


def test_removal(agent, piv):
    card = piv({"9a": "p256"})
    a = agent(provider(card, "opensc") + key("auth", "id=%01") + section(
        'keep-pin = "session" forget-on = { removal }'), card,
        pins=[card.pin] * 3)
    for n in (1, 2):
        with a.client() as c:
            assert c.sign(c.blob("auth")) is not None
        assert a.askpass.calls() == n
        card.order("remove")
        wait_until(lambda: a.names() == [], what="an empty list")
        card.order("insert")
        wait_until(lambda: a.names() == ["auth"], what="the key")
