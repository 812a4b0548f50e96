# SPDX-License-Identifier: BSD-2-Clause
"""Tokens that come and go where PC/SC is not: each module is watched."""
from config import simple
from daemon import wait_until
from keys import verify


def watchers(a):
    """The processes that watch modules, and not those that look for them."""
    children = a.children()
    return [pid for pid, line in children.items()
            if line.endswith("p11-agent-provider watch")]


def sign(a, name):
    with a.client() as c:
        signature = c.sign(c.blob(name), b"data")
        return signature is not None and verify(
            c.blob(name), signature, b"data")


def refused(a, blob):
    with a.client() as c:
        return c.sign(blob, b"data") is None


def test_softhsm_token_comes_and_goes(agent, softhsm):
    """Not removable: noticed when it fails, and then watched for."""
    token = softhsm("p256")
    tokens, away = token.dir / "tokens", token.dir / "away"
    a = agent(simple(token, 1), token, pins=[token.pin] * 3)
    assert sign(a, "key1")
    assert watchers(a) == []
    with a.client() as c:
        blob = c.blob("key1")
    for _ in range(2):
        tokens.rename(away)
        tokens.mkdir()
        assert refused(a, blob)
        wait_until(lambda: a.names() == [], what="an empty list")
        wait_until(lambda: watchers(a), what="a watcher")
        tokens.rmdir()
        away.rename(tokens)
        wait_until(lambda: a.names() == ["key1"], what="the key")
        assert sign(a, "key1")
        wait_until(lambda: watchers(a) == [], what="the watcher's end")
