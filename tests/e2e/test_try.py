# SPDX-License-Identifier: BSD-2-Clause
"""scripts/try, on what is built already."""
import os
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


# Capabilities that root in a container usually lacks.
LESS = "-sys_admin,-net_admin,-sys_ptrace,-sys_resource"


@pytest.mark.skipif(os.geteuid() != 0, reason="as root in a container")
def test_root_that_may_not_mount(run, directory):
    """The script needs neither a user named sshd nor /run/sshd."""
    done = run(wrapper=["setpriv", "--bounding-set", LESS, "--inh-caps",
                        LESS])
    assert done.returncode == 0, done.stderr
    assert logins(done) == ["p256", "rsa", "ed25519"]
    assert list(directory.iterdir()) == []
