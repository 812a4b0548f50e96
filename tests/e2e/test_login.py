# SPDX-License-Identifier: BSD-2-Clause
"""Logins through real ssh and sshd, with every algorithm."""
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config import simple
from keys import KINDS, blob_of, public_line, verify
from wire import RSA_SHA2_256, RSA_SHA2_512

KIND_LIST = list(KINDS)

# What a client asks for, and what comes back.
ALGORITHMS = [
    ("p256", 0, "ecdsa-sha2-nistp256"),
    ("p384", 0, "ecdsa-sha2-nistp384"),
    ("p521", 0, "ecdsa-sha2-nistp521"),
    ("rsa2048", RSA_SHA2_256, "rsa-sha2-256"),
    ("rsa2048", RSA_SHA2_512, "rsa-sha2-512"),
    ("rsa3072", RSA_SHA2_256, "rsa-sha2-256"),
    ("rsa3072", RSA_SHA2_512, "rsa-sha2-512"),
    ("ed25519", 0, "ssh-ed25519"),
]


def agent_with(kind, agent, softhsm, **options):
    token = softhsm(*KIND_LIST)
    number = KIND_LIST.index(kind) + 1
    return agent(simple(token, number), token, pins=[token.pin], **options)


@pytest.mark.parametrize("kind, flags, algorithm", ALGORITHMS)
def test_login(kind, flags, algorithm, agent, softhsm, sshd):
    a = agent_with(kind, agent, softhsm)
    with a.client() as c:
        (blob, name), = c.identities()
    sshd.accept(public_line(blob))
    done = sshd.ssh(a.env, "-o", "PubkeyAcceptedAlgorithms=" + algorithm)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "publickey " + public_line(blob)
    assert "Failed" not in sshd.log()
    assert a.askpass.calls() == 1


@pytest.mark.parametrize("kind, flags, algorithm", ALGORITHMS)
def test_signature(kind, flags, algorithm, agent, softhsm):
    """Checked by other code, again and again: r and s vary in length."""
    a = agent_with(kind, agent, softhsm)
    with a.client() as c:
        (blob, name), = c.identities()
        for n in range(20):
            data = b"data %d" % n * n
            signature = c.sign(blob, data, flags)
            assert signature[0] == algorithm
            assert verify(blob, signature, data)
            assert not verify(blob, signature, data + b"x")
    assert a.askpass.calls() == 1


def test_logins_with_three_keys(agent, softhsm, sshd):
    """The server takes the last of three; the first two cost a refusal."""
    token = softhsm("p256", "rsa2048", "ed25519", "p384")
    a = agent(simple(token, 1, 2, 3), token, pins=[token.pin])
    with a.client() as c:
        blobs = [blob for blob, _ in c.identities()]
    sshd.accept(public_line(blobs[2]))
    done = sshd.ssh(a.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "publickey " + public_line(blobs[2])
    assert sshd.log().count("Failed publickey") == 2


def test_ssh_rsa_is_refused(agent, softhsm):
    """Without a SHA-2 flag it would be a SHA-1 signature."""
    a = agent_with("rsa2048", agent, softhsm)
    with a.client() as c:
        (blob, _), = c.identities()
        assert c.sign(blob, flags=0) is None
        assert c.sign(blob, flags=RSA_SHA2_256) is not None
    assert "SHA-1" in a.log()


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 250 * 1024])
@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_data_of_any_size(kind, size, agent, softhsm):
    a = agent_with(kind, agent, softhsm)
    data = bytes(n & 0xff for n in range(size))
    with a.client() as c:
        (blob, _), = c.identities()
        assert verify(blob, c.sign(blob, data), data)


@pytest.mark.parametrize("kind", ["p256", "rsa2048", "ed25519"])
def test_ssh_keygen_signs(kind, agent, softhsm, directory):
    a = agent_with(kind, agent, softhsm)
    with a.client() as c:
        (blob, _), = c.identities()
    public = directory / "key.pub"
    public.write_text(public_line(blob) + "\n")
    text = directory / "text"
    text.write_text("a commit\n")
    signers = directory / "allowed"
    signers.write_text("me@here %s\n" % public_line(blob))
    done = a.run("ssh-keygen", "-Y", "sign", "-f", public, "-n", "git", text)
    assert done.returncode == 0, done.stderr

    def check(content):
        return a.run("sh", "-c", "ssh-keygen -Y verify -f %s -I me@here "
                     "-n git -s %s.sig <%s" % (signers, text, content))

    assert check(text).returncode == 0
    other = directory / "other"
    other.write_text("another commit\n")
    assert check(other).returncode != 0


def test_ssh_add_test_option(agent, softhsm, directory):
    """ssh-add -T signs and verifies."""
    a = agent_with("p384", agent, softhsm)
    public = directory / "key.pub"
    with a.client() as c:
        public.write_text(public_line(c.identities()[0][0]) + "\n")
    done = a.run("ssh-add", "-T", public)
    assert done.returncode == 0, done.stderr


def certificate_for(public, path):
    """An X.509 certificate of this key, signed by another."""
    issuer = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    start = datetime.datetime(2020, 1, 1)
    path.write_bytes(
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(public).serial_number(1).not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(36500))
        .sign(issuer, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER))


def test_key_found_in_a_certificate(agent, softhsm, directory):
    """No public key object: the certificate shows the key before login."""
    token = softhsm("p256")
    der = directory / "key.der"
    token.tool("--read-object", "--type", "pubkey", "--id", "01", "-o", der)
    public = serialization.load_der_public_key(der.read_bytes())
    certificate_for(public, directory / "cert")
    token.tool("--write-object", directory / "cert", "--type", "cert",
               "--id", "01", "--label", "p256")
    token.tool("--delete-object", "--type", "pubkey", "--id", "01")
    a = agent(simple(token, 1), token, pins=[token.pin])
    with a.client() as c:
        assert c.identities() == [(blob_of(public), "key1")]
        assert verify(blob_of(public), c.sign(blob_of(public), b"x"), b"x")


def test_key_found_in_the_private_key(agent, softhsm):
    """No public key object: an RSA private key has it, after the login."""
    token = softhsm("rsa2048")
    token.tool("--delete-object", "--type", "pubkey", "--id", "01")
    a = agent(simple(token, 1), token)
    assert a.names() == []
    assert a.ssh_add("-s", token.module, pin=token.pin).returncode == 0
    with a.client() as c:
        (blob, name), = c.identities()
        assert verify(blob, c.sign(blob, b"x", RSA_SHA2_256), b"x")
