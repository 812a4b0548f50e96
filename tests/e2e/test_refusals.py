# SPDX-License-Identifier: BSD-2-Clause
"""A refusal has a line in the log: what, to whom, why, what to do."""
import re
import struct

import pytest

from config import simple
from daemon import Askpass
from tokens import SoftHsm
from wire import (ADD_SMARTCARD_KEY_CONSTRAINED, FAILURE, MESSAGE_MAX_BYTES,
                  REMOVE_ALL_IDENTITIES, REMOVE_IDENTITY,
                  REMOVE_SMARTCARD_KEY, REQUEST_IDENTITIES, SIGN_REQUEST,
                  SUCCESS, frame, string)


@pytest.fixture
def served(agent, softhsm):
    token = softhsm("p256", "ed25519")
    return agent(simple(token, 1, 2), token, pins=[token.pin] * 3)


def warnings(a):
    """The lines about what was refused."""
    return re.findall(r"^p11-agent: warning: (.* \(pid \d+\): .*)$", a.log(),
                      re.M)


@pytest.mark.parametrize("words", [[], ["-t", "60"], ["-c"]])
def test_file(words, served, directory):
    key = directory / "key"
    served.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    assert served.ssh_add(*words, key).returncode != 0
    lines = set(warnings(served))
    line = lines.pop()
    assert re.match(r"ssh-add \(pid \d+\): a key from a file refused", line)
    assert "IdentityFile" in line


@pytest.mark.parametrize("option, words", [
    ("-x", "p11-agentctl lock"), ("-X", "p11-agentctl unlock")])
def test_lock(option, words, served, directory):
    twice = Askpass(directory / "twice", ["passphrase", "passphrase"])
    assert served.run("ssh-add", option, env=twice.env).returncode != 0
    line, = warnings(served)
    assert re.match(r"ssh-add \(pid \d+\): ssh-add %s refused: " % option,
                    line)
    assert words in line


def test_unknown_identity_removed(served, directory):
    served.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
               directory / "key")
    assert served.ssh_add("-d", directory / "key.pub").returncode != 0
    line, = warnings(served)
    assert re.search(r"ssh-add -d refused: SHA256:\S+ is no identity", line)


def certificates(blob):
    return b"\xff" + string("associated-certs-v00@openssh.com") + b"\0" + (
        string(string(blob)))


@pytest.mark.parametrize("constraints, words", [
    (certificates(b"a certificate"), "certificates (files)"),
    (b"\x01\0\0\0\x3c", "a lifetime (-t)"),
    (b"\x02" + certificates(b"x"), "confirmation (-c), certificates (files)"),
    (b"\xff" + string("restrict-destination-v00@openssh.com") + string("x"),
     "destinations (-h)"),
    (b"\x77", "a constraint that is not known"),
])
def test_provider_with_more(constraints, words, served):
    with served.client() as c:
        assert c.ask(ADD_SMARTCARD_KEY_CONSTRAINED, string(SoftHsm.path()) +
                     string("") + constraints)[0] == FAILURE
    line, = warnings(served)
    assert "ssh-add -s refused: it comes with %s, which" % words in line


@pytest.mark.parametrize("kind, body, words", [
    (REQUEST_IDENTITIES, b"x", "list refused: bytes after the end"),
    (SIGN_REQUEST, b"", "sign request refused: message ends early"),
    (REMOVE_IDENTITY, b"\0", "ssh-add -d refused: message ends early"),
    (REMOVE_ALL_IDENTITIES, b"x", "ssh-add -D refused: bytes after"),
    (20, b"\0", "ssh-add -s refused: message ends early"),
    (REMOVE_SMARTCARD_KEY, b"\0", "ssh-add -e refused: message ends early"),
    (27, b"\0", "extension refused: message ends early"),
    (27, string("no-such@example.org"),
     "extension no-such@example.org refused"),
    (240, b"", "request 240 (unknown) refused"),
])
def test_without_sense(kind, body, words, served):
    with served.client() as c:
        assert c.ask(kind, body)[0] == FAILURE
    line, = warnings(served)
    assert words in line


def test_connection_that_is_closed(served):
    with served.client() as c:
        c.send_raw(struct.pack(">I", MESSAGE_MAX_BYTES + 1))
        assert c.hung_up()
    line, = warnings(served)
    assert "its connection was closed: a message of length 0 or over" in line


def test_flood(served):
    """A flood of lines is cut, and what was left out is counted."""
    with served.client() as c:
        c.names()
        request = frame(SIGN_REQUEST, string("no such key") + string("x") +
                        struct.pack(">I", 0))
        for _ in range(100):
            c.send_raw(request * 50)
            for _ in range(50):
                assert c.receive()[0] == FAILURE
        # Another kind has lines of its own, and so has a PIN.
        assert c.ask(REMOVE_ALL_IDENTITIES, b"x")[0] == FAILURE
        for pin in ("123456", "1234"):
            done = c.add_smartcard(SoftHsm.path(), pin)
            assert done == (SUCCESS if pin == "1234" else FAILURE)
    served.stop()
    lines = [line for line in warnings(served) if "no signature" in line]
    left = [int(n) for n in re.findall(
        r"python3[^ ]*: (\d+) more lines were left out: no signature",
        served.log())]
    assert len(lines) + sum(left) == 5000
    # A machine that is busy needs more than one span of time.
    assert 10 <= len(lines) <= 10 * len(left) <= 100
    assert "ssh-add -D refused" in served.log()
    assert "wrong PIN" in served.log()
    assert re.search(r"ssh-add -s \S+: .*PIN", served.log())
