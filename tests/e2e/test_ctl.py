# SPDX-License-Identifier: BSD-2-Clause
"""p11-agentctl: status and keys, for people and for programs."""
import json
import subprocess

import pytest

from config import simple
from daemon import program
from keys import public_line
from wire import FAILURE


@pytest.fixture
def token(softhsm):
    return softhsm("p256", "ed25519", "rsa2048", "p384")


@pytest.fixture
def served(agent, token):
    return agent(simple(token, 2, 1), token, pins=[token.pin])


def test_status_json(served):
    s = served.status()
    assert s["pid"] == served.process.pid
    assert s["socket"] == str(served.socket)
    assert s["config"] == [str(served.config)]
    assert s["config_error"] is None
    assert s["identities"] == 2
    assert s["max_identities"] == 3
    assert s["version"]
    p, = s["providers"]
    assert (p["name"], p["state"], p["tokens"]) == ("softhsm", "ready", 1)
    assert p["module"].endswith("libsofthsm2.so")
    t, = s["tokens"]
    assert (t["label"], t["provider"], t["keys"]) == ("test", "softhsm", 4)
    assert t["login"] == "wants a PIN"
    assert t["pin"] == "ok"


def test_status_follows_the_login(served):
    with served.client() as c:
        assert c.sign(c.blob("key1")) is not None
    t, = served.status()["tokens"]
    assert t["login"] == "logged in"
    assert t["pid"] in served.providers()


def test_status_shows_the_last_error(agent, token):
    a = agent(simple(token, 1), token)
    with a.client() as c:
        assert c.add_smartcard(token.module, "9999") == FAILURE
    t, = a.status()["tokens"]
    assert "CKR_PIN_INCORRECT" in t["last_error"]
    assert t["pin"] == "few tries left"


def test_keys_json(served):
    keys = {k["label"]: k for k in served.keys()}
    assert set(keys) == {"p256", "ed25519", "rsa2048", "p384"}
    with served.client() as c:
        listed = c.identities()
    assert keys["ed25519"]["position"] == 1
    assert keys["p256"]["position"] == 2
    for blob, name in listed:
        k, = [k for k in keys.values() if k["comment"] == name]
        assert k["exposed"] is True
        assert k["public_key"].startswith(public_line(blob))
        assert k["fingerprint"].startswith("SHA256:")
    for label in ("rsa2048", "p384"):
        assert keys[label]["exposed"] is False
        assert keys[label]["reason"]
        assert keys[label]["uri"].startswith("pkcs11:")


def test_keys_have_an_order(served):
    """What is shown, as it is shown; the rest by CKA_ID (SoftHSM: by luck)."""
    keys = served.keys()
    assert [k["position"] for k in keys[:2]] == [1, 2]
    assert not any(k["position"] for k in keys[2:])
    assert [k["id"] for k in keys[2:]] == sorted(k["id"] for k in keys[2:])


def test_fingerprints_are_openssh_s(served):
    shown = served.run("ssh-add", "-l").stdout
    for k in served.keys():
        assert (k["fingerprint"] in shown) == k["exposed"]


def test_for_people(served):
    done = served.ctl("status")
    assert done.returncode == 0, done.stderr
    for word in ("softhsm", "test", str(served.socket)):
        assert word in done.stdout
    done = served.ctl("keys")
    assert done.returncode == 0
    for word in ("key1", "key2", "SHA256:", "p384"):
        assert word in done.stdout


def test_all_output_is_json(served):
    for command in ("status", "keys"):
        json.loads(served.ctl(command, "--json").stdout)
        json.loads(served.ctl("--json", command).stdout)


@pytest.mark.parametrize("words", [[], ["no-such-command"],
                                   ["status", "too", "many"],
                                   ["--no-such-option", "status"]])
def test_usage(words, served):
    done = served.ctl(*words)
    assert done.returncode == 2
    assert done.stderr


def test_no_agent_there(directory):
    done = subprocess.run([program("p11-agentctl"), "-a", directory / "none",
                           "status"], text=True, capture_output=True,
                          timeout=30)
    assert done.returncode == 3
    assert done.stderr


def test_found_beside_ssh_auth_sock(served):
    """Without -a it is the agent that SSH_AUTH_SOCK names."""
    done = served.run(program("p11-agentctl"), "status", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pid"] == served.process.pid


def test_another_agent_s_socket(directory, served):
    """Not every agent is ours: exit status 3, in words."""
    import os
    import socket
    path = directory / "other"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        done = subprocess.run([program("p11-agentctl"), "-a", path,
                               "status"], text=True, capture_output=True,
                              timeout=30, env=dict(os.environ))
    assert done.returncode == 3


@pytest.mark.parametrize("command", ["status", "watch", "export"])
def test_closed_output(served, command):
    """Nothing of ours takes its place, and nobody takes it for success."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", program("p11-agentctl"), "-a",
         served.socket, command], text=True, stderr=subprocess.PIPE,
        env=served.env, timeout=30)
    assert done.returncode == 1
    assert "standard output cannot be written" in done.stderr
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" | true', "sh", program("p11-agentctl"), "-a",
         served.socket, command], text=True, capture_output=True,
        env=served.env, timeout=30)
    assert done.stderr == ""


def test_env_for_another_shell(served):
    """A script of sh's, whoever's login shell it is."""
    done = served.run(program("p11-agentctl"), "env", "-s",
                      env={"SHELL": "/usr/bin/fish"})
    assert done.stdout == "SSH_AUTH_SOCK=%s; export SSH_AUTH_SOCK;\n" % (
        served.socket)


def test_help(served):
    done = served.ctl("--help")
    assert done.returncode == 0
    assert "status" in done.stdout and "keys" in done.stdout


@pytest.mark.parametrize("data", [
    b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1\1", b"garbage" * 100,
    b"\0\0\0\5\1\0\0\0\0", b"\0\0\0\5\1\xff\xff\xff\xff",
    b"\0\0\0\x0a\x02\0\0\0\1\0\0\0\1x"])
def test_control_socket_takes_garbage(data, served):
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect("%s.control" % served.socket)
        s.sendall(data)
        try:
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
        except OSError:
            pass
    assert served.ctl("status").returncode == 0
