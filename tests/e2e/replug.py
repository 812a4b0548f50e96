# SPDX-License-Identifier: BSD-2-Clause
"""Tokens that leave an agent and come back, and how long that takes."""
import os
import random
import time

from daemon import wait_until
from keys import verify

# Promised are 1 s, 2 s and 2 s; a loaded machine may need more.
GONE_MAX_SEC = 3
USABLE_MAX_SEC = 6
ENDED_MAX_SEC = 4

DATA = b"what is signed"


class Watched:
    """An agent, the names it should show, and `took` for the times."""

    def __init__(self, agent, names, took):
        self.agent = agent
        self.shown = names
        self.took = took

    def wait_for(self, names, seconds):
        with self.agent.client() as c:
            wait_until(lambda: c.names() == names, seconds,
                       "%s, there are %s" % (names, c.names()))

    def gone(self, since, left=()):
        """The list has lost the keys; since when that was due."""
        self.wait_for(list(left), GONE_MAX_SEC)
        self.took("removal seen", time.monotonic() - since)

    def usable(self, since, name):
        """They are listed again, and this one signs."""
        self.wait_for(self.shown, USABLE_MAX_SEC)
        assert self.signs(name)
        self.took("insertion usable", time.monotonic() - since)

    def signs(self, name):
        """False also when it is not listed."""
        with self.agent.client() as c:
            blob = {n: b for b, n in c.identities()}.get(name)
            return blob is not None and good(blob, c.sign(blob, DATA))

    def fails(self, client, since):
        """What was asked for ends without a signature, and in time."""
        assert client.receive_signature() is None
        seconds = time.monotonic() - since
        assert seconds < ENDED_MAX_SEC
        self.took("failure after removal", seconds)


def good(blob, signature):
    """One that verifies; there may be none, but never a wrong one."""
    if signature is None:
        return False
    assert verify(blob, signature, DATA), "a wrong signature"
    return True


def dice():
    """Random moments that P11_AGENT_SEED brings back."""
    seed = int(os.environ.get("P11_AGENT_SEED", time.time_ns() % 100000))
    print("P11_AGENT_SEED=%d" % seed)
    return random.Random(seed)


def rounds(short, long):
    return long if "P11_AGENT_LONG" in os.environ else short
