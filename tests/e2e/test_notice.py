# SPDX-License-Identifier: BSD-2-Clause
"""A person is told when a token may wait for a touch."""
import pytest

from config import key, provider
from daemon import program
from persons import Desktop, needs


@pytest.fixture
def desktop(directory):
    why = needs("dbus-daemon", program("tests/prompt/stand-in"))
    if why:
        pytest.skip(why)
    made = Desktop(directory / "desktop")
    yield made
    made.stop()


def test_slow_signature_is_noticed(agent, piv):
    """Without a desktop the word is in the log, once a wait."""
    card = piv({"9e": "p256"})
    a = agent(provider(card, "opensc") + key("card", "id=%04"), card)
    with a.client() as c:
        blob = c.blob("card")
        assert c.sign(blob) is not None
        assert "may want a touch" not in a.log()
        card.order("delay", "3")
        c.send_sign(blob)
        a.wait_for_log("may want a touch")
        assert c.receive_signature() is not None
    assert a.log().count("may want a touch") == 1


def test_notice_on_the_desktop(agent, piv, desktop):
    """It names the client, and goes away with the signature."""
    card = piv({"9e": "p256"})
    a = agent(provider(card, "opensc") + key("card", "id=%04"), card,
              env=desktop.env)
    with a.client() as c:
        blob = c.blob("card")
        card.order("delay", "4")
        c.send_sign(blob)
        shown = desktop.wait_for_lines(2)[1]
        assert "may want a touch, for " in shown
        assert c.receive_signature() is not None
        assert desktop.wait_for_lines(3) == ["ready", shown, "close 1"]
    assert "may want a touch" not in a.log()
