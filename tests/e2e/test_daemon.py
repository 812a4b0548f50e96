# SPDX-License-Identifier: BSD-2-Clause
"""The daemon itself: its sockets, its peers, its beginning and end."""
import os
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from config import simple
from daemon import program, wait_until
from wire import REQUEST_IDENTITIES, frame


@pytest.fixture
def served(agent, softhsm):
    token = softhsm("p256")
    return agent(simple(token, 1), token, pins=[token.pin])


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.release
def test_socket_modes(served):
    assert mode_of(served.socket) == 0o600
    assert mode_of("%s.control" % served.socket) == 0o600


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_well(how, served):
    assert served.names() == ["key1"]
    served.process.send_signal(how)
    assert served.process.wait(20) == 0
    assert not os.path.exists(served.socket)
    assert not os.path.exists("%s.control" % served.socket)
    served.process = None


def test_second_agent_is_refused_in_words(served):
    done = subprocess.run(served.command(), env=served.daemon_env(),
                          timeout=30, text=True, capture_output=True)
    assert done.returncode != 0
    assert str(served.socket) in done.stderr
    # The first one goes on.
    assert served.names() == ["key1"]
    assert served.ctl("status").returncode == 0


def test_live_ssh_agent_keeps_its_socket(agent, directory):
    where = directory / "ssh-agent"
    other = subprocess.Popen(["ssh-agent", "-D", "-a", where],
                             stdout=subprocess.DEVNULL)
    try:
        wait_until(where.exists)
        a = agent("", start=False)
        a.socket = where
        done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                              text=True, capture_output=True)
        assert done.returncode != 0
        assert str(where) in done.stderr
        assert subprocess.run(["ssh-add", "-l"], capture_output=True,
                              env=dict(os.environ, SSH_AUTH_SOCK=where),
                              ).returncode == 1
    finally:
        other.terminate()
        other.wait()
        a.socket = directory / "none"


def test_stale_socket_is_taken_over(agent, softhsm):
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    for path in (a.socket, "%s.control" % a.socket):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
    a.start()
    assert a.names() == ["key1"]


def test_file_that_is_no_socket_stays(agent):
    a = agent("", start=False)
    a.socket.write_text("mine\n")
    done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                          text=True, capture_output=True)
    assert done.returncode != 0
    assert a.socket.read_text() == "mine\n"
    a.socket.unlink()


def test_folder_that_others_may_write(agent):
    """Who may rename the socket may stand in for the agent."""
    a = agent("", start=False)
    loose = a.dir / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    a.socket = loose / "s"
    done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                          text=True, capture_output=True)
    assert done.returncode != 0
    assert "loose" in done.stderr


def test_socket_path_that_is_too_long(agent):
    a = agent("", start=False)
    a.socket = a.dir / ("x" * 150)
    done = subprocess.run(a.command(), env=a.daemon_env(), timeout=30,
                          text=True, capture_output=True)
    assert done.returncode != 0
    assert "107 bytes" in done.stderr


def test_daemonizes(agent, softhsm):
    """-d, as ssh-agent has it, stays as well and logs."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    a.command = lambda: [program("p11-agent"), "-d", "-a", str(a.socket),
                         "-f", str(a.config)]
    a.start()
    assert a.names() == ["key1"]


@pytest.mark.parametrize("words", [["-Z"], ["-a"], ["-D", "-D", "-Q"]])
def test_usage(words):
    done = subprocess.run([program("p11-agent"), *words], text=True,
                          capture_output=True, timeout=30)
    assert done.returncode != 0
    assert "usage" in (done.stdout + done.stderr).lower()


def as_nobody(*words, **options):
    return subprocess.run(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
         *words], text=True, capture_output=True, timeout=30, **options)


@pytest.mark.release
def test_another_user_is_refused(served, directory):
    """By the modes; and by the peer's uid where those are open."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    for path in (directory, served.dir):
        path.chmod(0o711)
    env = dict(os.environ, SSH_AUTH_SOCK=str(served.socket))
    assert as_nobody("ssh-add", "-l", env=env).returncode == 2
    served.socket.chmod(0o666)
    os.chmod("%s.control" % served.socket, 0o666)
    done = as_nobody("ssh-add", "-l", env=env)
    assert "key1" not in done.stdout
    # ssh-add prints it when a list has come, be it empty.
    assert done.stdout == "" and done.returncode != 0
    assert "was refused" in served.log()
    reader = directory / "p11-agentctl"
    shutil.copy(program("p11-agentctl"), reader)
    reader.chmod(0o755)
    done = as_nobody(str(reader), "-a", str(served.socket), "status")
    assert done.returncode != 0
    assert "key1" not in done.stdout and "test" not in done.stdout
    assert served.names() == ["key1"]


def test_first_list_waits_for_the_first_scan(agent, softhsm):
    """No empty list in the first moments (start-wait)."""
    token = softhsm("p256")
    a = agent(simple(token, 1), token, start=False)
    a.start()
    for _ in range(5):
        a.stop()
        a.start()
        with a.client() as c:
            c.send_raw(frame(REQUEST_IDENTITIES))
            assert len(c.parse_identities(*c.receive())) == 1


def test_signature_in_the_first_moments(agent, softhsm):
    token = softhsm("p256")
    a = agent(simple(token, 1), token, pins=[token.pin] * 9)
    with a.client() as c:
        blob = c.blob("key1")
    a.stop()
    a.start()
    with a.client() as c:
        assert c.sign(blob) is not None
