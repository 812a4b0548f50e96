# SPDX-License-Identifier: BSD-2-Clause
"""pin-source: PINs without a person, and what is said where none comes."""
import pytest

from config import simple


@pytest.fixture
def token(softhsm):
    return softhsm("p256")


def served(agent, token, sources, pins=(), **more):
    section = 'token "t" { uri = "pkcs11:token=test" pin-source = { %s } }\n'
    return agent(simple(token, 1) + section % ", ".join(
        '"%s"' % s for s in sources), token, pins=list(pins), **more)


def sign(a):
    with a.client() as c:
        return c.sign(c.blob("key1")) is not None


def last_error(a):
    return a.status()["tokens"][0]["last_error"]


def counted(directory, answer):
    """A command that leaves a line for each of its runs."""
    runs = directory / "runs"
    runs.write_text("")
    return runs, "command:echo >>%s; echo %s; echo note" % (runs, answer)


def test_command(agent, token, directory):
    runs, command = counted(directory, token.pin)
    a = served(agent, token, [command])
    assert sign(a) and sign(a)
    assert runs.read_text() == "\n" and a.askpass.calls() == 0


def test_wrong_command_is_not_run_again(agent, token, directory):
    """Until a person has logged in; and no other source makes up for it."""
    runs, command = counted(directory, "9999")
    a = served(agent, token, [command, "askpass"], pins=[token.pin] * 2)
    assert not sign(a)
    assert runs.read_text() == "\n" and a.askpass.calls() == 0
    assert a.log().count("wrong PIN") == 1
    assert sign(a)
    assert runs.read_text() == "\n" and a.askpass.calls() == 1
    assert a.ctl("lock").returncode == 0
    assert not sign(a)
    assert runs.read_text() == "\n\n"


def test_credential(agent, token, directory):
    (directory / "build-pin").write_text(token.pin + "\n")
    a = served(agent, token, ["credential:build-pin"],
               env={"CREDENTIALS_DIRECTORY": str(directory)})
    assert sign(a)
    assert a.askpass.calls() == 0


def test_next_source_where_one_cannot_be_used(agent, token):
    a = served(agent, token, ["credential:none", "askpass"],
               pins=[token.pin])
    assert sign(a)
    assert a.askpass.calls() == 1


def test_tty_names_the_command(agent, token):
    a = served(agent, token, ["tty"])
    assert not sign(a)
    assert "p11-agentctl unlock" in last_error(a)
    assert "p11-agentctl unlock" in a.log()
