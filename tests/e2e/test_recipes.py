# SPDX-License-Identifier: BSD-2-Clause
"""The recipes of p11-agent(7), as they stand there, word for word."""
import pathlib
import re
import shutil
import subprocess

import pytest

import config
from daemon import BUILD, wait_until
from persons import needs

PAGE = (pathlib.Path(__file__).resolve().parents[2] /
        "man/p11-agent.7.scd").read_text()


def recipe(title):
    """Its examples, as the page shows them."""
    text = PAGE.split("\n## %s\n" % title)[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.M | re.S)
    assert blocks
    return [re.sub(r"\\(.)", r"\1", block) for block in blocks]


@pytest.fixture
def home(agent, softhsm, directory):
    """shell(text): a shell of a person whose agent has two keys."""
    token = softhsm("p256", "ed25519")
    a = agent(config.provider(token) + config.key("work", "id=%01") +
              config.key("git", "id=%02"), token, pins=[token.pin] * 3)
    a.home = directory / "home"
    for name in (".ssh", ".config/git", ".config/p11-agent"):
        (a.home / name).mkdir(parents=True)
    a.env.update(HOME=str(a.home), GIT_CONFIG_NOSYSTEM="1", TERM="xterm",
                 PATH="%s:%s" % (BUILD, a.env["PATH"]))

    def shell(text, **options):
        done = a.run("sh", "-euc", text, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    a.shell = shell
    return a


def test_git(home):
    sign, verify = recipe("Sign with git")
    work = home.home / "work"
    home.shell("git init -q work && cd work && echo 1 >f && git add f && "
               "git config user.name me && "
               "git config user.email me@example.org", cwd=home.home)
    home.shell(sign.replace("commit -S", "commit -qm 1 -S"), cwd=work)
    home.shell(verify, cwd=work)


def test_second_agent(home):
    """Both agents at once, each with its own keys."""
    ours, = [b for b in recipe("Several keys") if "p11-agent -a" in b]
    start, host = ours.split("\n\n")
    (home.home / ".config/p11-agent/more.conf").write_text(
        home.config.read_text().replace('"git"', '"more"'))
    more = home.home / ".ssh/more.sock"
    said = home.shell(start)
    try:
        assert 'SSH_AUTH_SOCK=%s;' % more in said
        assert "more" in home.shell("ssh-add -L", env={
            "SSH_AUTH_SOCK": str(more)})
        assert "more" not in home.shell("ssh-add -L")
    finally:
        home.shell(said + "p11-agent -k")
    wait_until(lambda: not more.exists(), what="its end")
    (home.home / ".ssh/config").write_text(host)
    assert "/.ssh/more.sock\n" in home.shell(
        "ssh -F ~/.ssh/config -G x.example.net")


def test_forwarded_agent_in_tmux(home, directory):
    """A second login's agent serves a shell that the first one started."""
    why = needs("tmux")
    if why:
        pytest.skip(why)
    rc, conf = recipe("A forwarded agent in tmux")
    (home.home / ".ssh/rc").write_text(rc)
    (home.home / ".tmux.conf").write_text(conf)
    logins = [directory / ("login%d" % n) for n in (1, 2)]
    tmux = "tmux -S %s " % (directory / "tmux")

    def log_in(login, command):
        """As sshd does it: a socket, ~/.ssh/rc, then the command."""
        login.symlink_to(home.socket)
        return home.shell("sh ~/.ssh/rc; " + command,
                          env={"SSH_AUTH_SOCK": str(login)}, cwd=home.home)

    log_in(logins[0], tmux + "new-session -d")
    try:
        logins[0].unlink()
        log_in(logins[1], tmux + "new-session -d")
        # What is started in the first session now, and was before.
        home.shell(tmux + "new-window -t 0: 'ssh-add -L >~/new 2>&1'")
        new = home.home / "new"
        wait_until(lambda: new.exists() and new.read_text(), what="a list")
        assert "work" in new.read_text()
        home.shell(tmux + "send-keys -t 0:0 'ssh-add -L >~/old' Enter")
        old = home.home / "old"
        wait_until(lambda: old.exists() and old.read_text(), what="a list")
        assert "work" in old.read_text()
    finally:
        home.shell(tmux + "kill-server")


def test_gnupg(home):
    """Both programs take what they are told to."""
    ours, theirs, _ = recipe("GnuPG on the same card")
    file = home.home / ".config/p11-agent/p11-agent.conf"
    file.write_text(ours)
    home.shell("p11-agentctl check-config")
    scdaemon = shutil.which("scdaemon", path="/usr/lib/gnupg:/usr/libexec")
    if scdaemon is None:
        pytest.skip("no scdaemon here")
    options = home.home / "scdaemon.conf"

    def complaints(text):
        options.write_text(text)
        return subprocess.run(
            [scdaemon, "--options", options, "--gpgconf-test"], text=True,
            capture_output=True, env=home.env, timeout=30).stderr

    assert complaints(theirs) == ""
    assert "invalid option" in complaints(theirs + "no-such-option\n")
