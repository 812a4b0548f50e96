# SPDX-License-Identifier: BSD-2-Clause
"""A person is told when a token may wait for a touch."""
from config import key, provider


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
