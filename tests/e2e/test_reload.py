# SPDX-License-Identifier: BSD-2-Clause
"""The config read again, by SIGHUP and by p11-agentctl."""
import signal

import pytest

from config import key, keys_by_id, provider, simple
from daemon import wait_until


@pytest.fixture
def token(softhsm):
    return softhsm("p256", "ed25519")


@pytest.fixture
def served(agent, token):
    return agent(simple(token, 1), token, pins=[token.pin] * 3)


def test_reload(served, token):
    assert served.names() == ["key1"]
    served.config.write_text(simple(token, 2, 1))
    done = served.ctl("reload")
    assert done.returncode == 0, done.stderr
    assert served.names() == ["key2", "key1"]


def test_hangup(served, token):
    assert served.names() == ["key1"]
    served.config.write_text(simple(token, 2, 1))
    served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served.names() == ["key2", "key1"],
               what="the new list")


def test_bad_file_keeps_the_old_config(served, token):
    served.config.write_text(simple(token, 2) + 'key "x" { nonsense = 1 }\n')
    done = served.ctl("reload")
    assert done.returncode == 1
    assert "p11-agent.conf:3" in done.stderr
    assert served.names() == ["key1"]
    assert "p11-agent.conf:3" in served.status()["config_error"]
    served.config.write_text(simple(token, 2))
    assert served.ctl("reload").returncode == 0
    assert served.status()["config_error"] is None
    assert served.names() == ["key2"]


def test_no_file_keeps_the_old_config(served):
    served.config.unlink()
    assert served.ctl("reload").returncode == 1
    assert served.names() == ["key1"]


def test_key_made_meanwhile_shows(served, token):
    """Also while a process serves the token."""
    with served.client() as c:
        assert c.sign(c.blob("key1")) is not None
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "09",
               "--label", "new", "--usage-sign")
    served.config.write_text(simple(token, 1, 9))
    assert served.ctl("reload").returncode == 0
    assert served.names() == ["key1", "key9"]
    with served.client() as c:
        assert c.sign(c.blob("key9")) is not None


def test_provider_that_is_named_no_more(served, token):
    assert served.names() == ["key1"]
    served.config.write_text(keys_by_id(1))
    done = served.ctl("reload")
    if done.returncode == 0:
        # Without any, those that are registered with p11-kit serve.
        names = [p["name"] for p in served.status()["providers"]]
        assert "softhsm" not in names or served.names() in ([], ["key1"])


def test_provider_that_is_named_now(agent, softhsm):
    one = softhsm("p256", label="one")
    a = agent(provider(one) + key("a", "token=one"), one)
    assert a.names() == ["a"]
    a.config.write_text(provider(one, "other") + key("b", "token=one"))
    assert a.ctl("reload").returncode == 0
    assert a.names() == ["b"]
    assert [p["name"] for p in a.status()["providers"]] == ["other"]


def test_signature_under_way_is_not_lost(agent, token):
    """A prompt is open while the config is read again."""
    a = agent(simple(token, 1), token, pins=["!wait"])
    with a.client() as c:
        c.send_sign(c.blob("key1"))
        a.askpass.wait_for_calls(1)
        assert a.ctl("reload").returncode == 0
        a.askpass.release(token.pin)
        assert c.receive_signature() is not None


def test_many_at_once(served):
    """Each is answered, and the last one read the file as it is then."""
    for _ in range(5):
        served.process.send_signal(signal.SIGHUP)
    assert served.ctl("reload").returncode == 0
    assert served.names() == ["key1"]
