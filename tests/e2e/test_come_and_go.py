# SPDX-License-Identifier: BSD-2-Clause
"""Cards that leave and come back, with nobody doing anything about it."""
import os
import signal
import subprocess
import time

import pytest

from config import key, provider
from daemon import wait_until
from keys import public_line
from replug import DATA, USABLE_MAX_SEC, Watched, dice, good, rounds

CONFIG = key("auth", "id=%01") + key("card", "id=%04")
NAMES = ["auth", "card"]
# Both modules that know this card; each has losses of its own.
MODULES = ["opensc-pkcs11.so", "libykcs11.so"]


class Served:
    """A card, an agent that serves it, and what went over its counter."""

    def __init__(self, agent, card, took, settings):
        self.card = card
        self.agent = agent(
            'provider "piv" { module = "%s" }\n' % card.module +
            'token "t" { uri = "pkcs11:" %s }\n' % settings + CONFIG,
            card, pins=[card.pin] * 200)
        self.askpass = self.agent.askpass
        self.watched = Watched(self.agent, NAMES, took)
        self.watched.wait_for(NAMES, 20)

    def order(self, *words):
        """To the card; when it was given."""
        now = time.monotonic()
        self.card.order(*words)
        return now

    def out(self):
        since = self.order("remove")
        self.watched.gone(since)

    def back(self, name="card"):
        since = self.order("insert")
        self.watched.usable(since, name)

    def signs(self, name):
        return self.watched.signs(name)

    def no_try_lost(self):
        stats = self.card.stats()
        return (stats["pin_tries"], stats["verify_bad"]) == (3, 0)


@pytest.fixture
def served(agent, piv, took):
    """served(settings, module=…): a card's agent."""
    def make(settings="", module=MODULES[0]):
        card = piv({"9a": "p256", "9e": "p384"})
        card.module = module
        return Served(agent, card, took, settings)

    return make


KEPT = 'keep-pin = "session"'


def test_pin_is_asked_again(served):
    """Without keep-pin; a key that needs no PIN just signs."""
    s = served()
    assert s.signs("card")
    s.out()
    s.back("card")
    assert s.askpass.calls() == 0
    assert s.signs("auth")
    s.out()
    s.back("auth")
    assert s.askpass.calls() == 2
    assert s.no_try_lost()


@pytest.mark.parametrize("module", MODULES)
def test_kept_pin_makes_it_invisible(served, module):
    s = served(KEPT, module)
    assert s.signs("auth")
    for _ in range(rounds(2, 20)):
        s.out()
        s.back("auth")
    assert s.askpass.calls() == 1
    assert s.no_try_lost()


@pytest.mark.parametrize("module", MODULES)
def test_out_around_a_signature(served, module):
    """During it, right before it, and by it: FAILURE, and in time.

    Right before it, while pcscd has not noticed, OpenSC's C_Sign would never
    return if its mutexes were not ours.
    """
    s = served(KEPT, module)
    assert s.signs("auth")
    for how in ("during", "before", "by"):
        with s.agent.client() as c:
            blob = c.blob("auth")
            if how == "during":
                s.order("delay", "30")
                c.send_sign(blob, DATA)
                wait_until(lambda: s.card.stats()["waiting"],
                           what="the card's wait")
                since = s.order("remove")
            elif how == "before":
                since = s.order("remove")
                c.send_sign(blob, DATA)
            else:
                since = s.order("remove-on-sign")
                c.send_sign(blob, DATA)
            # The list first: a call under way has a second more.
            s.watched.gone(since)
            s.watched.fails(c, since)
        s.order("delay", "0")
        s.back("auth")
    assert s.askpass.calls() == 1
    assert s.no_try_lost()


@pytest.mark.usefixtures("pcsc")
@pytest.mark.parametrize("module", MODULES)
def test_back_before_pcscd_looks(served, module, took):
    """Nobody tells that the card was away; the signature finds out.

    OpenSC 0.23 locks itself out then, in its own mutexes and in ours: those
    we see, and the request goes on in a fresh process.
    """
    s = served(KEPT, module)
    assert s.signs("auth")
    for name in ("card", "auth") * 2:
        s.order("remove")
        since = s.order("insert")
        # A request may come while pcscd itself looks at the new card.
        wait_until(lambda: s.signs(name), what="a signature")
        took("signed after a short absence", time.monotonic() - since)
        # Promised are 2 s; a loaded machine may need more.
        assert time.monotonic() - since < USABLE_MAX_SEC
        s.watched.wait_for(NAMES, 10)
    # A login that the new card cut off proves no PIN: a prompt more.
    assert s.no_try_lost()


@pytest.mark.usefixtures("pcsc")
@pytest.mark.parametrize("module", MODULES)
def test_random_moments(served, module):
    """Each request ends; no signature is wrong; in the end all works."""
    random = dice()
    s = served(KEPT, module)
    for _ in range(rounds(10, 50)):
        with s.agent.client() as c:
            c.sock.settimeout(10)
            s.watched.wait_for(NAMES, 10)
            name = random.choice(NAMES)
            # The removal of before may only show now.
            blob = wait_until(lambda: {n: b for b, n in c.identities()}.get(
                name), what="key %s" % name)
            s.order("delay", random.choice(("0", "0.3")))
            c.send_sign(blob, DATA)
            time.sleep(random.random() * 0.6)
            since = s.order("remove")
            if random.random() < 0.5:
                c.send_sign(blob, DATA)
                good(blob, c.receive_signature())
            good(blob, c.receive_signature())
            assert time.monotonic() - since < 8
        time.sleep(random.random() * 0.5)
        s.order("insert")
        # Out again, maybe in the middle of a scan.
        if random.random() < 0.3:
            time.sleep(random.random() * 0.6)
            s.order("remove")
            time.sleep(random.random() * 0.6)
            s.order("insert")
    s.order("delay", "0")
    s.watched.wait_for(NAMES, 10)
    assert s.signs("card") and s.signs("auth")
    # A login that the removal cut off proves no PIN, so more than one prompt.
    assert s.no_try_lost()


@pytest.mark.parametrize("seconds", [
    3, pytest.param(20, marks=pytest.mark.long)])
def test_touch_is_waited_for(served, seconds):
    s = served()
    s.order("delay", seconds)
    with s.agent.client() as c:
        blob = c.blob("card")
        begin = time.monotonic()
        assert good(blob, c.sign(blob, DATA))
        assert time.monotonic() - begin >= seconds
    assert s.card.stats()["signatures"] == 1


def test_out_while_a_prompt_is_open(served):
    """The prompt goes with the card, and no PIN is sent."""
    s = served()
    s.askpass.answer_with("!wait", s.card.pin)
    with s.agent.client() as c:
        c.send_sign(c.blob("auth"), DATA)
        s.askpass.wait_for_calls(1)
        since = s.order("remove")
        s.watched.fails(c, since)
    s.back("auth")
    assert s.no_try_lost()


# OpenSC itself tries again once, libykcs11 does not.
@pytest.mark.parametrize("module, times", zip(MODULES, ["2", "1"]))
def test_what_other_programs_do(served, module, times):
    """A card that was reset costs a login, unless OpenSC has the PIN itself;
    one that fails does not."""
    s = served(module=module)
    assert s.signs("auth")
    s.order("reset")
    assert s.signs("auth")
    prompts, processes = s.askpass.calls(), s.agent.providers()
    assert prompts <= 2
    s.order("fail-sign", "6F00", times)
    assert s.signs("auth")
    assert s.askpass.calls() == prompts
    assert s.agent.providers() == processes
    assert s.no_try_lost()


@pytest.mark.parametrize("how", [
    "killed", pytest.param("stopped", marks=pytest.mark.long)])
def test_pcscd_comes_back(served, how):
    """The keys leave and come back with it, or stay: they sign."""
    s = served(KEPT)
    assert s.signs("auth")
    if how == "killed":
        os.kill(int((s.card.dir / "pcscd.pid").read_text()), signal.SIGKILL)
    s.card.stop()
    s.card.start()
    begin = time.monotonic()
    s.watched.wait_for(NAMES, 10)
    assert s.signs("auth")
    s.watched.took("usable after pcscd's start", time.monotonic() - begin)
    assert s.askpass.calls() == 1
    assert s.no_try_lost()


@pytest.mark.usefixtures("pcsc")
def test_pcscd_starts_later(served, piv, agent, took):
    """The agent was there before it."""
    card = piv({"9a": "p256", "9e": "p384"})
    card.stop()
    a = agent(provider(card, "piv") + CONFIG, card)
    assert a.names() == []
    assert "pcscd" in a.status()["readers_fault"]
    card.start()
    watched = Watched(a, NAMES, took)
    watched.wait_for(NAMES, 10)
    assert watched.signs("card")


@pytest.mark.usefixtures("pcsc")
def test_readers_program_killed(served):
    """It is started again, and sees what comes then."""
    s = served()

    def readers():
        return [pid for pid, line in s.agent.children().items()
                if "p11-agent-readers" in line]

    killed, = wait_until(readers, what="the readers' process")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: readers() not in ([], [killed]),
               what="another readers' process")
    s.order("remove")
    s.watched.wait_for([], 10)
    s.back()


def readers_pid(a):
    pid, = [pid for pid, line in a.children().items()
            if "p11-agent-readers" in line]
    return pid


@pytest.mark.parametrize("who", ["status", "list"])
def test_readers_program_hangs(served, who):
    """With no card in, nothing happens that would tell. It is asked when
    somebody wants something, ended if it does not answer, and another one
    sees what was missed."""
    s = served()
    s.out()
    hung = readers_pid(s.agent)
    os.kill(hung, signal.SIGSTOP)
    s.order("insert")
    begin = time.monotonic()
    if who == "status":
        words = " ".join(s.agent.ctl("status").stdout.split())
        assert "it gives no sign of life" in words
        assert time.monotonic() - begin < 8
    s.watched.wait_for(NAMES, 30)
    assert s.signs("auth")
    assert readers_pid(s.agent) != hung
    assert "gives no sign of life" in s.agent.log()
    assert not s.agent.status()["readers_fault"]


def test_real_clients(served, sshd, directory):
    """ssh and git, with a replug before each: one prompt in all."""
    s = served(KEPT)
    line = public_line(s.card.blob("9a"))
    sshd.accept(line)
    assert sshd.ssh(s.agent.env).stdout.strip() == "publickey " + line
    s.out()
    s.back()
    done = sshd.ssh(s.agent.env)
    assert done.stdout.strip() == "publickey " + line, done.stderr
    s.out()
    s.back()
    repository = directory / "repository"
    (directory / "allowed_signers").write_text("me@example.org %s\n" % line)
    subprocess.run(["git", "init", "-q", repository], check=True)
    settings = {"user.name": "me", "user.email": "me@example.org",
                "gpg.format": "ssh", "user.signingkey": "key::" + line,
                "gpg.ssh.allowedSignersFile":
                str(directory / "allowed_signers")}
    git = ["git", "-C", repository]
    for name, value in settings.items():
        git += ["-c", "%s=%s" % (name, value)]
    done = s.agent.run(*git, "commit", "-q", "--allow-empty", "-S", "-m", "a")
    assert done.returncode == 0, done.stderr
    done = s.agent.run(*git, "verify-commit", "HEAD")
    assert "Good \"git\" signature for me@example.org" in done.stderr
    assert s.askpass.calls() == 1
    assert s.no_try_lost()
