# SPDX-License-Identifier: BSD-2-Clause
"""More keys than are kept of a token, more tokens than of a module."""
import hashlib
import os

import pytest

from config import key
from daemon import BUILD

MODULE = os.path.join(BUILD, "tests/pkcs11/p11-fake.so")
KEYS, TOKENS = 312, 70
KEPT_KEYS, KEPT_TOKENS = 256, 64


def ed25519(n):
    """The public half of a key that nobody has."""
    return hashlib.sha256(b"%d" % n).hexdigest()


def public(n):
    return ("object class=2 key_type=0x40 params=06032b6570 point=%s "
            "id=%04x label=%s" % (ed25519(n), n, (b"key%d" % n).hex()))


@pytest.fixture
def scripted(agent, directory):
    """scripted(lines, config): an agent with a module that shows these."""
    def make(lines, config=""):
        script = directory / "fake-script"
        script.write_text("".join("%s\n" % line for line in lines))
        return agent('provider "fake" { module = "%s" env = { '
                     '"P11_FAKE_SCRIPT=%s" } }\n' % (MODULE, script) + config)

    return make


@pytest.fixture
def many_keys(scripted):
    def make(config=""):
        return scripted(["slot login=1 label=many"] +
                        [public(n) for n in range(KEYS)], config)

    return make


def test_a_named_key_of_312(many_keys):
    """By object, id or fingerprint, wherever it stands."""
    last = many_keys(key("a", "object=key311"))
    assert last.names() == ["a"]
    print_, = [k["fingerprint"] for k in last.keys()
               if k["label"] == "key311"]
    last.stop()
    a = many_keys(key("a", "object=key311") + key("b", "id=%01%36") +
                  'key "c" { fingerprint = "%s" }\n' % print_)
    assert a.names() == ["a", "b"]
    assert len(a.keys()) == KEPT_KEYS + 2


def test_keys_that_are_left_out_are_said(many_keys):
    a = many_keys(key("first", "object=key0"))
    assert len(a.keys()) == KEPT_KEYS
    words = "%d more keys are left out: %d are kept of a token" % (
        KEYS - KEPT_KEYS, KEPT_KEYS)
    for command in (["status"], ["keys"], ["allow", "key311"]):
        done = a.ctl(*command)
        said = " ".join((done.stdout + done.stderr).split())
        assert words in said, said
    assert done.returncode == 1
    assert 'no key is called "key311"' in done.stderr
    # The message's advice helps.
    with open(a.config, "a") as f:
        f.write(key("last", "object=key311"))
    assert a.ctl("reload").returncode == 0
    assert a.names() == ["first", "last"]


def test_a_named_token_of_70(scripted):
    lines = []
    for n in range(TOKENS):
        lines += ["slot login=1 label=token%d reader=reader%d" % (n, n),
                  public(n)]
    a = scripted(lines, key("by token", "token=token69") +
                 key("by object", "object=key68"))
    assert a.names() == ["by token", "by object"]
    status = a.status()
    assert len(status["tokens"]) == KEPT_TOKENS + 2
    words = "%d more tokens are left out: %d are kept of a provider" % (
        TOKENS - KEPT_TOKENS - 2, KEPT_TOKENS)
    for command in (["status"], ["keys"], ["allow", "key67"]):
        done = a.ctl(*command)
        said = " ".join((done.stdout + done.stderr).split())
        assert words in said, said
    assert done.returncode == 1
