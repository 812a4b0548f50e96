# SPDX-License-Identifier: BSD-2-Clause
"""Under systemd's user manager, as an ordinary user."""
import json
import shlex
import shutil
import subprocess

import pytest

from manager import config
from persons import Terminal, needs
from tokens import RIG

# What the unit refuses: how. Those that are seldom possible anyway:
EPERM, NO_FAMILY = {"EPERM"}, {"EAFNOSUPPORT"}
REFUSED = {
    "write and execute": EPERM,          # MemoryDenyWriteExecute
    "execute what was written": EPERM,
    "user namespace": EPERM,             # RestrictNamespaces
    "personality": EPERM,                # LockPersonality
    "set-user-ID bit": EPERM,            # RestrictSUIDSGID
    "real time": EPERM,                  # RestrictRealtime
    "batch scheduling": EPERM,           # SystemCallFilter
    "ptrace": EPERM,
    "io_uring": EPERM,
    "keyring": EPERM,
    "other architecture": {"SIGSYS"},    # SystemCallArchitectures
    "vsock": NO_FAMILY,                  # RestrictAddressFamilies
    "alg": NO_FAMILY,
}
UNUSUAL = {"real time", "other architecture", "alg", "vsock", "io_uring",
           "user namespace"}
PERMITTED = ("unix", "inet", "inet6", "netlink", "landlock", "a program")
# As if root ran it: what a user lacks anyway counts against it.
SCORE_MAX = 65

# As it is shipped: what is installed runs from where it is installed.
pytestmark = pytest.mark.release


@pytest.fixture
def token(manager, softhsm):
    """A SoftHSM token of that user's."""
    return manager.owns(softhsm("p256", "ed25519"))


def test_first_connection_starts_it(units, token):
    u = units(config(token, 1, 2)).start()
    assert u.state() == "inactive"
    assert u.names() == ["key1", "key2"]
    assert u.state() == "active"


def test_kill_is_healed_by_the_next_connection(units, token, manager):
    u = units(config(token, 1)).start()
    assert u.names() == ["key1"]
    pid = u.pid()
    manager.done("kill", "-9", pid)
    assert u.names() == ["key1"]
    assert u.pid() not in (0, pid)


def signing(manager):
    """A command that signs with the first key, and the file that it makes."""
    public, data, made = (manager.home / name
                          for name in ("key.pub", "data", "data.sig"))
    public.write_text(manager.run("ssh-add", "-L").stdout.split("\n")[0])
    data.write_text("some data")
    manager.own(public, data)
    made.unlink(missing_ok=True)
    return ["ssh-keygen", "-Y", "sign", "-n", "test", "-f", str(public),
            str(data)], made


def sign(manager):
    """Is a signature made?"""
    command, made = signing(manager)
    return manager.run(*command).returncode == 0 and made.exists()


def pin_from(source):
    return 'token "t" { uri = "pkcs11:token=test" pin-source = { "%s" } }\n' % (
        source)


def test_credential(units, token, manager):
    u = units(config(token, 1) + pin_from("credential:softhsm-pin"))
    pin = manager.home / "pin"
    pin.write_text(token.pin + "\n")
    manager.own(pin)
    u.drop_in("[Service]\nLoadCredential=softhsm-pin:%s\n" % pin)
    u.start()
    assert sign(manager)


def test_sandbox(units, token, manager):
    """A command that gives the PIN is deep inside: it tries everything."""
    probe = manager.home / "probe"
    shutil.copy(RIG + "/sandbox-probe.py", probe)
    manager.own(probe)
    u = units(config(token, 1) + pin_from(
        "command:/usr/bin/python3 %s >%s/inside && echo %s" % (
            probe, manager.home, token.pin)))
    u.start()
    outside = json.loads(manager.done("/usr/bin/python3", probe))
    assert sign(manager)
    inside = json.loads((manager.home / "inside").read_text())
    refused = {name for name in REFUSED if inside[name] in REFUSED[name]}
    assert refused == set(REFUSED), inside
    # Only what works elsewhere shows that it is the unit that refuses.
    for name in set(REFUSED) - UNUSUAL:
        assert outside[name] == "ok", (name, outside[name])
    assert outside["other architecture"] in ("ok", "ENOSYS")
    assert {name: inside[name] for name in PERMITTED} == dict.fromkeys(
        PERMITTED, "ok")
    assert outside["NoNewPrivs"] == "0" and outside["Seccomp"] == "0"
    assert inside["NoNewPrivs"] == "1" and inside["Seccomp"] == "2"
    assert inside["Umask"] == "0077" and inside["core"] == 0
    assert inside["Uid"].split()[0] == str(manager.uid)
    assert int(inside["CapEff"], 16) == 0
    assert inside["variables"] == []


def test_security_score(manager, note):
    """Shown when all is done; and no worse than it was."""
    said = manager.done(
        "systemd-analyze", "--user", "--no-pager", "--offline=true",
        "--threshold=%d" % SCORE_MAX, "security",
        manager.installed("p11-agent.service"))
    last = said.splitlines()[-1]
    assert "exposure level" in last
    note("systemd-analyze --user security: " + last.lstrip("→ "))


def test_units_are_well_formed(manager):
    done = manager.run("systemd-analyze", "--user", "--man=no", "verify", *(
        manager.installed("p11-agent" + end)
        for end in (".service", ".socket", "-control.socket")))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_reload(units, token, manager):
    u = units(config(token, 1)).start()
    assert u.names() == ["key1"]
    u.configure(config(token, 2, 1))
    manager.systemctl("reload", "p11-agent.service")
    assert u.names() == ["key2", "key1"]
    assert u.state() == "active"


def test_reload_of_a_bad_config_fails(units, token, manager):
    u = units(config(token, 1)).start()
    assert u.names() == ["key1"]
    pid = u.pid()
    u.configure(config(token, 2) + "nonsense = 1\n")
    done = manager.run("systemctl", "--user", "reload", "p11-agent.service")
    assert done.returncode == 1 and "failed" in done.stderr
    assert u.names() == ["key1"] and u.pid() == pid
    u.wait_for_status("1 token, 1 identity; the config is refused: ")
    assert "p11-agent.conf:3" in u.status_text()
    u.configure(config(token, 2))
    manager.systemctl("reload", "p11-agent.service")
    u.wait_for_status("1 token, 1 identity")
    assert "refused" not in u.status_text()


def test_bad_config_at_start(units, token, manager):
    """Nobody hangs, the reason is shown, and mending it is enough."""
    u = units(config(token, 1) + "nonsense = 1\n").start()
    for _ in range(3):
        done = manager.run("ssh-add", "-L", timeout=20)
        assert "communication with agent failed" in done.stderr
    u.wait_for_state("failed")
    assert "p11-agent.conf:3" in u.status_text()
    u.configure(config(token, 1))
    assert u.names() == ["key1"]


def test_sockets_of_one_name(units, token, manager):
    """By somebody's drop-in: nobody hangs then either."""
    u = units(config(token, 1))
    u.drop_in("[Socket]\nFileDescriptorName=agent\n",
              "p11-agent-control.socket")
    u.start()
    for _ in range(2):
        done = manager.run("ssh-add", "-L", timeout=20)
        assert "communication with agent failed" in done.stderr
    u.wait_for_state("failed")


def test_status_text(units, token, manager):
    u = units(config(token, 1, 2) + pin_from("credential:none")).start()
    assert u.names() == ["key1", "key2"]
    u.wait_for_status("1 token, 2 identities")
    assert "error" not in u.status_text()
    assert not sign(manager)
    u.wait_for_status("1 token, 2 identities; last error: test (serial ")


def test_journal(units, token, manager):
    """What a line is about can be searched for."""
    u = units(config(token, 1) + pin_from("credential:none")).start()
    assert not sign(manager)
    status = json.loads(manager.done("p11-agentctl", "status", "--json"))
    name = status["tokens"][0]["name"]
    public = manager.run("ssh-add", "-l").stdout.split()[1]
    ours = {"_PID": u.pid(), "_UID": manager.uid}
    here, = [e for e in manager.journal(P11_TOKEN=name, **ours)
             if e["MESSAGE"] == name + ": here"]
    assert here["PRIORITY"] == "6"
    refused, = manager.journal(P11_KEY=public, **ours)
    assert refused["P11_TOKEN"] == name and refused["PRIORITY"] == "4"
    assert refused["P11_CLIENT"].startswith("ssh-keygen (pid ")
    assert refused["MESSAGE"].startswith(refused["P11_CLIENT"] + (
        ": no signature by %s on %s" % (public, name)))
    assert refused["SYSLOG_IDENTIFIER"] == "p11-agent"
    assert refused["_TRANSPORT"] == "journal"


def test_sockets_are_the_managers(units, token, manager):
    """Both, private, and there before, while and after the daemon runs."""
    u = units(config(token, 1)).start()
    paths = [manager.socket, manager.socket.with_name("agent.sock.control")]
    numbers = [p.stat().st_ino for p in paths]
    assert [p.stat().st_mode & 0o777 for p in paths] == [0o600] * 2
    assert manager.socket.parent.stat().st_mode & 0o777 == 0o700
    # Nobody may end the manager who wants to end the agent (-k).
    assert manager.done("p11-agent", "-s") == (
        "SSH_AUTH_SOCK=%s; export SSH_AUTH_SOCK;\n" % manager.socket)
    # Either of them starts it.
    status = json.loads(manager.done("p11-agentctl", "status", "--json"))
    assert status["pid"] and status["socket"] == str(manager.socket)
    assert u.names() == ["key1"]
    manager.systemctl("stop", "p11-agent.service")
    assert [p.stat().st_ino for p in paths] == numbers
    assert u.names() == ["key1"]
    manager.systemctl("stop", "p11-agent.socket")
    assert u.state() == "inactive"
    assert manager.show("p11-agent-control.socket", "ActiveState") == (
        "inactive")


def test_restart_loses_nobody(units, token, manager):
    u = units(config(token, 1)).start()
    assert u.names() == ["key1"]
    with subprocess.Popen(manager.words(
            "systemctl", "--user", "restart", "p11-agent.service"),
            env=manager.env) as restart:
        while restart.poll() is None:
            assert u.names() == ["key1"]
    assert restart.returncode == 0


PIV_CONFIG = """provider "opensc" { module = "opensc-pkcs11.so" }
key "card" { uri = "pkcs11:id=%01" }
token "card" { uri = "pkcs11:" pin-source = { "pinentry" } }
"""


@pytest.fixture
def carded(manager, units, directory, piv):
    """carded(pinentry): units whose daemon has a virtual card."""
    def make(pinentry):
        directory.chmod(0o711)
        card = piv({"9a": "p256"})
        u = units(PIV_CONFIG)
        u.drop_in("[Service]\n" + "".join(
            'Environment="%s=%s"\n' % v for v in dict(
                card.env, PINENTRY_PROGRAM=shutil.which(pinentry)).items()))
        return u.start(), card
    return make


@pytest.fixture
def terminal(manager):
    why = needs("tmux", "pinentry-curses")
    if why:
        pytest.skip(why)
    made = Terminal(manager.home, manager.words())
    yield made
    made.stop()


def test_curses_unlocks_a_card(carded, manager, terminal):
    """At the client's terminal, by what the client's processes say of it."""
    u, card = carded("pinentry-curses")
    assert u.names() == ["card"]
    command, made = signing(manager)
    terminal.start(shlex.join(command), manager.env)
    assert "asked for by ssh-keygen" in terminal.wait_for("PIN:")
    terminal.type(card.pin)
    terminal.wait_for_end()
    assert made.exists()
    assert card.tries() == 3


@pytest.mark.long
def test_graphical_unlocks_a_card(carded, manager, graphical, display):
    u, card = carded(graphical)
    assert u.names() == ["card"]
    command, made = signing(manager)
    with subprocess.Popen(manager.words(*command),
                          env=dict(manager.env, **display.env)) as client:
        display.type(display.wait_for_window("p11-agent"), card.pin)
        assert client.wait(20) == 0
    assert made.exists()
    assert card.tries() == 3


@pytest.mark.long
def test_display_of_a_later_login(carded, manager, graphical, display):
    """An editor without a terminal: the user manager knows the display."""
    u, card = carded(graphical)
    assert u.names() == ["card"]
    command, made = signing(manager)
    manager.start_bus()
    manager.systemctl("set-environment", "DISPLAY=" + display.env["DISPLAY"])
    try:
        with subprocess.Popen(manager.words(*command), env=manager.env,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as client:
            display.type(display.wait_for_window("p11-agent"), card.pin)
            assert client.wait(20) == 0
    finally:
        manager.systemctl("unset-environment", "DISPLAY")
    assert made.exists()
