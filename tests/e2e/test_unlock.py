# SPDX-License-Identifier: BSD-2-Clause
"""p11-agentctl unlock and lock, on a terminal of its own."""
import os
import pty
import select
import signal
import subprocess
import termios
import time

import pytest

from config import key, provider, simple
from daemon import program, wait_until


class Terminal:
    """A program on a pty, which is its controlling terminal."""

    def __init__(self, daemon, *words):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(words[0], [str(w) for w in words], daemon.env)

    def expect(self, words, seconds=20):
        end = time.monotonic() + seconds
        while words not in self.text:
            left = end - time.monotonic()
            assert left > 0, "no %r in %r" % (words, self.text)
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.text += os.read(self.fd, 4096).decode()
                except OSError:
                    assert words in self.text, self.text
        self.text = self.text.partition(words)[2]

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        """Its wait status, and what it still said."""
        while True:
            try:
                more = os.read(self.fd, 4096)
            except OSError:
                break
            if not more:
                break
            self.text += more.decode()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return status


@pytest.fixture
def token(softhsm):
    return softhsm("p256", "ed25519")


@pytest.fixture
def a(agent, token):
    return agent(simple(token, 1), token)


def unlock(a, *words):
    a.names()
    return Terminal(a, program("p11-agentctl"), "unlock", *words)


def login(a):
    return a.status()["tokens"][0]["login"]


def signs(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


def test_unlock_and_lock(a, token):
    t = unlock(a)
    t.expect("PIN of test")
    assert not t.echoes()
    t.type(token.pin)
    t.expect("is unlocked")
    assert t.end() == 0
    assert token.pin not in t.text
    assert login(a) == "logged in"
    assert signs(a) and a.askpass.calls() == 0
    assert "no PIN now" in a.ctl("unlock").stdout or (
        a.ctl("unlock").returncode == 1)
    done = a.ctl("lock")
    assert done.returncode == 0 and "1 token logged out" in done.stdout
    assert login(a) == "wants a PIN"
    assert a.names() == ["key1"]
    assert not signs(a)
    assert a.askpass.calls() == 1


def test_echo_comes_back(a, token):
    """Also for the shell behind it."""
    a.names()
    t = Terminal(a, "/bin/sh", "-c", "%s unlock; echo status $?; stty" %
                 program("p11-agentctl"))
    t.expect("PIN of test")
    t.type("9999")
    t.expect("CKR_PIN_INCORRECT")
    t.expect("PIN of test")
    t.type("")
    t.expect("no PIN was sent")
    t.expect("status 1")
    assert t.end() == 0
    assert "-echo" not in t.text


def test_wrong_then_right(a, token):
    t = unlock(a)
    t.expect("PIN of test")
    t.type("9999")
    t.expect("CKR_PIN_INCORRECT")
    t.expect("1 wrong PIN")
    t.expect("PIN of test")
    t.type(token.pin)
    t.expect("is unlocked")
    assert t.end() == 0
    assert a.log().count("wrong PIN") == 1


def test_same_wrong_pin_is_not_sent_twice(a, token):
    t = unlock(a)
    for said in ("CKR_PIN_INCORRECT", "not sent again", "not sent again"):
        t.expect("PIN of test")
        t.type("9999")
        t.expect(said)
    assert os.waitstatus_to_exitcode(t.end()) == 1
    assert a.log().count("wrong PIN") == 1


def test_last_try_wants_a_yes(a, token):
    t = unlock(a)
    for pin in ("9991", "9992"):
        t.expect("PIN of test")
        t.type(pin)
        t.expect("CKR_PIN_INCORRECT")
    t.expect("LAST try")
    t.expect("type yes")
    assert t.echoes()
    t.type("y")
    t.expect("no PIN was sent")
    assert os.waitstatus_to_exitcode(t.end()) == 1
    assert a.log().count("wrong PIN") == 2
    # Not for a line from somewhere.
    assert unlock_stdin(a, token.pin).returncode == 1
    t = unlock(a)
    t.expect("type yes")
    t.type("yes")
    t.expect("PIN of test")
    t.type(token.pin)
    t.expect("is unlocked")
    assert t.end() == 0


def test_impossible_pins_cost_nothing(a, token):
    t = unlock(a)
    for pin in ("1", "x" * 300, "y" * 700):
        t.expect("PIN of test")
        t.type(pin)
        t.expect("too")
    t.end()
    assert "wrong PIN" not in a.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM,
                                    signal.SIGHUP])
def test_signals_restore_the_terminal(number, a):
    t = unlock(a)
    t.expect("PIN of test")
    assert not t.echoes()
    os.kill(t.pid, number)
    wait_until(t.echoes, what="the echo")
    status = t.end()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    assert "wrong PIN" not in a.log()


def test_stopped_and_continued(a, token):
    """^Z in a shell with job control, then fg."""
    a.names()
    t = Terminal(a, "/bin/bash", "-mc", "%s unlock; echo now; read -r x; fg" %
                 program("p11-agentctl"))
    t.expect("PIN of test")
    os.write(t.fd, b"\x1a")
    t.expect("now")
    assert t.echoes()
    t.type("go on")
    t.expect("PIN of test")
    assert not t.echoes()
    t.type(token.pin)
    t.expect("is unlocked")
    assert t.end() == 0


def unlock_stdin(a, text, *words):
    a.names()
    return subprocess.run(
        [program("p11-agentctl"), "unlock", "--stdin", *words], env=a.env,
        input=text, text=True, capture_output=True, timeout=60,
        start_new_session=True)


def test_stdin(a, token):
    done = unlock_stdin(a, "")
    assert done.returncode == 1 and "standard input" in done.stderr
    done = unlock_stdin(a, "9999\n" + token.pin + "\n")
    assert done.returncode == 1 and (
        "that PIN was refused (C_Login: CKR_PIN_INCORRECT)" in done.stderr)
    done = unlock_stdin(a, token.pin + "\n")
    assert done.returncode == 0, done.stderr
    assert login(a) == "logged in"


def test_without_a_terminal(a):
    a.names()
    done = subprocess.run(
        [program("p11-agentctl"), "unlock"], env=a.env, input="1234\n",
        text=True, capture_output=True, timeout=30, start_new_session=True)
    assert done.returncode == 1
    assert "no terminal" in done.stderr and "--stdin" in done.stderr
    assert login(a) == "wants a PIN"


def test_which_token(agent, softhsm):
    token = softhsm("p256", label="one")
    token.take_in(softhsm("ed25519", label="two"))
    a = agent(provider(token) + key("k1", "token=one") +
              key("k2", "token=two"), token)
    a.names()
    done = a.ctl("unlock")
    assert done.returncode == 1
    assert "one" in done.stderr and "two" in done.stderr
    assert unlock_stdin(a, token.pin, "two").returncode == 0
    logins = {t["label"]: t["login"] for t in a.status()["tokens"]}
    assert logins == {"one": "wants a PIN", "two": "logged in"}
    done = a.ctl("unlock", "three")
    assert done.returncode == 1 and "no such token" in done.stderr


def test_pin_is_in_no_argv_or_environment(a, token):
    """Nor in a core: it may not be dumped."""
    t = unlock(a)
    t.expect("PIN of test")
    t.type("PinOf4711")
    t.expect("PIN of test")
    seen = b""
    for name in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (t.pid, name), "rb") as f:
            seen += f.read()
    with open("/proc/%d/limits" % t.pid) as f:
        limit, = [line for line in f if line.startswith("Max core file")]
    assert limit.split()[4] == "0"
    t.type("")
    t.end()
    assert b"PinOf4711" not in seen + a.log().encode()
