# SPDX-License-Identifier: BSD-2-Clause
"""p11-agent-readers with a real pcscd, and with none."""
import os
import signal
import socket
import subprocess
import time

import pytest

from daemon import program, wait_until
from pcscd import CLOSE, NO_ACCESS, SECURITY_VIOLATION, Holder, RefusingPcscd
from readers import NO_SERVICE, OK, REFUSED, Readers
from tokens import Piv

KEYS = {"9a": "p256"}
READER = "Yubico YubiKey CCID 00 00"
SEEN_MAX_SEC = 0.5

pytestmark = pytest.mark.usefixtures("pcsc")


@pytest.fixture
def readers():
    """readers(env): a running p11-agent-readers."""
    made = []

    def make(env):
        made.append(Readers(env))
        return made[-1]

    yield make
    for one in made:
        one.finish()


def has_card(state):
    return READER in state.cards()


def is_empty(state):
    return state.service == OK and READER in state.readers and (
        not state.cards())


def without_readers(state):
    return state.service == OK and not state.readers


def socket_of(path):
    return {"PCSCLITE_CSOCK_NAME": str(path)}


def test_cards_come_and_go(readers, piv, took):
    card = piv(KEYS)
    r = readers(card.env)
    r.wait_for(has_card)
    times = []
    for _ in range(5):
        for order, condition in (("remove", is_empty), ("insert", has_card)):
            start = time.monotonic()
            card.order(order)
            times.append(r.wait_for(condition).time - start)
            took("%s seen by p11-agent-readers, card" % order, times[-1])
    # One may be late on a busy machine; pcscd itself looks every 0.4 s.
    assert sorted(times)[-2] < SEEN_MAX_SEC


def test_reader_leaves_with_the_card(readers, usb, took):
    """As a YubiKey's does; it comes back in the other port."""
    r = readers(usb.env)
    r.wait_for(without_readers)
    for port, card in ((1, "a"), (2, "a"), (1, "b")):
        usb.plug(port, card)
        start = time.monotonic()
        seconds = r.wait_for(has_card).time - start
        took("insert seen by p11-agent-readers, USB", seconds)
        assert seconds < SEEN_MAX_SEC
        unplug = usb.start_unplug(port)
        assert r.wait_for(without_readers).service == OK
        start = time.monotonic()
        assert unplug.wait(10) == 0
        # The bus's own event is the last that the rig does.
        seconds = max(0, r.seen[-1].time - start)
        took("remove seen by p11-agent-readers, USB", seconds)
        assert seconds < SEEN_MAX_SEC


def test_two_readers(readers, usb):
    """One leaves while the other stays, and gives its name to the next."""
    r = readers(usb.env)
    usb.plug(1, "a")
    usb.plug(2, "b")
    both = r.wait_for(lambda s: len(s.cards()) == 2)
    usb.unplug(1)
    one = r.wait_for(lambda s: len(s.readers) == 1)
    assert READER not in one.readers
    usb.plug(1, "c")
    again = r.wait_for(lambda s: len(s.cards()) == 2)
    assert again.readers.keys() == both.readers.keys()
    assert again.readers[READER].events != both.readers[READER].events


def test_sign_of_life(readers, piv):
    """While it waits in PC/SC; and it goes on to see what comes."""
    card = piv(KEYS)
    r = readers(card.env)
    r.wait_for(has_card)
    for _ in range(20):
        assert r.lives()
    for order, condition in (("remove", is_empty), ("insert", has_card)):
        card.order(order)
        r.wait_for(condition)
        assert r.lives()
    # Whoever hangs there gives none, be it for want of pcscd.
    pcscd = int((card.dir / "pcscd.pid").read_text())
    os.kill(pcscd, signal.SIGSTOP)
    try:
        assert not r.lives(2)
    finally:
        os.kill(pcscd, signal.SIGCONT)
    assert r.lives()
    card.order("remove")
    r.wait_for(is_empty)
    card.stop()
    r.wait_for(lambda s: s.service == NO_SERVICE)
    assert r.lives()


def stopped(r):
    """It does not run until the context is left."""
    class Stopped:
        def __enter__(self):
            os.kill(r.process.pid, signal.SIGSTOP)

        def __exit__(self, *_):
            os.kill(r.process.pid, signal.SIGCONT)
    return Stopped()


def test_swaps_between_two_looks(readers, piv):
    """A card that was out and in shows as another count."""
    card = piv(KEYS)
    r, observer = readers(card.env), readers(card.env)
    before = r.wait_for(has_card).readers[READER].events
    observer.wait_for(has_card)
    with stopped(r):
        for _ in range(2):
            card.order("remove")
            observer.wait_for(is_empty)
            card.order("insert")
            observer.wait_for(has_card)
    after = r.wait_for(
        lambda s: has_card(s) and s.readers[READER].events != before)
    assert after.readers[READER].events == before + 4
    assert all(map(has_card, r.seen[-1:]))


def test_swapped_tokens(readers, usb):
    """The reader's name comes back with another card in it."""
    usb.plug(1, "a")
    r, observer = readers(usb.env), readers(usb.env)
    before = r.wait_for(has_card).readers[READER].events
    observer.wait_for(has_card)
    with stopped(r):
        usb.unplug(1)
        observer.wait_for(without_readers)
        usb.plug(1, "b")
        observer.wait_for(has_card)
    r.wait_for(lambda s: not has_card(s) or (
        s.readers[READER].events != before))


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_pcscd_comes_back(readers, piv, directory, how):
    """Killed, it leaves its socket behind."""
    card = piv(KEYS)
    r = readers(card.env)
    r.wait_for(has_card)
    for _ in range(2):
        if how == "killed":
            pid = int((card.dir / "pcscd.pid").read_text())
            os.kill(pid, signal.SIGKILL)
        else:
            card.stop()
        gone = r.wait_for(lambda s: s.service != OK)
        assert gone.service == NO_SERVICE
        assert "pcscd" in gone.text
        card.stop()
        card = Piv(card.dir, KEYS)
        start = time.monotonic()
        assert r.wait_for(has_card).time - start < SEEN_MAX_SEC


def test_pcscd_starts_later(readers, piv, directory):
    """Not even its folder is there at first."""
    where = directory / "piv0"
    r = readers(socket_of(where / "pcscd.comm"))
    absent = r.message(10)
    assert absent.service == NO_SERVICE
    assert str(where / "pcscd.comm") in absent.text
    assert r.message(1.5) is None
    card = piv(KEYS)
    assert card.dir == where
    start = time.monotonic()
    assert r.wait_for(has_card).time - start < SEEN_MAX_SEC


@pytest.mark.parametrize("result", [SECURITY_VIOLATION, NO_ACCESS, CLOSE],
                         ids=["security-violation", "no-access", "close"])
def test_refused(readers, piv, directory, result):
    """It says so, does not ask again and again, and goes on one day."""
    where = directory / "piv0"
    where.mkdir()
    pcscd = RefusingPcscd(where / "pcscd.comm", result)
    r = readers(socket_of(pcscd.path))
    refused = r.message(10)
    assert refused.service == REFUSED
    assert "refuses" in refused.text
    tries = pcscd.refused
    assert tries == 1
    assert r.message(1) is None
    assert pcscd.refused == tries
    pcscd.stop()
    piv(KEYS)
    assert r.wait_for(lambda s: s.service == OK)
    r.wait_for(has_card)


def test_refused_is_tried_again(readers, directory):
    """… also without any change of the socket."""
    pcscd = RefusingPcscd(directory / "pcscd.comm", SECURITY_VIOLATION)
    r = readers(socket_of(pcscd.path))
    assert r.message(10).service == REFUSED
    wait_until(lambda: pcscd.refused == 2, seconds=8)
    pcscd.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_socket_of_others(directory):
    """The mode of the socket keeps this user out."""
    pcscd = RefusingPcscd(directory / "pcscd.comm", SECURITY_VIOLATION)
    os.chmod(pcscd.path, 0o600)
    directory.chmod(0o755)
    source = ("import os, sys; os.setuid(65534); "
              "os.execv(sys.argv[1], sys.argv[1:])")
    copy = directory / "p11-agent-readers"
    copy.write_bytes(open(program("p11-agent-readers"), "rb").read())
    copy.chmod(0o755)
    r = Readers(socket_of(pcscd.path),
                words=["/usr/bin/python3", "-c", source, str(copy)])
    state = r.message(10)
    assert (state.service, pcscd.refused) == (REFUSED, 0)
    assert pcscd.path in state.text
    os.chmod(pcscd.path, 0o666)
    wait_until(lambda: pcscd.refused == 1, seconds=2)
    pcscd.stop()
    assert r.finish() == 0


def test_holds_nobody_out(readers, piv):
    """Another program takes the card for itself; the next look shows it."""
    card = piv(KEYS)
    r = readers(card.env)
    r.wait_for(has_card)
    other = Holder(card.env, READER)
    assert other.result == 0
    late = readers(card.env)
    assert late.wait_for(has_card).readers[READER].exclusive
    other.release()
    assert not late.wait_for(has_card).readers[READER].exclusive


def silent(directory):
    """A pcscd that accepts and never answers."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(directory / "silent"))
    sock.listen(1)
    return sock, socket_of(directory / "silent")


@pytest.mark.parametrize("where", ["watching", "absent", "silent"])
def test_ends_with_the_daemon(readers, piv, directory, where):
    """At once, wherever it waits."""
    if where == "watching":
        r = readers(piv(KEYS).env)
        r.wait_for(has_card)
    elif where == "absent":
        r = readers(socket_of(directory / "none"))
        r.wait_for(lambda s: s.service == NO_SERVICE)
    else:
        sock, env = silent(directory)
        r = readers(env)
        sock.settimeout(10)
        connection, _ = sock.accept()
        assert connection.recv(1)
    start = time.monotonic()
    r.close()
    assert r.process.wait(5) == 0
    assert time.monotonic() - start < SEEN_MAX_SEC


@pytest.mark.parametrize("words", [
    b"\0\0\0\0", b"\0\0\0\1\0", b"\0\0\0\1\x50", b"\xff\xff\xff\xff"],
    ids=["empty", "unknown", "a-state", "too-long"])
def test_daemon_that_speaks(readers, directory, words):
    """A daemon may ask for a sign of life; at other words the program ends."""
    r = readers(socket_of(directory / "none"))
    r.message(10)
    assert r.lives()
    r.sock.sendall(words)
    assert r.process.wait(5) == 0


def test_started_by_hand():
    done = subprocess.run([program("p11-agent-readers")], text=True,
                          capture_output=True, timeout=10)
    assert done.returncode == 1
    assert "started by p11-agent alone" in done.stderr


def test_idle(readers, piv, took):
    """Nothing wakes it, but pcsc-lite itself once a minute."""
    r = readers(piv(KEYS).env)
    r.wait_for(has_card)
    assert r.message(2) is None
    before = r.wakeups()
    time.sleep(10)
    # One of pcsc-lite's own is three short waits for pcscd's answers.
    assert r.wakeups() - before <= 4
