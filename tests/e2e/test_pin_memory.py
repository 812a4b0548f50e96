# SPDX-License-Identifier: BSD-2-Clause
"""Wrong PINs are counted across restarts of the agent."""
import os

import pytest

from config import simple
from daemon import wait_until
from wire import FAILURE, SUCCESS


@pytest.fixture
def token(softhsm):
    return softhsm("p256")


def store(a):
    return a.dir / ".local/state/p11-agent/pins"


def wait_for_entries(a, n):
    """The file is written by a process of its own, soon after."""
    size = 12 + 41 * n
    wait_until(lambda: store(a).exists() and
               store(a).stat().st_size == size, what="%d entries" % n)


def wrong(a, token, *pins):
    with a.client() as c:
        for pin in pins:
            assert c.add_smartcard(token.module, pin) == FAILURE


def counted(a, n):
    """What the next prompt says of the tries."""
    a.askpass.answer_with(*["!cancel"] * 9)
    calls = a.askpass.calls()
    with a.client() as c:
        assert c.sign(c.blob("key1")) is None
    assert a.askpass.calls() == calls + 1
    prompt = a.askpass.prompt(calls + 1)
    return ("%d wrong PIN" % n) in prompt and "LAST" in prompt


def restart(a):
    a.stop()
    a.start()


def test_two_wrong_pins_and_a_restart(agent, token):
    a = agent(simple(token, 1), token)
    wrong(a, token, "9991", "9992")
    restart(a)      # it is written by then
    assert counted(a, 2)
    assert a.status()["tokens"][0]["pin"] == "maybe the last try"
    # No program spends what may be the last one, right as it would be.
    with a.client() as c:
        assert c.add_smartcard(token.module, token.pin) == FAILURE
    assert "last try" in a.log()
    done = a.run("grep", "-c", "test", store(a))
    assert done.stdout.strip() == "0", "the token is named in the file"
    assert (store(a).stat().st_mode & 0o777,
            store(a).parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_good_pin_ends_it(agent, token):
    a = agent(simple(token, 1), token)
    wrong(a, token, "9991")
    wait_for_entries(a, 1)
    with a.client() as c:
        assert c.add_smartcard(token.module, token.pin) == SUCCESS
    wait_for_entries(a, 0)
    restart(a)
    assert a.status()["tokens"][0]["pin"] == "ok"


def test_unattended_source_stays_off(agent, token):
    """Until a person has logged in."""
    source = 'token "t" { uri = "pkcs11:" pin-source = { "command:echo 9999; ' \
        'echo x >>%s/tried", "askpass" } }\n'
    a = agent(simple(token, 1) + source % token.dir, token)
    tried = token.dir / "tried"
    with a.client() as c:
        assert c.sign(c.blob("key1")) is None
    assert tried.read_text() == "x\n"
    wait_for_entries(a, 1)
    restart(a)
    a.askpass.answer_with(token.pin)
    with a.client() as c:
        assert c.sign(c.blob("key1")) is not None
    assert tried.read_text() == "x\n"
    assert "wrong" in a.askpass.prompt(1)
    wait_for_entries(a, 0)


@pytest.mark.parametrize("harm", ["cut", "nonsense", "empty", "fifo", "link"])
def test_a_file_that_cannot_be_used(harm, agent, token):
    """A line in the log; the agent runs on, and counts anew."""
    a = agent(simple(token, 1), token)
    wrong(a, token, "9991", "9992")
    wait_for_entries(a, 1)
    a.stop()
    content = store(a).read_bytes()
    store(a).unlink()
    if harm == "fifo":
        os.mkfifo(store(a))
    elif harm == "link":
        store(a).symlink_to(a.config)
    else:
        store(a).write_bytes({"cut": content[:-1], "empty": b"",
                              "nonsense": b"x" * 53}[harm])
    a.start()
    assert "wrong PINs of before are not known" in a.log()
    # SoftHSM itself knows that they are few, but no more than that.
    assert a.status()["tokens"][0]["pin"] == "few tries left"
    config = a.config.read_bytes()
    wrong(a, token, "9993")
    assert "; 1 since the last good one" in a.log().rpartition("serving")[2]
    if harm in ("fifo", "link"):
        a.wait_for_log("does not outlive")
        assert a.config.read_bytes() == config
    else:
        wait_for_entries(a, 1)


def test_the_file_of_an_older_agent(agent, token):
    """Without PINs in doubt: it is read, and written in the new form."""
    a = agent(simple(token, 1), token)
    wrong(a, token, "9991", "9992")
    a.stop()
    new = store(a).read_bytes()
    assert len(new) == 12 + 41 and new[44:53] == bytes([0, 0, 0, 2] + [0] * 5)
    store(a).write_bytes(b"p11pins1" + new[8:48] + new[52:])
    a.start()
    assert "not known" not in a.log()
    assert counted(a, 2)


def test_two_agents_keep_each_other_s(agent, softhsm, directory):
    """Each puts what it counted into the one file."""
    state = {"XDG_STATE_HOME": str(directory / "state")}
    file = directory / "state/p11-agent/pins"
    for n, label in enumerate(["one", "two"]):
        token = softhsm("p256", label=label)
        a = agent(simple(token, 1, label=label), token, env=state)
        wrong(a, token, "9991")
        a.stop()
        assert file.stat().st_size == 12 + 41 * (n + 1)
