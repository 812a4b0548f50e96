# SPDX-License-Identifier: BSD-2-Clause
"""scripts/try, on what is built already."""
import os
import pwd
import shlex
import subprocess

import pytest

from daemon import BUILD, wait_until
from tokens import RIG

TRY = os.path.join(os.path.dirname(RIG), "..", "scripts", "try")


@pytest.fixture
def run(directory):
    """run(words…): the script, whose folder is made in ours."""
    def start(*words, wrapper=()):
        return subprocess.run(
            [*wrapper, TRY, *words], text=True, capture_output=True,
            timeout=120, stdin=subprocess.DEVNULL,
            env=dict(os.environ, TMPDIR=str(directory),
                     P11_AGENT_BUILD=BUILD))
    return start


def logins(done):
    return [line.split("logged in with ")[1].split(":")[0]
            for line in done.stdout.splitlines() if "logged in with" in line]


def test_try(run, directory):
    """Three keys log in, the fourth is not shown, and nothing stays."""
    done = run()
    assert done.returncode == 0, done.stderr
    assert logins(done) == ["p256", "rsa", "ed25519"]
    assert "no key section matches it" in done.stdout
    assert list(directory.iterdir()) == []
    with subprocess.Popen(["ps", "-eo", "args="], text=True,
                          stdout=subprocess.PIPE) as ps:
        assert str(directory) not in ps.stdout.read()


def test_keep(run, directory):
    """The lines to paste do what they say."""
    done = run("--keep")
    assert done.returncode == 0, done.stderr
    export, end = (line.strip() for line in done.stdout.splitlines()
                   if line.startswith(("  export ", "  kill ")))
    listed = subprocess.run(["sh", "-c", export + "; ssh-add -l"], text=True,
                            capture_output=True, timeout=30)
    assert len(listed.stdout.splitlines()) == 3
    pid = shlex.split(end.split(";")[0])[1]
    subprocess.run(["sh", "-c", end], check=True, timeout=30)
    assert list(directory.iterdir()) == []
    wait_until(lambda: not os.path.exists("/proc/" + pid), what="its end")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts anything")
def test_root_that_may_not_mount(run, directory):
    """As in a container: it does without, or says what is missing."""
    without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps",
               "-sys_admin"]
    done = run(wrapper=without)
    try:
        pwd.getpwnam("sshd")
        has_all = os.path.isdir("/run/sshd")
    except KeyError:
        has_all = False
    if has_all:
        assert done.returncode == 0, done.stderr
        assert len(logins(done)) == 3
    else:
        assert done.returncode == 1
        assert "CAP_SYS_ADMIN" in done.stderr
        assert "unshare:" not in done.stderr
    assert list(directory.iterdir()) == []
