# SPDX-License-Identifier: BSD-2-Clause
"""Tokens to sign with: SoftHSM, p11-kit's RPC, a TPM, a virtual PIV card."""
import json
import os
import shutil
import socket
import subprocess

from daemon import BUILD
from keys import blob_of

from cryptography.hazmat.primitives import serialization

RIG = os.path.join(os.path.dirname(__file__), "..", "rig")


def run(*words, **options):
    """A command that must work; its output."""
    done = subprocess.run([str(w) for w in words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, **options)
    assert done.returncode == 0, "%s: %s" % (words[0], done.stdout)
    return done.stdout


def find(*paths):
    for path in paths:
        if os.path.exists(path):
            return path
    raise AssertionError("none of %s is there" % ", ".join(paths))


def card_order(path, *words):
    """One line to a card's control socket; what it answers.

    Not by rig-*.sh: a process takes its time, and times are measured here.
    """
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(str(path))
        s.sendall(" ".join(str(w) for w in words).encode() + b"\n")
        with s.makefile() as answers:
            out = answers.readline().strip()
    assert out.startswith("ok"), out
    return out[2:].strip()


def card_blob(state, slot):
    """The SSH key blob of a slot's key in what pivcard.py keeps."""
    pem, = [k["key"] for k in state["keys"] if k["slot"] == slot]
    key = serialization.load_pem_private_key(pem.encode(), None)
    return blob_of(key.public_key())


class SoftHsm:
    """A folder of SoftHSM tokens. Key number n has the CKA_ID n."""

    module = "libsofthsm2.so"
    pin = "1234"

    def __init__(self, directory):
        self.dir = directory
        self.conf = directory / "softhsm2.conf"

    @staticmethod
    def path():
        return find("/usr/lib/softhsm/libsofthsm2.so",
                    "/usr/lib64/pkcs11/libsofthsm2.so")

    @property
    def env(self):
        return {"SOFTHSM2_CONF": str(self.conf)}

    def tool(self, *words):
        """pkcs11-tool, logged in."""
        return run("pkcs11-tool", "--module", self.path(), "--login",
                   "--pin", self.pin, *words,
                   env=dict(os.environ, **self.env))

    def ssh_keygen(self):
        """The public keys that OpenSSH's own PKCS#11 code finds."""
        return subprocess.run(
            ["ssh-keygen", "-D", self.path()], text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
            env=dict(os.environ, **self.env)).stdout

    @classmethod
    def make(cls, directory, kinds, label="test"):
        run(RIG + "/rig-softhsm.sh", "start", directory, *kinds,
            env=dict(os.environ, LABEL=label))
        return cls(directory)

    def copy(self, directory):
        """The same keys in a folder of their own."""
        shutil.copytree(self.dir, directory)
        new = SoftHsm(directory)
        new.conf.write_text(self.conf.read_text().replace(
            str(self.dir), str(directory)))
        return new

    def take_in(self, other):
        """Another folder's tokens as well."""
        for token in (other.dir / "tokens").iterdir():
            shutil.copytree(token, self.dir / "tokens" / token.name)


class Layered:
    """A SoftHSM token behind a module that does what a script says: see
    tests/pkcs11/layer-module.c for what a script may say."""

    module = os.path.join(BUILD, "tests/pkcs11/p11-layer.so")

    def __init__(self, token, directory):
        directory.mkdir()
        self.below = token
        self.pin = token.pin
        self.path = directory / "script"
        self.log = directory / "log"
        self.log.touch()
        self.script()

    @property
    def env(self):
        return dict(self.below.env, P11_LAYER_OVER=self.below.path(),
                    P11_LAYER_SCRIPT=str(self.path),
                    P11_LAYER_LOG=str(self.log))

    def script(self, *lines):
        """What it does from now on; the counts begin anew."""
        new = self.path.with_suffix(".new")
        new.write_text("".join("%s\n" % line for line in lines))
        new.rename(self.path)

    def forget(self):
        """Empty the log."""
        os.truncate(self.log, 0)

    def calls(self, name, detail=None):
        """Calls that began since the log was empty: (pid, name, detail …)."""
        found = []
        for line in self.log.read_text().splitlines():
            words = line.split(" ")
            if words[0] == ">" and words[2] == name and (
                    detail is None or words[3] == str(detail)):
                found.append(tuple(words[1:]))
        return found

    def pins(self, user=1):
        """The PINs that C_Login got, in order; user 2 is the context."""
        return [call[3] for call in self.calls("C_Login", user)]


class Remote:
    """Another token over p11-kit's RPC; killing the server takes it away."""

    module = "p11-kit-client.so"

    def __init__(self, directory, behind):
        self.dir = directory
        self.pin = behind.pin
        run(RIG + "/rig-remote.sh", "start", directory, behind.path(),
            env=dict(os.environ, **behind.env))
        self.insert_env = dict(os.environ, **behind.env)

    @property
    def env(self):
        return {"P11_KIT_SERVER_ADDRESS": "unix:path=%s/p11.sock" % self.dir}

    def remove(self):
        run(RIG + "/rig-remote.sh", "remove", self.dir)

    def insert(self):
        run(RIG + "/rig-remote.sh", "insert", self.dir, env=self.insert_env)


class Tpm:
    """tpm2-pkcs11 on a software TPM."""

    module = "libtpm2_pkcs11.so.1"
    pin = "1234"

    def __init__(self, directory, *algorithms):
        self.dir = directory
        out = run(RIG + "/rig-tpm.sh", "start", directory, *algorithms)
        self.env = dict(line.split("=", 1) for line in out.splitlines())

    def remove(self):
        run(RIG + "/rig-tpm.sh", "remove", self.dir)

    def insert(self):
        run(RIG + "/rig-tpm.sh", "insert", self.dir)

    def stop(self):
        run(RIG + "/rig-tpm.sh", "stop", self.dir)


class Piv:
    """A virtual PIV card."""

    module = "opensc-pkcs11.so"
    pin = "123456"

    def __init__(self, directory, keys):
        self.dir = directory
        self.start(keys)

    def start(self, keys=()):
        """pcscd and the card; one that was made keeps its keys."""
        words = []
        for slot, kind in dict(keys).items():
            words += ["--key", "%s=%s" % (slot, kind)]
        run(RIG + "/rig-piv.sh", "start", self.dir, *words, "--log")

    @property
    def env(self):
        return {"PCSCLITE_CSOCK_NAME": str(self.dir / "pcscd.comm")}

    def order(self, *words):
        """A command to the card; what it answers."""
        return card_order(self.dir / "card.sock", *words)

    def stats(self):
        return json.loads(self.order("stats"))

    def tries(self):
        """What the card's own counter says."""
        return self.stats()["pin_tries"]

    def tool(self, *words):
        """Another program at the card; whether it went well."""
        return subprocess.run(
            ["pkcs11-tool", *words], env=dict(os.environ, **self.env),
            capture_output=True, timeout=30).returncode == 0

    def waste_tries(self, n):
        for i in range(n):
            assert not self.tool("-l", "--pin", "99988%d" % i, "-O")

    def change_pin(self, new):
        assert self.tool("-l", "--pin", self.pin, "--change-pin",
                         "--new-pin", new)

    def blob(self, slot):
        """The SSH key blob of a slot's key."""
        return card_blob(json.loads((self.dir / "card.json").read_text()),
                         slot)

    def stop(self):
        run(RIG + "/rig-piv.sh", "stop", self.dir)
