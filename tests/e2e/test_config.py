# SPDX-License-Identifier: BSD-2-Clause
"""Config errors: file, line, words, exit status; nothing exposed by one."""
import os
import shutil
import subprocess
import time

import pytest

from config import key, provider
from daemon import Askpass, Daemon, program

GOOD = 'provider "softhsm" { module = "libsofthsm2.so" }\n'

# What is wrong, the text, the line that the message must name.
BAD = [
    ("unknown setting", GOOD + "no-such-setting = 1\n", 2),
    ("unknown section", GOOD + '\nhostess "x" { }\n', 3),
    ("unknown setting in a section",
     'provider "s" {\n  module = "a.so"\n  colour = "red"\n}\n', 3),
    ("section twice", GOOD + GOOD, 2),
    ("key twice", GOOD + key("a", "id=%01") + key("a", "id=%02"), 3),
    ("not a URI", GOOD + 'key "a" { uri = "http://example.org" }\n', 2),
    ("unknown part of a URI",
     GOOD + 'key "a" { uri = "pkcs11:colour=red" }\n', None),
    ("nothing to match by", GOOD + 'key "a" { }\n', 2),
    ("max-identities too large", "max-identities = 4\n", 1),
    ("max-identities too small", "max-identities = 0\n", 1),
    ("max-identities no number", 'max-identities = "many"\n', 1),
    ("no module", 'provider "s" { }\n', 1),
    ("string does not end", 'provider "s" { module = "a.so }\n', None),
    ("section does not end", GOOD + 'key "a" { uri = "pkcs11:id=%01"\n', None),
    ("comment does not end", GOOD + "/* and so on\n", None),
    ("garbage", "\1\2\3{{{{\n", None),
    ("a NUL byte", GOOD + "\0" + key("a", "id=%01"), None),
]


def refused(directory, text):
    """Start with this config, which must fail at once: what it said."""
    config = directory / "bad.conf"
    config.write_text(text)
    a = Daemon(directory / "a", None, askpass=Askpass(directory / "q", []),
               start=False)
    a.config = config
    done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                          stdin=subprocess.DEVNULL, text=True,
                          capture_output=True)
    assert done.returncode == 1, done.stderr
    assert not os.path.exists(a.socket)
    assert not list(a.dir.glob("sanitizer.*"))
    return done.stderr


@pytest.mark.parametrize("text, line", [b[1:] for b in BAD],
                         ids=[b[0] for b in BAD])
def test_error_names_file_and_line(text, line, directory):
    said = refused(directory, text)
    assert "bad.conf:" in said, said
    if line is not None:
        assert "bad.conf:%d:" % line in said, said


def test_no_cut_exposes_more(directory, agent, softhsm):
    """A config that was cut inside a section is an error, not a default."""
    text = GOOD + 'key "a" {\n uri = "pkcs11:id=%01"\n}\n'
    for cut in range(text.index("{", len(GOOD)) + 1, len(text) - 2, 3):
        where = directory / ("cut%d" % cut)
        where.mkdir()
        assert "bad.conf" in refused(where, text[:cut])


@pytest.mark.parametrize("make", ["directory", "fifo", "missing"])
def test_config_that_is_no_file(make, directory):
    a = Daemon(directory / "a", None, start=False)
    if make == "directory":
        a.config.mkdir()
    elif make == "fifo":
        os.mkfifo(a.config)
    done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                          stdin=subprocess.DEVNULL, text=True,
                          capture_output=True)
    assert done.returncode == 1
    assert "p11-agent.conf" in done.stderr


def test_comments_and_layout(agent, softhsm):
    token = softhsm("p256")
    a = agent('# a comment\n// another\n/* and\none more */\n'
              + provider(token).replace("{", "{\n").replace("}", "\n}")
              + 'key "a"\n{\n  uri = "pkcs11:id=%01" # here\n}\n', token)
    assert a.names() == ["a"]


def test_module_by_path(agent, softhsm):
    token = softhsm("p256")
    a = agent('provider "s" { module = "%s" }\n' % token.path() +
              key("a", "id=%01"), token)
    assert a.names() == ["a"]


@pytest.mark.parametrize("module, words", [
    ("no-such-module.so", "no-such-module.so"),
    ("/nonexistent/module.so", "/nonexistent/module.so"),
    ("/etc/passwd", "/etc/passwd"),
])
def test_module_that_does_not_load(module, words, agent, softhsm):
    """The agent serves the rest, and says what is wrong with this one."""
    token = softhsm("p256")
    a = agent('provider "bad" { module = "%s" }\n' % module +
              provider(token) + key("a", "token=test"), token)
    assert a.names() == ["a"]
    state, = [p for p in a.status()["providers"] if p["name"] == "bad"]
    assert state["state"] == "failed"
    assert words in state["error"]


def test_module_that_others_may_write(agent, softhsm, directory):
    """Whoever may write the module would be us."""
    import shutil
    token = softhsm("p256")
    module = directory / "module.so"
    shutil.copy(token.path(), module)
    module.chmod(0o666)
    a = agent('provider "s" { module = "%s" }\n' % module + key("a", "id=%01"),
              token)
    assert a.names() == []
    state, = a.status()["providers"]
    assert state["state"] == "failed"
    assert "module.so" in state["error"]


class Elsewhere(Daemon):
    """A daemon whose own programs are copies, and one of them another."""

    def command(self):
        folder = self.dir / "programs"
        if not folder.exists():
            folder.mkdir()
            for name in ("p11-agent", "p11-agent-provider",
                         "p11-agent-prompt"):
                shutil.copy(program(name), folder)
            helper = folder / "p11-agent-config"
            helper.write_text(self.HELPER)
            helper.chmod(0o755)
        return [str(folder / "p11-agent"), *super().command()[1:]]


class Stuck(Elsewhere):
    HELPER = "#!/bin/sh\nexec sleep 1000\n"


class Nonsense(Elsewhere):
    HELPER = "#!/bin/sh\nprintf '\\0\\0\\0\\2xy' >&3\nexec sleep 1000\n"


@pytest.mark.parametrize("kind, words", [(Stuck, "no answer in time"),
                                         (Nonsense, "nonsense")])
def test_reader_that_hangs_or_lies(kind, words, directory):
    """As on a dead file system: a message, and soon."""
    a = kind(directory / "a", GOOD, askpass=Askpass(directory / "q", []),
             start=False)
    begin = time.monotonic()
    done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                          stdin=subprocess.DEVNULL, text=True,
                          capture_output=True)
    assert done.returncode == 1
    assert words in done.stderr
    assert time.monotonic() - begin < 20
    assert not os.path.exists(a.socket)


def test_what_is_hardly_meant_is_a_warning(agent, softhsm):
    """The module is not there, and id=01 is the text "01"."""
    token = softhsm("p256")
    bad = ('provider "gone" { module = "gone-pkcs11.so" }\n'
           'key "a" {\n  uri = "pkcs11:id=01"\n}\n')
    wants = ["p11-agent.conf:1: provider \"gone\"", "gone-pkcs11.so",
             "p11-agent.conf:3: uri: its id is text", "write id=%01;"]
    a = agent(provider(token) + key("a", "id=%01"), token)
    assert a.names() == ["a"]

    def check():
        return a.run(program("p11-agentctl"), "check-config", a.config)
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nOK\n")
    assert a.ctl("reload").stderr == ""
    a.config.write_text(bad)
    done = check()
    assert done.returncode == 0
    assert done.stdout.endswith("\nOK, with 2 warnings\n")
    assert [w for w in wants if w not in done.stderr] == []
    done = a.ctl("reload")
    assert done.returncode == 0
    assert [w for w in wants if w not in done.stderr] == []
    assert "warning: " in a.log() and wants[2] in a.log()
    assert wants[2] in a.status()["config_warnings"][0]
    assert wants[2] in a.ctl("status").stdout.replace("\n            ", " ")
