# SPDX-License-Identifier: BSD-2-Clause
"""Persons who type PINs into real pinentries."""
import shlex
import shutil
import subprocess

import pytest

from config import simple
from daemon import wait_until
from persons import Terminal, needs


@pytest.fixture
def token(softhsm):
    return softhsm("p256")


@pytest.fixture
def terminal(directory):
    why = needs("tmux", "pinentry-curses")
    if why:
        pytest.skip(why)
    made = Terminal(directory)
    yield made
    made.stop()


@pytest.fixture
def served(agent, token):
    """served(pinentry, **env): an agent that asks with that program."""
    def make(pinentry, **env):
        return agent(simple(token, 1) + (
            'token "t" { uri = "pkcs11:token=test" '
            'pin-source = { "pinentry" } }\n'), token,
            env=dict(env, PINENTRY_PROGRAM=shutil.which(pinentry)))
    return make


def pinentries(a):
    return {p for p, line in a.children().items() if "pinentry" in line}


def signing(a, directory):
    """A command that makes a signature, and the file that it makes."""
    public = directory / "key.pub"
    public.write_text(a.run("ssh-add", "-L").stdout)
    data = directory / "data"
    data.write_text("some data")
    return (["ssh-keygen", "-Y", "sign", "-n", "test", "-f", str(public),
             str(data)], directory / "data.sig")


def test_curses(served, token, directory, terminal):
    a = served("pinentry-curses")
    command, made = signing(a, directory)
    terminal.start(shlex.join(command), a.env)
    shown = terminal.wait_for("PIN:")
    assert "PIN of test" in shown
    assert "asked for by ssh-keygen" in shown
    terminal.type("9999")
    terminal.wait_for("The PIN was wrong")
    assert a.log().count("wrong PIN") == 1
    assert not made.exists()
    terminal.type(token.pin)
    terminal.wait_for_end()
    assert made.exists()
    assert a.log().count("wrong PIN") == 1
    assert a.askpass.calls() == 0


def test_curses_closes_with_its_client(served, directory, terminal):
    a = served("pinentry-curses")
    command, made = signing(a, directory)
    terminal.start(shlex.join(command), a.env)
    terminal.wait_for("PIN:")
    assert pinentries(a)
    terminal.kill()
    wait_until(lambda: not pinentries(a), what="the end of pinentry")
    assert not made.exists()


def test_graphical(served, token, graphical, display):
    a = served(graphical, **display.env)
    with a.client() as c:
        c.send_sign(c.blob("key1"))
        display.wait_for_window("p11-agent")
        asked = pinentries(a)
        display.type(display.wait_for_window("p11-agent"), "9999")
        a.wait_for_log("wrong PIN")
        # The next window may well have the number of the one before.
        wait_until(lambda: not asked & pinentries(a), what="its end")
        display.type(display.wait_for_window("p11-agent"), token.pin)
        assert c.receive_signature() is not None
    assert a.log().count("wrong PIN") == 1


def test_display_of_the_client(served, token, directory, graphical, display):
    """The agent itself knows of no display: its client does."""
    a = served(graphical)
    command, made = signing(a, directory)
    with subprocess.Popen(command, env=dict(a.env, **display.env)) as client:
        display.type(display.wait_for_window("p11-agent"), token.pin)
        assert client.wait(20) == 0
    assert made.exists()
