# SPDX-License-Identifier: BSD-2-Clause
"""Tokens that come and go, and lie, behind a module that follows a script."""
import pytest

from config import simple
from keys import verify

DATA = b"data"


def signs(agent, name="key1"):
    with agent.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob, DATA)
    assert signature is None or verify(blob, signature, DATA)
    return signature is not None


@pytest.fixture
def token(layered):
    return layered("p256")


def test_script_is_followed(agent, token):
    """The module itself: what it counts, answers and shows."""
    a = agent(simple(token, 1), token, pins=[token.pin])
    assert signs(a)
    assert token.pins() == [token.pin]
    first, = token.calls("C_Sign")
    token.forget()
    token.script("call C_Sign rv=CKR_PIN_LOCKED")
    assert not signs(a)
    assert signs(a)
    assert [c[0] for c in token.calls("C_Sign")] == [first[0]] * 2
    assert token.pins() == []
