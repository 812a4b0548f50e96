# SPDX-License-Identifier: BSD-2-Clause
"""`meson install` puts each file where it belongs, and no other."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("P11_AGENT_BUILD", "")

UNITS = ("p11-agent.service", "p11-agent.socket", "p11-agent-control.socket")


def option(name):
    done = subprocess.run(["meson", "introspect", "--buildoptions", BUILD],
                          text=True, capture_output=True, check=True)
    return {o["name"]: o["value"] for o in json.loads(done.stdout)}[name]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that stands for the prefix."""
    if not BUILD or not shutil.which("meson"):
        pytest.skip("P11_AGENT_BUILD names no build folder")
    top = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild",
                    "--quiet", "--destdir", top], check=True,
                   stdout=subprocess.DEVNULL)
    return top / option("prefix").lstrip("/")


def names(folder):
    return {p.name for p in folder.iterdir()} if folder.exists() else set()


def test_programs(installed):
    assert names(installed / "bin") == {"p11-agent", "p11-agentctl"}
    helpers = names(installed / "libexec/p11-agent")
    assert helpers >= {"p11-agent-" + name for name in (
        "config", "prompt", "provider", "readers")}
    assert helpers == {p.name for p in pathlib.Path(BUILD).glob("p11-agent-*")
                       if p.is_file()}
    for path in [*(installed / "bin").iterdir(),
                 *(installed / "libexec/p11-agent").iterdir()]:
        assert path.stat().st_mode & 0o777 == 0o755


def test_units(installed):
    folder = installed / "lib/systemd/user"
    if option("systemd") == "disabled":
        assert names(folder) == set()
        return
    assert names(folder) == set(UNITS)
    for name in UNITS:
        text = (folder / name).read_text()
        assert not re.search("@[A-Z]+@", text)
        assert (folder / name).stat().st_mode & 0o777 == 0o644
    assert "ExecStart=%s/bin/p11-agent -D\n" % option("prefix") in (
        folder / "p11-agent.service").read_text()


def test_manual(installed):
    if shutil.which("scdoc") is None:
        pytest.skip("no scdoc here")
    pages = {p.name[:-len(".scd")] for p in (TOP / "man").glob("*.scd")}
    assert {p.name for p in (installed / "share/man").rglob("*.?")
            if p.is_file()} == pages
