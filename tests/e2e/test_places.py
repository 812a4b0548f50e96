# SPDX-License-Identifier: BSD-2-Clause
"""Where things are, on machines that are arranged in another way."""
import os
import pathlib
import shutil
import subprocess

import pytest

from config import simple
from daemon import BUILD, program, wait_until

NOBODY = 54321     # no passwd has this user


def in_namespace(script, *words, **env):
    """A shell that may mount, with only these variables."""
    return subprocess.run(
        ["unshare", "--mount", "sh", "-euc", script, "sh",
         *[str(w) for w in words]], text=True, capture_output=True,
        timeout=60, stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", **env})


@pytest.fixture(scope="module")
def mounts():
    done = in_namespace("mount -t tmpfs tmpfs /run")
    if done.returncode != 0:
        pytest.skip("nothing can be mounted here: " + done.stderr)


@pytest.fixture(scope="module")
def installed(mounts, tmp_path_factory):
    """A prefix that is not where it was configured to be."""
    if not shutil.which("meson"):
        pytest.skip("not installed: meson")
    top = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild",
                    "--quiet", "--destdir", top], check=True,
                   stdout=subprocess.DEVNULL)
    return top / "usr/local"


@pytest.mark.release
def test_without_xdg_runtime_dir(mounts, agent, softhsm):
    """A login by su or cron: who serves and who asks mean the same place."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    env = {k: v for k, v in a.env.items() if k not in (
        "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK")}
    done = in_namespace("""
        mount -t tmpfs tmpfs /run
        mkdir -p /run/user/0
        chmod 700 /run/user/0
        eval "$("$1/p11-agent" -s -f "$2")"
        echo "$SSH_AUTH_SOCK"
        ssh-add -l
        unset SSH_AUTH_SOCK
        "$1/p11-agentctl" env -s
        "$1/p11-agentctl" keys
        kill "$SSH_AGENT_PID"
        while [ -e /run/user/0/p11-agent/agent.sock ]; do sleep 0.02; done
        """, BUILD, a.config, **env)
    assert done.returncode == 0, done.stderr
    assert "\n/run/user/0/p11-agent/agent.sock\n" in done.stdout
    assert "SSH_AUTH_SOCK=/run/user/0/p11-agent/agent.sock; export" in (
        done.stdout)
    assert ' key1 (' in done.stdout and 'by key "key1"' in done.stdout


@pytest.mark.release
@pytest.mark.parametrize("proc", ["", "mount -t tmpfs tmpfs /proc"])
def test_prefix_behind_a_link(installed, agent, softhsm, proc):
    """As /usr/local of ostree systems and folders of stow; without /proc."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    done = in_namespace("""
        mount --bind "$1" /usr/local
        %s
        "$1/bin/p11-agentctl" check-config "$2"
        exec "$1/bin/p11-agent" -f "$2" ssh-add -l
        """ % proc, installed, a.config, **a.env)
    assert done.returncode == 0, done.stderr
    assert "\nOK\n" in done.stdout and "key1" in done.stdout


@pytest.mark.release
def test_no_proc_and_not_installed(mounts, agent):
    a = agent("", start=False)
    done = in_namespace("""
        mount -t tmpfs tmpfs /proc
        "$1/p11-agentctl" check-config "$2" || true
        exec "$1/p11-agent" -D -a "$3" -f "$2"
        """, BUILD, a.config, a.socket, **a.env)
    assert done.returncode == 1
    assert done.stderr.count("is /proc mounted?") >= 2


def test_no_home(agent, directory):
    """The log says which files are not read, and why."""
    if os.geteuid() != 0:
        pytest.skip("becoming a user without a home needs root")
    directory.chmod(0o711)
    tools = directory / "tools"
    tools.mkdir()
    for path in pathlib.Path(BUILD).glob("p11-agent*"):
        if path.is_file():
            shutil.copy(path, tools)
    own = directory / "own"
    own.mkdir(mode=0o700)
    os.chown(own, NOBODY, NOBODY)
    words = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY,
             "--clear-groups"]
    env = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([*words, tools / "p11-agentctl", "check-config"],
                          env=env, text=True, capture_output=True, timeout=30)
    assert "HOME is not set" in done.stdout
    with open(own / "log", "wb") as log:
        p = subprocess.Popen([*words, tools / "p11-agent", "-D", "-a",
                              own / "s"], env=env, stdout=log, stderr=log)
    try:
        wait_until((own / "s").exists, what="its socket")
        assert "HOME is not set" in (own / "log").read_text()
    finally:
        p.terminate()
        assert p.wait(20) == 0


def test_byte_order_mark(agent):
    """As editors of other systems put it in front."""
    a = agent("\ufeffmax-identities = 3\n", start=False)
    for words in ([program("p11-agentctl"), "check-config", a.config],
                  [program("p11-agent"), "-f", a.config, "true"]):
        done = a.run(*words)
        assert done.returncode == 1
        assert "p11-agent.conf:1: a byte order mark" in done.stderr
