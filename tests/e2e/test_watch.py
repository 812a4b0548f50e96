# SPDX-License-Identifier: BSD-2-Clause
"""p11-agentctl watch: what happens, as it happens."""
import json
import os
import signal
import subprocess
import threading

import pytest

from config import key, provider, simple
from daemon import program, wait_until


class Watch:
    """A p11-agentctl that watches, and the lines that it printed."""

    def __init__(self, a, *words):
        self.process = subprocess.Popen(
            [program("p11-agentctl"), "-a", str(a.socket), "watch", *words],
            env=a.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        self.lines = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        self.wait_for("watching")

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, words):
        return wait_until(lambda: [n for n in self.lines if words in n],
                          what="%r in %s" % (words, self.lines))[0]

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self):
        status = self.process.wait(20)
        self.thread.join(20)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@pytest.fixture
def watch():
    """watch(agent, …): begins to watch; what the test ends is ended."""
    made = []

    def make(a, *words):
        made.append(Watch(a, *words))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.end()


def test_lines(agent, piv, watch):
    card = piv({"9a": "p256"})
    a = agent(provider(card, "opensc") + key("auth", "id=%01"), card,
              pins=["!cancel", card.pin])
    assert a.names() == ["auth"]
    w = watch(a)
    with a.client() as c:
        blob = c.blob("auth")
        assert c.sign(blob) is None
        assert a.ctl("lock").returncode == 0
        assert c.sign(blob) is not None
    me = "for python3 (pid %d)" % os.getpid()
    said = w.wait_for(" signed: ")
    assert 'key "auth"' in said and me in said
    refused = w.wait_for("not signed: ")
    assert me in refused and "cancelled" in refused
    card.order("remove")
    assert "card has left" in w.wait_for("token left: ")
    w.wait_for("login ended: ")
    card.order("insert")
    w.wait_for("token here: ")
    assert a.ctl("reload").returncode == 0
    w.wait_for("config loaded")
    kinds = [line.split(" ", 1)[1].split(":")[0] for line in w.lines]
    for one, then in (("prompt opened", "prompt answered"),
                      ("prompt answered", "logged in"),
                      ("logged in", "signed"), ("signed", "login ended"),
                      ("token left", "token here")):
        assert kinds.index(one) < kinds.index(then), w.lines
    assert not [line for line in w.lines if card.pin in line]
    assert w.interrupt() == -signal.SIGINT


def test_json(agent, softhsm, watch):
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=["0000", token.pin])
    w = watch(a, "--json")
    with a.client() as c:
        assert c.sign(c.blob("key1")) is not None
    w.wait_for('"signed"')
    a.config.write_text("nonsense = 1\n")
    assert a.ctl("reload").returncode == 1
    w.wait_for('"config refused"')
    a.stop()
    assert w.end() == 3     # it says that the agent is gone
    events = [json.loads(line) for line in w.lines]
    times = [e["time"] for e in events]
    assert times == sorted(times) and times[0] > 1e9
    by_name = {e["event"]: e for e in events}
    assert by_name["signed"]["key"] == "key1"
    assert by_name["signed"]["fingerprint"].startswith("SHA256:")
    assert "CKR_PIN_INCORRECT" in by_name["PIN wrong"]["text"]
    assert by_name["logged in"]["token"] == by_name["PIN wrong"]["token"]
    assert "nonsense" in by_name["config refused"]["text"]


def test_one_that_does_not_read(agent, softhsm, watch):
    """It holds up nobody."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=[token.pin])
    w = watch(a)
    w.process.send_signal(signal.SIGSTOP)
    with a.client() as c:
        blob = c.blob("key1")
        for _ in range(200):
            assert c.sign(blob) is not None
    w.process.send_signal(signal.SIGCONT)
    wait_until(lambda: len([line for line in w.lines if " signed: " in line])
               == 200, what="all events")
