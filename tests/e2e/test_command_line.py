# SPDX-License-Identifier: BSD-2-Clause
"""ssh-agent's own command line: what scripts rely on."""
import os
import re
import signal
import subprocess

import pytest

from config import simple
from daemon import alive, processes_with, program, wait_until

SH = re.compile(r"SSH_AUTH_SOCK=(?P<socket>\S+); export SSH_AUTH_SOCK;\n"
                r"SSH_AGENT_PID=(?P<pid>\d+); export SSH_AGENT_PID;\n"
                r"echo Agent pid (?P=pid);\n$")
CSH = re.compile(r"setenv SSH_AUTH_SOCK (?P<socket>\S+);\n"
                 r"setenv SSH_AGENT_PID (?P<pid>\d+);\n"
                 r"echo Agent pid (?P=pid);\n$")


@pytest.fixture
def shell(agent, softhsm):
    """An environment and a config, and no agent yet."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=[token.pin], start=False)
    a.env.pop("SSH_AUTH_SOCK")
    a.started = []
    yield a
    for pid in a.started:
        if alive(pid):
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not alive(pid), what="the agent's end")


def run(shell, *words, **options):
    return shell.run(program("p11-agent"), "-f", shell.config, *words,
                     cwd=shell.dir, **options)


def background(shell, *words, form=SH):
    done = run(shell, *words)
    assert done.returncode == 0, done.stderr
    match = form.match(done.stdout)
    assert match, done.stdout
    shell.started.append(int(match["pid"]))
    return match["socket"], int(match["pid"])


@pytest.mark.parametrize("words,form", [((), SH), (("-s",), SH),
                                        (("-c",), CSH)])
def test_background(shell, words, form):
    socket, pid = background(shell, *words, form=form)
    assert socket == str(shell.dir / "p11-agent/agent.sock")
    assert alive(pid)
    done = shell.run("ssh-add", "-l", env={"SSH_AUTH_SOCK": socket})
    assert "key1" in done.stdout


def test_csh_by_shell(shell):
    done = run(shell, env={"SHELL": "/bin/tcsh"})
    match = CSH.match(done.stdout)
    assert match, done.stdout
    shell.started.append(int(match["pid"]))


def test_second_one_names_the_first(shell):
    first = background(shell)
    assert background(shell, "-s") == first
    assert run(shell, "-D").returncode == 1


def test_kill(shell):
    socket, pid = background(shell)
    done = shell.run(program("p11-agent"), "-k",
                     env={"SSH_AGENT_PID": str(pid)})
    assert done.returncode == 0
    assert done.stdout == ("unset SSH_AUTH_SOCK;\nunset SSH_AGENT_PID;\n"
                           "echo Agent pid %d killed;\n" % pid)
    wait_until(lambda: not alive(pid), what="the agent's end")
    assert not os.path.exists(socket)


@pytest.mark.parametrize("value", [None, "", "1", "0", "-1", "x", "12x",
                                   "99999999999999999999"])
def test_kill_without_an_agent(shell, value):
    env = {} if value is None else {"SSH_AGENT_PID": value}
    done = shell.run(program("p11-agent"), "-k", env=env)
    assert done.returncode == 1
    assert "SSH_AGENT_PID" in done.stderr


def test_command_has_an_agent_of_its_own(shell):
    """… even beside one that runs, and its status is the command's."""
    other, _ = background(shell)
    done = run(shell, "sh", "-c",
               "ssh-add -l; echo $SSH_AUTH_SOCK $SSH_AGENT_PID; exit 7")
    assert done.returncode == 7
    identity, line = done.stdout.splitlines()
    assert "key1" in identity
    socket, pid = line.split()
    assert socket != other
    wait_until(lambda: not alive(int(pid)), what="the agent's end")
    wait_until(lambda: not os.path.exists(os.path.dirname(socket)),
               what="the end of the socket's folder")


def test_agent_ends_when_its_command_is_killed(shell):
    p = subprocess.Popen(
        [program("p11-agent"), "-f", shell.config, "sh", "-c",
         "echo $SSH_AGENT_PID; exec sleep 1000"], env=shell.env,
        stdout=subprocess.PIPE, text=True, cwd=shell.dir)
    pid = int(p.stdout.readline())
    shell.started.append(pid)
    p.kill()
    p.wait()
    p.stdout.close()
    wait_until(lambda: not alive(pid), what="the agent's end")


def test_command_that_is_not_there(shell):
    done = run(shell, "no-such-program")
    assert done.returncode == 127
    assert "no-such-program" in done.stderr
    wait_until(lambda: not processes_with(str(shell.dir)),
               what="the agent's end")


def test_config_error_is_told_before_going_to_the_background(shell):
    shell.config.write_text('key "x" {')
    done = run(shell)
    assert done.returncode == 1
    assert "p11-agent.conf:1" in done.stderr
    assert done.stdout == ""
    assert not os.path.exists(shell.dir / "p11-agent/agent.sock")


def test_foreground_prints_the_variables(agent, softhsm):
    token = softhsm("p256")
    a = agent(simple(token, 1), token)
    a.wait_for_log("SSH_AUTH_SOCK=%s; export" % a.socket)


def test_relative_paths_outlast_the_folder(shell):
    done = shell.run(program("p11-agent"), "-f", "p11-agent.conf", "-a",
                     "./sock", cwd=shell.dir)
    match = SH.match(done.stdout)
    assert match, done.stderr
    shell.started.append(int(match["pid"]))
    assert os.path.samefile(match["socket"], shell.dir / "sock")
    reload = shell.run(program("p11-agentctl"), "-a", match["socket"],
                       "reload")
    assert reload.returncode == 0, reload.stderr


@pytest.mark.parametrize("words", [("-x",), ("-k", "-D"), ("-D", "true"),
                                   ("-E", "sha3"), ("-a",)])
def test_usage(shell, words):
    done = shell.run(program("p11-agent"), *words)
    assert done.returncode == 2
    assert "usage" in done.stderr or "-E" in done.stderr


def test_hash_for_the_sake_of_ssh_agent(shell):
    background(shell, "-E", "md5")
