# SPDX-License-Identifier: BSD-2-Clause
"""What is not allowed is not listed and does not sign."""
import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from config import key, keys_by_id, provider, simple
from keys import blob_of, public_line
from wire import take_string

FOUR = ("p256", "rsa2048", "ed25519", "p384")


def blob_on_token(token, label):
    """A key's blob as ssh-keygen reads it, whatever the agent shows."""
    line, = [line for line in token.ssh_keygen().splitlines()
             if line.split()[2:] == [label]]
    return base64.b64decode(line.split()[1])


def test_three_of_four(agent, softhsm):
    token = softhsm(*FOUR)
    a = agent(simple(token, 1, 2, 3), token, pins=[token.pin])
    fourth = blob_on_token(token, "p384")
    with a.client() as c:
        listed = c.identities()
        assert [name for _, name in listed] == ["key1", "key2", "key3"]
        assert listed[0][0] == blob_on_token(token, "p256")
        assert fourth not in [blob for blob, _ in listed]
        assert c.sign(fourth) is None
        # Not even once the token is logged in.
        assert c.sign(listed[0][0]) is not None
        assert c.sign(fourth) is None


def test_ssh_add_lists_in_config_order(agent, softhsm):
    token = softhsm(*FOUR)
    a = agent(simple(token, 3, 4, 1), token)
    done = a.run("ssh-add", "-L")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines] == ["key3", "key4", "key1"]
    assert [line.split()[0] for line in lines] == [
        "ssh-ed25519", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256"]
    assert a.askpass.calls() == 0


def test_at_most_three_are_shown(agent, softhsm):
    """More may be allowed; a connection sees, and uses, the first three."""
    token = softhsm(*FOUR)
    a = agent(simple(token, 1, 2, 3, 4), token, pins=[token.pin])
    assert a.names() == ["key1", "key2", "key3"]
    with a.client() as c:
        assert c.sign(blob_on_token(token, "p384")) is None


@pytest.mark.parametrize("most", [1, 2])
def test_max_identities(most, agent, softhsm):
    token = softhsm(*FOUR)
    a = agent("max-identities = %d\n" % most + simple(token, 1, 2, 4), token,
              pins=[token.pin])
    assert a.names() == ["key1", "key2"][:most]
    with a.client() as c:
        assert c.sign(blob_on_token(token, "p384")) is None
        assert c.sign(c.blob("key1")) is not None


def test_one_section_many_keys(agent, softhsm):
    """Inside a section: by token serial, then CKA_ID."""
    token = softhsm(*FOUR)
    a = agent(provider(token) + key("all", "token=test"), token)
    with a.client() as c:
        kinds = [take_string(blob)[0] for blob, _ in c.identities()]
        assert kinds == [b"ecdsa-sha2-nistp256", b"ssh-rsa", b"ssh-ed25519"]


def test_by_label(agent, softhsm):
    token = softhsm(*FOUR)
    a = agent(provider(token) + key("one", "token=test;object=ed25519"),
              token)
    with a.client() as c:
        (blob, name), = c.identities()
    assert (take_string(blob)[0], name) == (b"ssh-ed25519", "one")


def test_deny_wins(agent, softhsm):
    token = softhsm(*FOUR)
    a = agent(provider(token) + key("all", "token=test") +
              'key "no" { uri = "pkcs11:id=%02" deny = yes }\n', token,
              pins=[token.pin])
    assert a.names() == ["all", "all", "all"]
    refused = blob_on_token(token, "rsa2048")
    with a.client() as c:
        assert refused not in [blob for blob, _ in c.identities()]
        assert c.sign(refused) is None


def test_another_tokens_key_with_the_same_id(agent, softhsm):
    """A section names its token: the other's key 01 stays hidden."""
    token = softhsm("p256")
    token.take_in(softhsm("ed25519", label="other"))
    a = agent(simple(token, 1), token)
    with a.client() as c:
        (blob, name), = c.identities()
    assert take_string(blob)[0] == b"ecdsa-sha2-nistp256"


def test_weak_and_foreign_keys_are_left_out(agent, softhsm):
    """… with a reason that `keys` shows."""
    token = softhsm("p256", "rsa1024", "secp256k1")
    a = agent(simple(token, 1, 2, 3), token, pins=[token.pin])
    assert a.names() == ["key1"]
    reasons = {k["label"]: k["reason"] for k in a.keys()
               if not k["exposed"]}
    assert "1024" in reasons["rsa1024"]
    assert "secp256k1" in reasons["secp256k1"]


def test_public_key_without_its_private_key(agent, softhsm):
    """Seen at the login only; then it leaves, and the next one moves up."""
    token = softhsm("p256", "ed25519", "rsa2048", "p384")
    token.tool("--delete-object", "--type", "privkey", "--id", "02")
    a = agent(simple(token, 1, 2, 3, 4), token, pins=[token.pin])
    with a.client() as c:
        assert c.names() == ["key1", "key2", "key3"]
        orphan = c.blob("key2")
        assert c.sign(c.blob("key1")) is not None
        assert c.names() == ["key1", "key3", "key4"]
        assert c.sign(orphan) is None
    reason, = [k["reason"] for k in a.keys() if k["label"] == "ed25519"]
    assert "private" in reason


@pytest.mark.parametrize("config", ["", "max-identities = 2\n"])
def test_no_config_exposes_nothing(config, agent, softhsm):
    """The log, `status` and an empty `keys` say what to do."""
    token = softhsm("p256")
    a = agent(config, token)
    assert a.names() == []
    assert a.run("ssh-add", "-l").returncode == 1
    assert "p11-agentctl keys" in a.status()["note"]
    assert "expose" in a.log()


def test_provider_without_key_section(agent, softhsm):
    token = softhsm("p256", "ed25519")
    a = agent(provider(token), token)
    assert a.names() == []
    shown = a.keys()
    assert [k["exposed"] for k in shown] == [False, False]
    assert all(k["reason"] and k["uri"].startswith("pkcs11:") for k in shown)
    assert "key" in a.status()["note"]


def test_uri_of_keys_can_be_pasted(agent, softhsm, directory):
    """What `keys` prints is what a key section takes."""
    token = softhsm("p256", "ed25519")
    first = agent(provider(token), token)
    wanted, = [k for k in first.keys() if k["label"] == "ed25519"]
    first.stop()
    second = agent(provider(token) +
                   'key "it" { uri = "%s" }\n' % wanted["uri"], token)
    with second.client() as c:
        (blob, name), = c.identities()
    assert public_line(blob) == " ".join(wanted["public_key"].split()[:2])


def test_one_key_on_two_tokens_is_one_identity(agent, softhsm, directory):
    """A backup token: listed once, under the first section's name."""
    token = softhsm("p256")
    pem = directory / "key.pem"
    twice = softhsm("p256", label="backup")
    private = rsa.generate_private_key(65537, 2048)
    pem.write_bytes(private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    for where in (token, twice):
        public = directory / "public.der"
        public.write_bytes(private.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo))
        where.tool("--write-object", pem, "--type", "privkey", "--id", "77",
                   "--usage-sign")
        where.tool("--write-object", public, "--type", "pubkey", "--id", "77",
                   "--usage-sign")
    token.take_in(twice)
    a = agent(provider(token) + key("main", "token=test;id=%77") +
              key("spare", "token=backup;id=%77"), token, pins=[token.pin])
    with a.client() as c:
        (blob, name), = c.identities()
        assert name == "main"
        assert blob == blob_of(private.public_key())
        assert c.sign(blob, flags=2) is not None


def test_many_keys_on_a_token(agent, softhsm):
    """`keys` shows them all, a client three."""
    token = softhsm(*["p256"] * 12)
    a = agent(provider(token) + keys_by_id(*range(1, 13)), token)
    assert len(a.names()) == 3
    assert len(a.keys()) == 12
