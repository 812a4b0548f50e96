# SPDX-License-Identifier: BSD-2-Clause
"""Virtual PIV cards as USB tokens: the reader leaves with the card."""
import json
import os
import subprocess

from daemon import wait_until
from tokens import RIG, card_blob, card_order, run


class Usb:
    """Two USB ports, 1 and 2, and a pcscd of their own; empty at first.

    A card is any word; its keys are made when it is plugged in first.
    """

    module = "opensc-pkcs11.so"
    pin = "123456"

    def __init__(self, directory):
        self.dir = directory
        self.rig("start")

    def rig(self, command, *words):
        return run(RIG + "/rig-usb.sh", command, self.dir, *words)

    @property
    def env(self):
        return {"PCSCLITE_CSOCK_NAME": str(self.dir / "pcscd.comm")}

    def plug(self, port, card, keys=None, pin=None):
        words = ["--pin", pin or self.pin]
        for slot, kind in (keys or {"9a": "p256"}).items():
            words += ["--key", "%s=%s" % (slot, kind)]
        self.rig("plug", port, card, *words)

    def wait_for_cards(self, n=1):
        """PC/SC knows of this many; one that it does not is not scanned."""
        wait_until(lambda: subprocess.run(
            ["opensc-tool", "-l"], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=dict(os.environ, **self.env)
        ).stdout.count(" Yes ") == n, what="%d cards" % n)

    def state(self, card):
        """What a card is made of; for one that was plugged in before."""
        return json.loads((self.dir / ("card-%s.json" % card)).read_text())

    def make(self, card, state):
        """Before it is plugged in."""
        (self.dir / ("card-%s.json" % card)).write_text(json.dumps(state))

    def unplug(self, port):
        self.rig("unplug", port)

    def start_unplug(self, port):
        """The same, not waited for."""
        return subprocess.Popen(
            [RIG + "/rig-usb.sh", "unplug", str(self.dir), str(port)],
            stdout=subprocess.DEVNULL)

    def order(self, port, *words):
        """A command to the card in a port; what it answers."""
        return card_order(self.dir / ("port%s.sock" % port), *words)

    def stats(self, port):
        return json.loads(self.order(port, "stats"))

    def blob(self, card):
        """The SSH key blob of its key for logins."""
        return card_blob(self.state(card), "9a")

    def stop(self):
        self.rig("stop")
