# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package: built, looked at, installed into a clean root, purged."""
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from roots import clean_root, in_root, run

TOP = pathlib.Path(__file__).resolve().parents[2]

# What somebody does first, with a software token.
USE = """set -eu
export HOME=/root XDG_RUNTIME_DIR=/run/user-of-the-test SOFTHSM2_CONF=/hsm.conf
mkdir -m 700 $XDG_RUNTIME_DIR; mkdir /tokens
echo directories.tokendir = /tokens >$SOFTHSM2_CONF
softhsm2-util --init-token --free --label t --so-pin 12345678 --pin 1234
pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 1234 \\
    --keypairgen --key-type EC:prime256v1 --id 01 --label key
eval "$(p11-agent -s)"
p11-agentctl allow key mine
ssh-add -L | grep ' mine$'
printf '1234\\n' | p11-agentctl unlock --stdin t
echo data >/data; ssh-add -L >/mine.pub; ssh-keygen -Y sign -f /mine.pub -n file /data
p11-agent -k
"""


@pytest.fixture(scope="module")
def package():
    """Built from what is committed."""
    if shutil.which("dpkg-buildpackage") is None:
        pytest.skip("no dpkg-buildpackage here")
    with tempfile.TemporaryDirectory(prefix="p11-deb-") as folder:
        run(TOP / "packaging" / "deb", folder)
        yield pathlib.Path(folder)


def the_deb(package):
    deb, = [p for p in package.glob("p11-agent_*.deb")]
    return deb


def test_lintian(package):
    if shutil.which("lintian") is None:
        pytest.skip("no lintian here")
    changes, = package.glob("*.changes")
    out = subprocess.run(
        ["lintian", "--fail-on", "error,warning", changes], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert out.returncode == 0, out.stdout


def test_holds(package):
    names = run("dpkg-deb", "-c", the_deb(package))
    for path in ("/usr/bin/p11-agent", "/usr/bin/p11-agentctl",
                 "/usr/libexec/p11-agent/p11-agent-provider",
                 "/usr/lib/systemd/user/p11-agent.socket",
                 "/usr/share/man/man1/p11-agentctl.1.gz",
                 "/usr/share/doc/p11-agent/CHANGELOG.md.gz",
                 "/usr/share/doc/p11-agent/copyright"):
        assert "." + path in names


@pytest.fixture
def root():
    with clean_root() as path:
        yield path


def test_installed_used_purged(package, root):
    shutil.copy(the_deb(package), root / "p11-agent.deb")
    in_root(root, "apt-get", "update")
    in_root(root, "apt-get", "install", "-y", "--no-install-recommends",
            "/p11-agent.deb", "openssh-client", "softhsm2", "opensc",
            "p11-kit-modules")
    # Nobody's agent is another one because of that.
    assert not list((root / "etc/systemd/user").rglob("p11-agent*"))
    out = in_root(root, "sh", "-c", USE)
    assert "killed" in out
    assert (root / "data.sig").read_text().startswith("-----BEGIN SSH SIG")
    in_root(root, "apt-get", "remove", "-y", "p11-agent")
    assert not (root / "usr/bin/p11-agent").exists()
    in_root(root, "apt-get", "purge", "-y", "p11-agent")
    # What a person made stays.
    left = [p for p in root.glob("**/p11-agent*")
            if p.name != "p11-agent.deb" and
            p.relative_to(root).parts[0] != "root"]
    assert left == []
