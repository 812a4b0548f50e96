# SPDX-License-Identifier: BSD-2-Clause
"""A new user's first hour, from no config to signed commits."""
import os

import pytest

from daemon import Askpass, Daemon


class Newcomer(Daemon):
    """No -f: the config is where p11-agent itself looks for it."""

    def command(self):
        return [c for c in super().command()
                if c not in ("-f", str(self.config))]


@pytest.fixture
def newcomer(directory, softhsm):
    token = softhsm("p256", "rsa2048")
    where = directory / "a0"
    where.mkdir()
    a = Newcomer(where, None, askpass=Askpass(where / "ask", []),
                 env={**token.env, "XDG_CONFIG_HOME": str(where / "config")})
    a.token = token
    yield a
    a.finish()


def said(done, status=0):
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def git(a, folder, *words):
    return a.run("git", "-C", folder, *words, env={
        "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(a.dir)})


def test_first_hour(newcomer, sshd, directory):
    a = newcomer
    # No config: nothing is exposed, and `keys` says what to run.
    assert a.names() == []
    shown = said(a.ctl("keys"))
    assert "p256" in shown and "rsa2048" in shown
    assert "allow" in shown
    # Allow one, by its fingerprint; it is there at once.
    key, = [k for k in a.keys() if k["label"] == "p256"]
    said(a.ctl("allow", key["fingerprint"], "work"))
    assert a.names() == ["work"]
    # Export it, and log in; the PIN is mistyped first.
    lines = said(a.ctl("export"))
    assert lines.startswith("ecdsa-sha2-nistp256 ") and "work" in lines
    sshd.accept(*lines.splitlines())
    a.askpass.answer_with("9999", a.token.pin, a.token.pin)
    done = sshd.ssh(a.env)
    assert done.returncode == 0, done.stderr
    assert a.askpass.calls() == 2
    assert "wrong" in a.askpass.prompt(2)
    # A signed commit, verified by what `export` says for it.
    signers = a.dir / "allowed_signers"
    signers.write_text(said(a.ctl("export", "--allowed-signers",
                                  "me@example.org", "work")))
    repo = directory / "repo"
    said(git(a, directory, "init", "-q", repo))
    for name, value in (("user.name", "me"), ("user.email", "me@example.org"),
                        ("gpg.format", "ssh"),
                        ("user.signingkey", "key::" + lines.strip()),
                        ("gpg.ssh.allowedSignersFile", signers)):
        said(git(a, repo, "config", name, str(value)))
    (repo / "f").write_text("hello\n")
    said(git(a, repo, "add", "f"))
    said(git(a, repo, "commit", "-q", "-S", "-m", "signed"))
    done = git(a, repo, "verify-commit", "HEAD")
    assert done.returncode == 0 and "Good" in done.stderr
    assert a.askpass.calls() == 2
    # Locked away, the next login asks again.
    said(a.ctl("lock"))
    assert a.names() == ["work"]
    done = sshd.ssh(a.env)
    assert done.returncode == 0, done.stderr
    assert a.askpass.calls() == 3
    # And what was allowed is still there after a restart.
    a.stop()
    a.start()
    assert a.names() == ["work"]
    assert not os.path.exists(a.config)
