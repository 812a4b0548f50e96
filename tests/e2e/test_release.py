# SPDX-License-Identifier: BSD-2-Clause
"""The hardening, which only the release build has."""
import json
import os
import platform
import re
import shlex
import shutil
import subprocess

import pytest

from config import simple
from daemon import BUILD, program, wait_until

pytestmark = pytest.mark.release

PROGRAMS = ["p11-agent", "p11-agentctl", "p11-agent-provider",
            "p11-agent-prompt", "p11-agent-config"]


@pytest.fixture
def served(agent, softhsm):
    token = softhsm("p256", "ed25519")
    a = agent(simple(token, 1, 2), token, pins=[token.pin])
    with a.client() as c:
        assert c.sign(c.blob("key1")) is not None
    return a


def readelf(name, what):
    return subprocess.run(["readelf", "-W", what, program(name)], text=True,
                          capture_output=True, check=True).stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_linked_hard(name):
    header, dynamic = readelf(name, "-h"), readelf(name, "-d")
    segments = readelf(name, "-l")
    assert "DYN" in header, "not position-independent"
    assert "GNU_RELRO" in segments
    assert "BIND_NOW" in dynamic or re.search(r"FLAGS_1.*NOW", dynamic)
    stack, = [line for line in segments.splitlines() if "GNU_STACK" in line]
    assert "RWE" not in stack
    assert not re.search("RPATH|RUNPATH", dynamic)


@pytest.mark.parametrize("name", ["p11-agent", "p11-agent-provider"])
def test_compiled_hard(name):
    symbols = readelf(name, "--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert re.search(r"__\w+_chk", symbols.replace("__stack_chk_fail", ""))


def fortify_level(*command):
    """The level that the C library makes of these options."""
    macros = subprocess.run(
        [*command, "-E", "-dM", "-include", "stdio.h", "-"], input="",
        text=True, capture_output=True, check=True, cwd=BUILD).stdout
    return int(re.search(r"#define __USE_FORTIFY_LEVEL (\d)", macros)[1])


def test_compiled_as_hard_as_the_compiler_can():
    """Every source of ours: FORTIFY, and marks where a jump may go to."""
    with open(program("compile_commands.json")) as f:
        commands = {tuple(word for word in shlex.split(c["command"])
                          if word.startswith(("-D", "-U", "-O", "-fcf-")))
                    for c in json.load(f)
                    if "/tests/" not in c["file"]}
    assert commands
    best = fortify_level("cc", "-O2", "-U_FORTIFY_SOURCE",
                         "-D_FORTIFY_SOURCE=3")
    for words in commands:
        assert fortify_level("cc", *words) == best
        assert "-fcf-protection" in words or platform.machine() != "x86_64"


def test_daemon_links_no_vendor_code():
    """p11-kit, which loads modules, is the provider's alone."""
    needed = re.findall(r"NEEDED.*\[(.*)\]", readelf("p11-agent", "-d"))
    assert not [n for n in needed if "p11-kit" in n or "pcsclite" in n]


def limits(pid):
    with open("/proc/%d/limits" % pid) as f:
        return f.read()


def test_no_core(served):
    wait_until(lambda: any(t["pid"] for t in served.status()["tokens"]),
               what="the token's process")
    checked = 0
    for pid in [served.process.pid, *served.children()]:
        try:
            line, = [x for x in limits(pid).splitlines()
                     if x.startswith("Max core file size")]
        except FileNotFoundError:
            continue    # a scan that was over
        assert line.split()[4:6] == ["0", "0"], pid
        checked += 1
    # The daemon, and at least the token's process.
    assert checked >= 2


@pytest.fixture
def of_nobody(agent, softhsm, directory):
    """of_nobody(settings): an ordinary user's daemon; we are root."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")

    def make(settings=""):
        token = softhsm("p256")
        a = agent(settings + simple(token, 1), token, pins=[token.pin],
                  start=False)
        for name in PROGRAMS:
            shutil.copy(program(name), a.dir / name)
        directory.chmod(0o711)
        subprocess.run(["chown", "-R", "nobody", a.dir, token.dir],
                       check=True)
        a.command = lambda: [
            "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
            str(a.dir / "p11-agent"), "-D", "-a", str(a.socket),
            "-f", str(a.config)]
        return a.start()

    return make


def test_not_dumpable(of_nobody):
    """/proc says that the processes are root's, so no debugger of that user
    gets at them."""
    a = of_nobody()
    with a.client() as c:
        assert c.sign(c.blob("key1")) is not None
    pids = [a.process.pid, *a.providers()]
    assert len(pids) == 2
    for pid in pids:
        with open("/proc/%d/status" % pid) as f:
            assert re.search(r"^Uid:\s65534\s", f.read(), re.M)
        assert os.stat("/proc/%d/mem" % pid).st_uid == 0


def test_root_may_be_refused(of_nobody):
    a = of_nobody("allow-root = no\n")
    with a.client() as c:
        assert c.hung_up()
    assert "user 0" in a.log()


def test_control_socket_is_for_its_user_alone(of_nobody):
    """Not for root, whatever allow-root says."""
    a = of_nobody()
    assert a.names() == ["key1"]
    done = a.ctl("status")
    assert done.returncode == 3
    assert "key1" not in done.stdout


def test_signs(served):
    """The build that is shipped works at all."""
    with served.client() as c:
        assert c.sign(c.blob("key2")) is not None
