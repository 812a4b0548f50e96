# SPDX-License-Identifier: BSD-2-Clause
"""A try is counted before its PIN is sent, whatever becomes of the answer.

The module shows no flag about its PIN, as many do; its calls crash where a
script says so.
"""
import os
import signal

import pytest

from config import key, provider, simple
from daemon import wait_until
from tokens import Layered
from wire import FAILURE, SUCCESS

# CKF_USER_PIN_COUNT_LOW, FINAL_TRY and LOCKED.
NO_FLAGS = "token test clear=0x70000"
CRASH = "call C_Login of=1 crash=1 times=always"


@pytest.fixture
def token(layered):
    made = layered("p256")
    made.script(NO_FLAGS)
    return made


def by_command(token, pin, *more):
    """The config, with a command that counts its runs."""
    runs = token.log.with_name("runs")
    runs.touch()
    sources = ['"command:echo x >>%s; echo %s"' % (runs, pin), *more]
    return runs, simple(token, 1) + (
        'token "t" { uri = "pkcs11:token=test" pin-source = { %s } }\n' %
        ", ".join(sources))


def sign(a, name="key1"):
    with a.client() as c:
        return c.sign(c.blob(name)) is not None


def about(a):
    token, = a.status()["tokens"]
    return token


def store(a):
    return a.dir / ".local/state/p11-agent/pins"


def kill(a):
    a.process.kill()
    a.process.wait()
    a.process = None
    for path in (a.socket, "%s.control" % a.socket):
        os.unlink(path)


def test_eight_crashes_and_one_try(agent, token):
    runs, config = by_command(token, "9999")
    a = agent(config, token)
    token.script(NO_FLAGS, CRASH)
    for _ in range(8):
        assert not sign(a)
    assert token.pins() == ["9999"]
    assert runs.read_text() == "x\n"
    known = about(a)
    assert known["pin"] == "few tries left"
    assert known["pins_in_doubt"] == 1
    assert "1 PIN was sent and no answer said" in known["pin_tries"]
    shown = a.ctl("status").stdout
    assert "PIN tries: 1 PIN was sent" in shown
    # Nor does another agent send it.
    assert a.stop() == 0
    a.start()
    assert not sign(a)
    assert token.pins() == ["9999"]
    assert about(a)["pins_in_doubt"] == 1


def test_the_prompt_says_so_and_a_good_pin_ends_it(agent, token):
    runs, config = by_command(token, token.pin, '"askpass"')
    a = agent(config, token, pins=[token.pin])
    token.script(NO_FLAGS, CRASH)
    assert not sign(a)
    token.script(NO_FLAGS)
    assert sign(a)
    assert "no answer said whether it was right" in a.askpass.prompt(1)
    assert about(a)["pin"] == "ok" and about(a)["pins_in_doubt"] == 0
    wait_until(lambda: store(a).stat().st_size == 12, what="no entries")
    # The command is trusted again.
    assert a.ctl("lock").returncode == 0
    assert sign(a)
    assert runs.read_text() == "x\nx\n"


def test_the_daemon_is_killed(agent, token):
    """In the middle of C_Login: the count was in the file."""
    runs, config = by_command(token, "9999")
    a = agent(config, token)
    token.script(NO_FLAGS, "call C_Login of=1 hang=1 times=always")
    with a.client() as c:
        c.send_sign(c.blob("key1"))
        wait_until(token.pins, what="C_Login")
        kill(a)
    a.start()
    assert about(a)["pins_in_doubt"] == 1
    for _ in range(3):
        assert not sign(a)
    assert token.pins() == ["9999"] and runs.read_text() == "x\n"


def test_ssh_add_and_crashes(agent, token):
    """ssh-add counts as a person, who was not told of a last try."""
    a = agent(simple(token, 1), token)
    token.script(NO_FLAGS, CRASH)
    with a.client() as c:
        for n in range(10):
            assert c.add_smartcard(token.module, "999%d" % n) == FAILURE
    assert token.pins() == ["9990", "9991"]
    assert "last try" in a.log()
    assert about(a)["pins_in_doubt"] == 2


@pytest.fixture(params=["unwritable", "unreadable"])
def without_count(request, agent, token, directory):
    """An agent whose file of wrong PINs cannot be written, or not be read."""
    state = directory / "state"
    (state / "p11-agent").mkdir(parents=True, mode=0o700)
    if request.param == "unreadable":
        (state / "p11-agent/pins").write_text("no sense\n")

    def make(config, **more):
        a = agent(config, token, env={"XDG_STATE_HOME": str(state)}, **more)
        if request.param == "unwritable":
            (state / "p11-agent").rmdir()
            (state / "p11-agent").write_text("not a folder\n")
        return a

    make.how = request.param
    return make


@pytest.mark.parametrize("end", ["crash", "answer"])
def test_ssh_add_has_one_try_without_a_count(end, without_count, token):
    a = without_count(simple(token, 1), pins=[token.pin])
    if end == "crash":
        token.script(NO_FLAGS, CRASH)
    with a.client() as c:
        for n in range(10):
            assert c.add_smartcard(token.module, "999%d" % n) == FAILURE
        assert token.pins() == ["9990"]
        assert "its one try" in a.log()
        # A person may, and then ssh-add has one again.
        token.script(NO_FLAGS)
        assert c.sign(c.blob("key1")) is not None
        assert token.pins() == ["9990", token.pin]
        assert a.ctl("lock").returncode == 0
        assert c.add_smartcard(token.module, token.pin) == SUCCESS


def test_only_persons_try_without_a_count(without_count, token):
    how = without_count.how
    runs, config = by_command(token, token.pin, '"askpass"')
    a = without_count(config, pins=[token.pin])
    done = [sign(a), sign(a)]
    # The command's PIN was not sent; the person's was.
    assert done[-1]
    assert token.pins() == [token.pin]
    assert a.askpass.calls() == 1
    assert len(runs.read_text().split()) == (1 if how == "unwritable" else 0)
    known = {"unwritable": "cannot be stored",
             "unreadable": "of before are not known"}[how]
    assert known in a.askpass.prompt(1)
    if how == "unwritable":
        assert "a PIN is sent, and if it is wrong" in a.log()


def test_a_store_that_hangs(agent, token, directory):
    """Another program holds the lock of the folder: a person's PIN waits for
    its deadline, a command's is not sent, and the daemon goes on."""
    import fcntl
    runs, config = by_command(token, "9999", '"askpass"')
    state = directory / "state/p11-agent"
    state.mkdir(parents=True, mode=0o700)
    a = agent(config, token, env={"XDG_STATE_HOME": str(state.parent)},
              pins=[token.pin])
    fd = os.open(state, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with a.client() as c:
            c.send_sign(c.blob("key1"))
            wait_until(lambda: runs.read_text(), what="the command")
            assert a.names() == ["key1"]
            assert c.receive_signature() is None
        assert token.pins() == []
        assert sign(a)
        assert token.pins() == [token.pin]
        assert "does not outlive this p11-agent" in a.log()
    finally:
        os.close(fd)


class OverCard(Layered):
    """OpenSC and its card behind that module."""

    def __init__(self, card, directory):
        super().__init__(card, directory)
        self.card = card

    @property
    def env(self):
        return dict(self.card.env, P11_LAYER_OVER=self.card.module,
                    P11_LAYER_SCRIPT=str(self.path),
                    P11_LAYER_LOG=str(self.log))


def test_a_signature_s_own_login(agent, piv, directory):
    """PIV 9C: the same before C_Login(CKU_CONTEXT_SPECIFIC)."""
    card = piv({"9c": "p256"})
    layer = OverCard(card, directory / "layer")
    a = agent(provider(layer) + key("sign", "id=%02"), layer,
              pins=[card.pin, "999999", card.pin])
    assert sign(a, "sign")
    layer.forget()
    layer.script("call C_Login of=2 hang=1 times=always")
    with a.client() as c:
        c.send_sign(c.blob("sign"))
        wait_until(lambda: layer.pins(2), what="C_Login")
        kill(a)
    assert layer.pins(2) == ["999999"]
    layer.script()
    a.start()
    assert about(a)["pins_in_doubt"] == 1
    assert sign(a, "sign")
    assert "1 PIN was sent and no answer" in a.askpass.prompt(3)
    assert about(a)["pins_in_doubt"] == 0
    assert card.tries() == 3


def test_a_proven_pin_needs_no_file(agent, token, directory):
    """A proven PIN is sent again as ever: nothing is stored for it."""
    state = directory / "state/p11-agent"
    a = agent(simple(token, 1) + 'token "t" { uri = "pkcs11:" '
              'keep-pin = "session" }\n', token, pins=[token.pin],
              env={"XDG_STATE_HOME": str(state.parent)})
    assert sign(a)
    wait_until(lambda: (state / "pins").stat().st_size == 12,
               what="no entries")
    before = (state / "pins").stat().st_ino
    for _ in range(3):
        os.kill(a.token_pid("test"), signal.SIGKILL)
        wait_until(lambda: a.token_pid("test") == 0, what="its end")
        assert sign(a)
    assert token.pins() == [token.pin] * 4
    assert (state / "pins").stat().st_ino == before
