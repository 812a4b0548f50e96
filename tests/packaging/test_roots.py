# SPDX-License-Identifier: BSD-2-Clause
"""The scripts on a machine that is nobody's: as root, with nothing there.

In a plain chroot, and with no more than root may do in a container. There is
no user named sshd, no service manager, and nothing can be mounted.
"""
import pathlib
import re

import pytest

from roots import CONTAINER, clean_root, in_root, run

TOP = pathlib.Path(__file__).resolve().parents[2]

SKIPPED_MAX = 60
# The whole of scripts/test, on two slow cores.
TEST_MAX_SEC = 3600

pytestmark = pytest.mark.parametrize("capabilities", [CONTAINER, None], ids=[
    "container", "chroot"])


@pytest.fixture(scope="module")
def root():
    """With what is committed in /p11-agent."""
    with clean_root() as path:
        run("git", "-c", "safe.directory=*", "clone", "--quiet",
            "--no-hardlinks", TOP, path / "p11-agent")
        in_root(path, "apt-get", "update")
        yield path


def test_try(root, capabilities):
    out = in_root(root, "/p11-agent/scripts/try", capabilities=capabilities)
    assert re.findall(r"root logged in with (\w+):", out) == [
        "p256", "rsa", "ed25519"], out
    assert out.splitlines()[-1] == "done; everything is stopped and removed"
    # The script made no such user, and installed no service.
    assert "sshd:" not in (root / "etc/passwd").read_text()
    assert not (root / "usr/sbin/sshd").exists()


def test_test(root, capabilities, record_property):
    in_root(root, "sh", "-c", "/p11-agent/scripts/test >/log 2>&1 || true",
            capabilities=capabilities, timeout=TEST_MAX_SEC)
    out = (root / "log").read_text()
    assert re.fullmatch(r"\d{3,} passed, 0 failed", out.splitlines()[-1]), out
    skipped = sum(map(int, re.findall(
        r"^\w+: \d+ passed, 0 failed, (\d+) skipped$", out, re.M)))
    record_property("skipped", skipped)
    assert skipped <= SKIPPED_MAX, out
