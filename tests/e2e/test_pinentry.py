# SPDX-License-Identifier: BSD-2-Clause
"""Persons who type PINs into real pinentries."""
import os
import shlex
import shutil
import signal
import subprocess

import pytest

from config import simple
from daemon import alive, wait_until
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


def asking(terminal, a, directory):
    """A pinentry has that terminal: the processes that will let go of it."""
    command, _ = signing(a, directory)
    terminal.start("/bin/sh -c %s" % shlex.quote(
        "%s; until [ -e %s ]; do sleep 0.1; done; stty -a; echo so it is" % (
            shlex.join(command), directory / "look")), a.env)
    terminal.wait_for("PIN")
    return set(prompts(a)) | wait_until(lambda: pinentries(a),
                                        what="pinentry")


def is_put_back(terminal, asked, directory):
    wait_until(lambda: not [p for p in asked if alive(p)], what="their end")
    (directory / "look").touch()
    shown = terminal.wait_for("so it is").split()
    assert ("echo" in shown) != ("-echo" in shown)
    return "echo" in shown and "icanon" in shown


def prompts(a):
    return [p for p, line in a.children().items()
            if "p11-agent-prompt" in line]


def pin_from_elsewhere(a, token):
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode == 0


def prompt_is_told_to_end(a, token):
    for pid in prompts(a):
        os.kill(pid, signal.SIGTERM)


def daemon_ends(a, token):
    a.process.send_signal(signal.SIGTERM)
    # A second one, at the end of the test, would find no handler any more.
    assert a.process.wait(20) == 0


def daemon_is_killed(a, token):
    a.process.kill()
    a.process.wait()
    a.socket.unlink()
    (a.dir / "s.control").unlink()
    a.process = None


@pytest.mark.parametrize("closed", [
    pin_from_elsewhere, prompt_is_told_to_end, daemon_ends, daemon_is_killed],
    ids=lambda f: f.__name__)
def test_terminal_is_put_back(closed, served, token, directory, terminal):
    a = served("pinentry-curses")
    asked = asking(terminal, a, directory)
    closed(a, token)
    assert is_put_back(terminal, asked, directory)


STUBBORN = """#!/bin/sh
trap '' TERM ALRM
echo OK
while read -r word rest; do
	case $word in
	OPTION) case $rest in ttyname=*) tty=${rest#ttyname=} ;; esac ;;
	GETPIN)
		stty -echo -icanon <"$tty"
		echo "PIN:" >"$tty"
		while :; do sleep 1000; done ;;
	esac
	echo OK
done
"""


def test_terminal_is_put_back_for_a_pinentry_that_will_not_end(
        agent, token, directory, terminal):
    script = directory / "pinentry"
    script.write_text(STUBBORN)
    script.chmod(0o700)
    a = agent(simple(token, 1) + (
        'token "t" { uri = "pkcs11:token=test" '
        'pin-source = { "pinentry" } }\n'), token,
        env={"PINENTRY_PROGRAM": str(script)})
    asked = asking(terminal, a, directory)
    pin_from_elsewhere(a, token)
    assert is_put_back(terminal, asked, directory)


MUTE = """#!/bin/sh
echo $$ >"$0.pid"
exec sleep 1000
"""


@pytest.mark.parametrize("closed", [daemon_ends, daemon_is_killed],
                         ids=lambda f: f.__name__)
def test_one_that_never_begins_ends_with_its_agent(
        closed, agent, token, directory, terminal):
    """As one that waits for a display which does not answer."""
    script = directory / "pinentry"
    script.write_text(MUTE)
    script.chmod(0o700)
    a = agent(simple(token, 1) + (
        'token "t" { uri = "pkcs11:token=test" '
        'pin-source = { "pinentry" } }\n'), token,
        env={"PINENTRY_PROGRAM": str(script)})
    command, _ = signing(a, directory)
    terminal.start(shlex.join(command), a.env)
    told = directory / "pinentry.pid"
    wait_until(lambda: told.exists() and told.read_text(), what="pinentry")
    asked = [int(told.read_text()), *prompts(a)]
    assert len(asked) == 2
    closed(a, token)
    wait_until(lambda: not [p for p in asked if alive(p)], 5,
               what="their end")


def test_its_time_is_over(agent, token, directory):
    """A pinentry's own time-out is nobody's answer, and not a no."""
    script = directory / "pinentry"
    script.write_text(STUBBORN.replace(
        'while :; do sleep 1000; done', 'stty echo icanon <"$tty"; '
        'echo ERR 83886142 Timeout; continue'))
    script.chmod(0o700)
    a = agent(simple(token, 1) + (
        'token "t" { uri = "pkcs11:token=test" '
        'pin-source = { "pinentry" } }\n'), token,
        env={"PINENTRY_PROGRAM": str(script)})
    command, made = signing(a, directory)
    assert a.run(*command).returncode != 0
    assert "nobody answered the prompt in time" in a.log()
    assert "cancelled" not in a.log()
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
