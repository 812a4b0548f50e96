# SPDX-License-Identifier: BSD-2-Clause
"""USB tokens pulled out with their readers, as YubiKeys are."""
import os
import signal
import time

import pytest

from daemon import wait_until
from keys import fingerprint
from replug import DATA, ENDED_MAX_SEC, Watched, good

# Two cards, each with a PIN of its own.
PINS = {"a": "123456", "b": "654321"}

ASKPASS = """#!/bin/sh
mkdir "%s/call.$$"
case $1 in
*%s*) echo 123456 ;;
*%s*) echo 654321 ;;
esac
"""


def cost(agent):
    """What the daemon has: open files, processes, memory in MiB."""
    pid = agent.process.pid
    with open("/proc/%d/status" % pid) as f:
        kib, = [int(line.split()[1]) for line in f
                if line.startswith("VmRSS")]
    return (len(os.listdir("/proc/%d/fd" % pid)), len(agent.children()),
            kib / 1024)


class Ports:
    """One agent for two cards; `port` says where each of them is."""

    def __init__(self, usb, agent, took):
        self.usb = usb
        self.port = {}
        for n, card in enumerate(PINS):
            usb.plug(n + 1, card, pin=PINS[card])
            self.port[card] = n + 1
        config = 'provider "opensc" { module = "opensc-pkcs11.so" }\n'
        config += 'token "t" { uri = "pkcs11:" keep-pin = "session" }\n'
        for card in PINS:
            config += 'key "%s" { fingerprint = "%s" }\n' % (
                card, fingerprint(usb.blob(card)))
        usb.wait_for_cards(len(PINS))
        self.agent = agent(config, usb)
        self.watched = Watched(self.agent, None, took)
        self.watched.wait_for(["a", "b"], 10)
        self.serials = {k["name"]: k["serial"] for k in self.agent.keys()}
        self.agent.askpass.script.write_text(ASKPASS % (
            self.agent.askpass.dir, self.serials["a"], self.serials["b"]))

    def here(self):
        return sorted(self.port)

    def signs(self, card):
        """… and no wrong PIN got to it."""
        assert self.watched.signs(card)
        assert self.usb.stats(self.port[card])["verify_bad"] == 0

    def out(self, card):
        begin = time.monotonic()
        self.usb.unplug(self.port.pop(card))
        self.watched.gone(begin, self.here())

    def back(self, port, card):
        begin = time.monotonic()
        self.usb.plug(port, card)
        self.port[card] = port
        self.watched.shown = self.here()
        self.watched.usable(begin, card)
        self.signs(card)

    def out_around_a_signature(self, when, card):
        with self.agent.client() as c:
            blob = c.blob(card)
            if when == "during":
                self.usb.order(self.port[card], "delay", "30")
                c.send_sign(blob, DATA)
                wait_until(lambda: self.usb.stats(self.port[card])["waiting"],
                           what="the touch wait")
            elif when == "after":
                assert good(blob, c.sign(blob, DATA))
            begin = time.monotonic()
            leaves = self.usb.start_unplug(self.port.pop(card))
            if when == "before":
                c.send_sign(blob, DATA)
            self.watched.gone(begin, self.here())
            if when != "after":
                good(blob, c.receive_signature())
                assert time.monotonic() - begin < ENDED_MAX_SEC
            assert leaves.wait(20) == 0


@pytest.mark.parametrize("often", [
    6, pytest.param(30, marks=pytest.mark.long)])
def test_in_one_daemon(usb, agent, took, often):
    """Before, during and after a signature; back here, there, or another.

    Where another comes back, a reader's name has another card in it, which
    must neither sign for the first nor get its PIN.
    """
    p = Ports(usb, agent, took)
    p.out("b")
    card = "a"
    p.signs(card)
    first = cost(p.agent)
    for n in range(often):
        p.out_around_a_signature(("before", "during", "after")[n % 3], card)
        if n % 2 == 1:
            card = "b" if card == "a" else "a"
        p.back(1 + n // 2 % 2, card)
    # A helper that ran at the first look has ended; none is left over.
    wait_until(lambda: all(now <= then for now, then in
                           zip(cost(p.agent)[:2], first[:2])),
               what="no more files and processes than %s" % (first[:2],))
    memory = cost(p.agent)[2]
    took("the daemon's memory before replugs", first[2], "MiB")
    took("the daemon's memory after %d replugs" % often, memory, "MiB")
    # ASan keeps what was freed for a while; a leak it finds at the end.
    assert memory < first[2] + 30
    assert [usb.state(card)["pin_tries"] for card in PINS] == [3, 3]


def test_two_swapped(usb, agent, took):
    """Both are out, and each comes back in the other's port."""
    p = Ports(usb, agent, took)
    p.signs("a")
    p.signs("b")
    for card in PINS:
        p.usb.unplug(p.port.pop(card))
    p.watched.wait_for([], 5)
    p.back(1, "b")
    p.back(2, "a")
    assert p.agent.askpass.calls() == 2


def test_one_slow(usb, agent, took):
    """The other token of the same module is not delayed, nor is its start."""
    p = Ports(usb, agent, took)
    p.signs("a")
    p.signs("b")
    usb.order(p.port["a"], "delay", "5")
    with p.agent.client() as slow, p.agent.client() as other:
        a, b = slow.blob("a"), other.blob("b")
        slow.send_sign(a, DATA)
        wait_until(lambda: usb.stats(p.port["a"])["waiting"],
                   what="the touch wait")
        times = []
        for _ in range(5):
            begin = time.monotonic()
            assert good(b, other.sign(b, DATA))
            times.append(time.monotonic() - begin)
        pids = {t["serial"]: t["pid"] for t in p.agent.status()["tokens"]}
        os.kill(pids[p.serials["b"]], signal.SIGKILL)
        begin = time.monotonic()
        assert good(b, other.sign(b, DATA))
        times.append(time.monotonic() - begin)
        took("signature beside a slow card", max(times[:-1]))
        took("the same with a process to start", times[-1])
        assert usb.stats(p.port["a"])["waiting"]
        assert good(a, slow.receive_signature())
