# SPDX-License-Identifier: BSD-2-Clause
"""Providers by p11-kit's names, and what a provider's process is given."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from config import key, simple
from daemon import program, wait_until
from keys import verify
from registry import Registry
from tokens import RIG, SoftHsm, find, run

TRUST = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so"


@pytest.fixture
def token(softhsm):
    return softhsm("p256")


@pytest.fixture
def registry(directory):
    return Registry(directory)


@pytest.fixture
def registered(agent, registry, token):
    """registered(config): a daemon that sees this registry."""
    def make(config, **options):
        env = dict(registry.env, **token.env)
        return agent(config, pins=[token.pin] * 3, env=env,
                     wrapper=registry.wrapper, **options)

    return make


def sign(a, name="k"):
    with a.client() as c:
        blob = c.blob(name)
        signature = c.sign(blob, b"data")
    assert signature is not None, a.log()
    assert verify(blob, signature, b"data")


def section(name, module):
    return 'provider "%s" { module = "%s" }\n' % (name, module)


def providers(a):
    return {p["name"]: p for p in a.status()["providers"]}


KEY = key("k", "token=test;id=%01")


def test_by_name(registered, registry):
    registry.add("soft-token", SoftHsm.path())
    a = registered(section("mine", "soft-token") + KEY)
    assert a.names() == ["k"]
    sign(a)
    p, = providers(a).values()
    assert (p["name"], p["state"], p["error"]) == ("mine", "ready", None)
    assert p["module"] == os.path.realpath(SoftHsm.path())


def test_registered_name_comes_before_a_file(registered, registry, token):
    """libsofthsm2 is also a file's name; the registered one is another."""
    registry.copy("libsofthsm2", SoftHsm.path())
    a = registered(section("s", "libsofthsm2") + KEY)
    assert a.names() == ["k"]
    assert providers(a)["s"]["module"].endswith("/libsofthsm2-copy.so")


def test_file_without_suffix(registered, registry):
    """What is not registered is looked for as a file."""
    registry.add("other", SoftHsm.path())
    a = registered(section("s", "libsofthsm2") + KEY)
    assert a.names() == ["k"]
    sign(a)


def test_unknown_name(registered, registry):
    registry.add("one", SoftHsm.path())
    registry.add("ca", TRUST, trust_policy="yes")
    a = registered(section("x", "no-such-module") + KEY)
    assert a.names() == []
    p = providers(a)["x"]
    assert p["state"] == "failed"
    for words in ("no module no-such-module is registered with p11-kit; "
                  "registered are: one; taken for the name of a file: ",
                  "no-such-module: not found in "):
        assert words in p["error"]
        assert words in a.log()


def test_nothing_registered(registered, registry):
    a = registered(section("x", "no-such-module") + KEY)
    assert a.names() == []
    assert ("no module no-such-module is registered with p11-kit, nor any "
            "other") in providers(a)["x"]["error"]


def test_one_unknown_name_does_not_stop_others(registered, registry):
    registry.add("one", SoftHsm.path())
    a = registered(section("x", "no-such-module") + section("s", "one") + KEY)
    assert a.names() == ["k"]
    assert providers(a)["x"]["state"] == "failed"


def test_none_named(registered, registry):
    """Trust modules and those that are not for us are left out."""
    registry.add("soft", SoftHsm.path(), enable_in="p11-agent")
    registry.add("ca", TRUST, trust_policy="yes")
    registry.copy("not-ours", SoftHsm.path(), disable_in="p11-agent")
    a = registered(KEY)
    assert a.names() == ["k"]
    sign(a)
    found = providers(a)
    assert set(found) == {"soft"}
    assert found["soft"]["state"] == "ready"


def test_empty_config(registered, registry):
    """No module runs before somebody asks for the keys there are."""
    registry.add("soft", SoftHsm.path())
    a = registered("")
    assert a.names() == []
    before = a.status()
    assert [p["state"] for p in before["providers"]] == ["not needed"]
    assert "p11-agentctl keys" in before["note"]
    # At once, without a list that waits for the start.
    done = a.ctl("keys")
    assert done.returncode == 0, done.stderr
    assert "p256" in done.stdout
    k, = a.keys()
    assert (k["label"], k["exposed"], k["provider"]) == ("p256", False,
                                                         "soft")
    assert a.names() == []
    assert [p["state"] for p in a.status()["providers"]] == ["ready"]
    assert not a.providers()


def test_empty_config_and_no_module(registered, registry):
    a = registered("")
    done = a.ctl("keys")
    assert done.returncode == 0, done.stderr
    assert "no module that p11-kit has registered" in done.stdout
    p, = providers(a).values()
    assert p["error"] == "no module is registered with p11-kit"


def test_reload_looks_again(registered, registry):
    a = registered(KEY)
    assert a.names() == []
    registry.add("soft", SoftHsm.path())
    assert a.ctl("reload").returncode == 0
    wait_until(lambda: a.names() == ["k"], what="the new module's key")
    sign(a)
    pid = a.token_pid("test")
    # Still there: what it is doing, and its login, stay.
    registry.copy("more", SoftHsm.path())
    assert a.ctl("reload").returncode == 0
    assert set(providers(a)) == {"soft", "more"}
    assert a.names() == ["k"]
    assert pid
    registry.remove("soft")
    registry.remove("more")
    assert a.ctl("reload").returncode == 0
    wait_until(lambda: a.names() == [], what="the end of the module")


def test_reload_between_named_and_not(registered, registry):
    registry.add("soft", SoftHsm.path())
    a = registered(KEY)
    assert a.names() == ["k"]
    for config, name in ((section("mine", "soft") + KEY, "mine"),
                         (KEY, "soft"),
                         (section("s", SoftHsm.path()) + KEY, "s")):
        a.config.write_text(config)
        assert a.ctl("reload").returncode == 0
        wait_until(lambda: a.names() == ["k"], what="the key again")
        assert set(providers(a)) == {name}
        sign(a)


def test_name_that_becomes_another_module(registered, registry):
    registry.add("soft", SoftHsm.path())
    a = registered(section("s", "soft") + KEY)
    sign(a)
    registry.copy("soft", SoftHsm.path())
    assert a.ctl("reload").returncode == 0
    wait_until(lambda: a.names() == ["k"], what="the key again")
    assert providers(a)["s"]["module"].endswith("/soft-copy.so")
    sign(a)


def test_lookup_that_fails(registered, registry):
    """p11-kit gives nothing at all beside a broken critical module."""
    registry.add("soft", SoftHsm.path())
    registry.add("gone", "/nowhere/gone.so", critical="yes")
    a = registered(section("s", "soft") + section("f", SoftHsm.path()) + KEY)
    # A file needs no look-up.
    assert a.names() == ["k"]
    error = providers(a)["s"]["error"]
    assert error.startswith("the modules that are registered with p11-kit "
                            "cannot be listed: ")
    assert "gone" in error
    registry.remove("gone")
    assert a.ctl("reload").returncode == 0
    wait_until(lambda: providers(a)["s"]["state"] == "ready",
               what="the second look-up")


def test_lookup_that_fails_and_none_named(registered, registry):
    registry.add("gone", "/nowhere/gone.so", critical="yes")
    a = registered(KEY)
    assert a.names() == []
    p, = providers(a).values()
    assert p["state"] == "failed" and "gone" in p["error"]


# -- commands in place of files

def commands(a):
    """The processes of p11-kit's commands below a provider: pid and line."""
    done = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], text=True,
                          stdout=subprocess.PIPE, check=True)
    lines = [line.split(None, 2) for line in done.stdout.splitlines()]
    return [int(pid) for pid, parent, words in lines
            if int(parent) in a.providers() and "remote" in words]


def is_gone(pid):
    """Or has ended, and nobody has asked for its status."""
    try:
        return "State:\tZ" in pathlib.Path("/proc/%d/status" % pid).read_text()
    except FileNotFoundError:
        return True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's are the system's")
def test_command_of_the_system(registered, registry):
    registry.command("far", SoftHsm.path()).add("ca", TRUST,
                                                trust_policy="yes")
    a = registered(KEY)
    assert a.names() == ["k"], a.log()
    sign(a)
    p, = providers(a).values()
    assert (p["name"], p["state"], p["tokens"]) == ("far", "ready", 1)
    assert p["module"] == "|p11-kit remote %s" % SoftHsm.path()
    assert a.status()["unused"] == []
    # The token has one process, and that has one command.
    assert len(a.providers()) == len(commands(a)) == 1


def test_command_that_is_named(registered, registry):
    """Beside a file of p11-kit's; it ends with its provider's process."""
    registry.command("far", SoftHsm.path()).copy("near", SoftHsm.path())
    a = registered(section("mine", "far") + KEY)
    assert a.names() == ["k"], a.log()
    sign(a)
    command, = commands(a)
    status = pathlib.Path("/proc/%d/status" % command).read_text()
    ignored, = [line.split()[1] for line in status.splitlines()
                if line.startswith("SigIgn:")]
    assert int(ignored, 16) & 1 << signal.SIGPIPE - 1 == 0
    os.kill(a.token_pid("test"), signal.SIGKILL)
    wait_until(lambda: is_gone(command), what="the command's end")
    sign(a)
    command, = commands(a)
    assert a.ctl("lock").returncode == 0
    wait_until(lambda: is_gone(command), what="the command's end")


def test_command_that_fails(registered, registry):
    registry.write("far", remote="|false")
    a = registered(section("s", "far") + KEY)
    assert a.names() == []
    assert providers(a)["s"]["state"] == "failed"
    assert "C_Initialize" in providers(a)["s"]["error"]


@pytest.mark.release
def test_command_of_a_person(agent, directory, token):
    """Only by name; `status` says so. A sanitizer's reports need root."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    where = directory / "theirs"
    modules = where / "pkcs11" / "modules"
    modules.mkdir(parents=True)
    (modules / "far.module").write_text(
        "remote: |p11-kit remote %s\n" % SoftHsm.path())
    (where / "pkcs11" / "pkcs11.conf").write_text("user-config: only\n")
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup",
              "--clear-groups"]
    give = 'chmod 711 "$0" && chown -R nobody:nogroup "$0"/* && exec "$@"'
    a = agent(KEY, pins=[token.pin], env=dict(
        token.env, XDG_CONFIG_HOME=str(where)),
        wrapper=["sh", "-c", give, str(directory), *become])

    def ctl(*words):
        done = a.run(*become, program("p11-agentctl"), "-a", a.socket, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    wait_until(lambda: "registered" in ctl("status"), what="the look-up")
    unused, = json.loads(ctl("status", "--json"))["unused"]
    assert (unused["name"], unused["remote"]) == (
        "far", "|p11-kit remote %s" % SoftHsm.path())
    words = 'provider "far" { module = "far" }'
    assert words in unused["reason"]
    assert words in " ".join(ctl("status").split())
    a.config.write_text(words + "\n" + KEY)
    ctl("reload")
    wait_until(lambda: "(no name)" not in ctl("keys") and
               json.loads(ctl("keys", "--json"))["keys"], what="its key")
    assert json.loads(ctl("status", "--json"))["unused"] == []


# -- what the process is given

def test_env_of_the_section(agent, token):
    """SoftHSM's configuration, named by the section alone."""
    a = agent('provider "s" {\n module = "%s"\n env = { "SOFTHSM2_CONF=%s" }\n'
              '}\n' % (token.module, token.conf) + KEY, pins=[token.pin])
    assert "SOFTHSM2_CONF" not in a.daemon_env()
    assert a.names() == ["k"]
    sign(a)


def test_two_environments_for_one_module(agent, softhsm):
    one, two = (softhsm("p256", label=label) for label in ("one", "two"))
    a = agent("".join(
        'provider "%s" { module = "%s" env = { "SOFTHSM2_CONF=%s" } }\n'
        % (name, t.module, t.conf) for name, t in (("a", one), ("b", two)))
        + key("k1", "token=one") + key("k2", "token=two"),
        pins=["1234", "1234"])
    assert a.names() == ["k1", "k2"]
    sign(a, "k1")
    sign(a, "k2")


def test_folder_of_its_own(agent, token):
    a = agent(simple(token, 1), token, pins=[token.pin])
    sign(a, "key1")
    pid, = a.providers()
    folder = a.dir / "p11-agent" / "provider-softhsm"
    assert pathlib.Path(os.readlink("/proc/%d/cwd" % pid)) == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(folder.iterdir())


@pytest.fixture
def nss(directory):
    """The words that NSS softokn wants in C_Initialize."""
    if shutil.which("certutil") is None:
        pytest.skip("no certutil here (libnss3-tools)")
    return run(RIG + "/rig-nss.sh", "start", directory / "nss")


def softokn():
    return find("/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
                "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
                "/usr/lib64/libsoftokn3.so")


NSS_KEY = key("n", "token=NSS%20Certificate%20DB")


def test_init_args_of_the_section(agent, nss):
    a = agent('provider "nss" {\n module = "%s"\n init-args = "%s"\n}\n'
              % (softokn(), nss) + NSS_KEY, pins=["1234"] * 2)
    assert a.names() == ["n"], a.log()
    sign(a, "n")


def test_init_args_of_the_registration(registered, registry, nss):
    registry.add("nss", softokn(), x_init_reserved=nss)
    a = registered(NSS_KEY)
    assert a.names() == ["n"], a.log()
    sign(a, "n")


def test_section_s_init_args_win(registered, registry, nss, directory):
    registry.add("nss", softokn(),
                 x_init_reserved=nss.replace("/db'", "/none'"))
    a = registered('provider "n" { module = "nss" init-args = "%s" }\n' % nss
                   + NSS_KEY)
    assert a.names() == ["n"], a.log()
