# SPDX-License-Identifier: BSD-2-Clause
"""Key blobs and signatures, checked by code that is not the agent's."""
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

import base64
import hashlib

from wire import take_string

KINDS = {
    "p256": "ecdsa-sha2-nistp256",
    "p384": "ecdsa-sha2-nistp384",
    "p521": "ecdsa-sha2-nistp521",
    "rsa2048": "ssh-rsa",
    "rsa3072": "ssh-rsa",
    "ed25519": "ssh-ed25519",
}

HASHES = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
    "ecdsa-sha2-nistp256": hashes.SHA256(),
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
}


def key_type(blob):
    return take_string(blob)[0].decode()


def public_line(blob, comment=""):
    text = base64.b64encode(blob).decode()
    return ("%s %s %s" % (key_type(blob), text, comment)).strip()


def fingerprint(blob):
    digest = hashlib.sha256(blob).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def public_key(blob):
    return serialization.load_ssh_public_key(public_line(blob).encode())


def blob_of(key):
    """The SSH key blob of a public key of python3-cryptography's."""
    line = key.public_bytes(serialization.Encoding.OpenSSH,
                            serialization.PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def verify(blob, signature, data):
    """Does (algorithm, value) sign data for this key?"""
    algorithm, value = signature
    key = public_key(blob)
    try:
        if algorithm == "ssh-ed25519":
            key.verify(value, data)
        elif algorithm.startswith("rsa-"):
            assert len(value) == key.key_size // 8
            key.verify(value, data, padding.PKCS1v15(), HASHES[algorithm])
        else:
            r, rest = take_string(value)
            s, rest = take_string(rest)
            assert rest == b""
            der = utils.encode_dss_signature(int.from_bytes(r, "big"),
                                             int.from_bytes(s, "big"))
            key.verify(der, data, ec.ECDSA(HASHES[algorithm]))
    except InvalidSignature:
        return False
    return True
