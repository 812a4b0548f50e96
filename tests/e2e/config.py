# SPDX-License-Identifier: BSD-2-Clause
"""Configs for tests."""


def provider(token, name="softhsm"):
    return 'provider "%s" { module = "%s" }\n' % (name, token.module)


def key(name, uri):
    return 'key "%s" { uri = "pkcs11:%s" }\n' % (name, uri)


def keys_by_id(*numbers, label="test", prefix="key"):
    """One section a CKA_ID: key1, key2, …"""
    return "".join(key("%s%d" % (prefix, n), "token=%s;id=%%%02x" % (label, n))
                   for n in numbers)


def simple(token, *numbers, label="test"):
    return provider(token) + keys_by_id(*numbers, label=label)
