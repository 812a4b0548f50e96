# SPDX-License-Identifier: BSD-2-Clause
"""What only the release build has: its hardening."""
import os
import re
import subprocess

import pytest

from config import simple
from daemon import program

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


def test_daemon_links_no_vendor_code():
    """p11-kit, which loads modules, is the provider's alone."""
    needed = re.findall(r"NEEDED.*\[(.*)\]", readelf("p11-agent", "-d"))
    assert not [n for n in needed if "p11-kit" in n or "pcsclite" in n]


def limits(pid):
    with open("/proc/%d/limits" % pid) as f:
        return f.read()


def test_no_core(served):
    for pid in [served.process.pid, *served.children()]:
        line, = [x for x in limits(pid).splitlines()
                 if x.startswith("Max core file size")]
        assert line.split()[4:6] == ["0", "0"], pid


def test_not_dumpable(served):
    """/proc/PID/mem belongs to root then: no debugger of the same user."""
    pids = [served.process.pid, *served.providers()]
    assert len(pids) >= 2
    if os.geteuid() == 0:
        # For root the owner is the same; ask the kernel as another way.
        for pid in pids:
            with open("/proc/%d/status" % pid) as f:
                status = f.read()
            assert re.search(r"^CoreDumping:\s0$", status, re.M)
        pytest.skip("root cannot see it; the test below can")
    for pid in pids:
        assert os.stat("/proc/%d/mem" % pid).st_uid == 0


def test_not_dumpable_for_an_ordinary_user(directory, softhsm):
    """As nobody: its own daemon's files in /proc are root's."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    import shutil
    where = directory / "n"
    where.mkdir()
    for name in PROGRAMS:
        shutil.copy(program(name), where / name)
    (where / "c").write_text("")
    directory.chmod(0o755)
    subprocess.run(["chown", "-R", "nobody", str(where)], check=True)
    where.chmod(0o700)
    process = subprocess.Popen(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
         str(where / "p11-agent"), "-D", "-a", str(where / "s"),
         "-f", str(where / "c")], stderr=subprocess.DEVNULL)
    try:
        from daemon import wait_until
        wait_until((where / "s").exists, what="the agent of nobody")
        assert os.stat("/proc/%d/mem" % process.pid).st_uid == 0
        assert os.stat("/proc/%d/cwd" % process.pid,
                       follow_symlinks=False).st_uid == 0
    finally:
        process.terminate()
        process.wait(20)


def test_secrets_are_locked(served):
    """The pages of a PIN are not swapped out."""
    with open("/proc/%d/status" % served.process.pid) as f:
        locked, = re.findall(r"VmLck:\s+(\d+)", f.read())
    assert int(locked) >= 0


def test_signs(served):
    """The build that is shipped works at all."""
    with served.client() as c:
        assert c.sign(c.blob("key2")) is not None
