# SPDX-License-Identifier: BSD-2-Clause
"""Rules that the sources keep, checked without running them."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("P11_AGENT_BUILD", "")

FILE_MAX_LINES = 700

# What the files of a folder may include, besides their own folder.
LAYERS = {
    "common": set(),
    "proto": {"common"},
    "pkcs11": {"common"},
    "prompt": {"common"},
    "systemd": {"common"},
    "launchd": {"common"},
    "logind": {"common"},
    "ctl": {"common", "proto"},
    "agent": {"common", "proto", "pkcs11", "prompt", "logind"},
}

PACKAGES = ["libevent_core", "p11-kit-1", "libcrypto", "libssh", "jansson",
            "libconfuse", "cmocka"]


def listed():
    """The files of the repository, new ones too, built ones not."""
    done = None
    if shutil.which("git") and (TOP / ".git").exists():
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(TOP), "ls-files",
             "-co", "--exclude-standard"], text=True, capture_output=True)
    if done and done.returncode == 0:
        names = [TOP / name for name in sorted(set(done.stdout.split("\n")))
                 if name]
    else:
        names = sorted(p for p in TOP.rglob("*")
                       if not p.relative_to(TOP).parts[0].startswith("build"))
    return [p for p in names if p.is_file()]


FILES = listed()


def name_of(path):
    return str(path.relative_to(TOP))


def first_line(path):
    with open(path, "rb") as f:
        return f.readline(200)


def is_script(path):
    return path.suffix in ("", ".sh") and re.match(
        rb"#!/bin/(ba)?sh", first_line(path)) is not None


C_FILES = [p for p in FILES if p.suffix in (".c", ".h")]
HEADERS = [p for p in C_FILES if p.suffix == ".h"]
PYTHON = [p for p in FILES if p.suffix == ".py"]
SCRIPTS = [p for p in FILES if is_script(p)]


def test_there_is_something_to_check():
    assert len(C_FILES) > 50 and len(HEADERS) > 20
    assert PYTHON and SCRIPTS


def test_licence_line():
    missing = [name_of(p) for p in C_FILES + PYTHON + SCRIPTS
               if not any("SPDX-License-Identifier: BSD-2-Clause" in line
                          for line in p.read_text().splitlines()[:2])]
    assert not missing


def test_length():
    long = {name_of(p): n for p in C_FILES + PYTHON + SCRIPTS
            if (n := len(p.read_text().splitlines())) > FILE_MAX_LINES}
    assert not long


def layer_of(path):
    """The source folder whose rules hold for a file, or None."""
    parts = path.relative_to(TOP).parts
    if parts[0] == "tests" and len(parts) > 2:
        parts = parts[1:]
    return parts[0] if parts[0] in LAYERS else None


@pytest.mark.parametrize("layer", LAYERS)
def test_includes_point_downward(layer):
    """A test links only the layer that it tests, so it includes no more."""
    wrong = []
    for path in C_FILES:
        if layer_of(path) != layer:
            continue
        for folder in re.findall(r'^\s*#\s*include\s+"([\w-]+)/',
                                 path.read_text(), re.M):
            if folder in LAYERS and folder != layer and (
                    folder not in LAYERS[layer]):
                wrong.append("%s includes %s/" % (name_of(path), folder))
    assert not wrong


def compiler_words():
    flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], text=True,
                           capture_output=True, check=True).stdout.split()
    words = [shutil.which("cc") or "gcc", "-std=gnu17", "-D_GNU_SOURCE",
             "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c",
             "-I", str(TOP), *flags]
    if BUILD:
        words += ["-I", BUILD]
    return words


@pytest.mark.parametrize(
    "path", [p for p in HEADERS if layer_of(p) and p.parent.parent == TOP],
    ids=name_of)
def test_header_compiles_alone(path):
    """Twice, for its guard."""
    source = '#include "%s"\n' % name_of(path) * 2 + "extern int unused;\n"
    done = subprocess.run([*compiler_words(), "-"], input=source, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_shellcheck(path):
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck here")
    done = subprocess.run(["shellcheck", "-x", "-P", "SCRIPTDIR", str(path)],
                          text=True, capture_output=True, cwd=TOP)
    assert done.returncode == 0, done.stdout


def test_python_compiles():
    for path in PYTHON:
        compile(path.read_text(), str(path), "exec")


def test_nothing_unfinished_is_left():
    """What is open stands in an issue, not in the source."""
    marks = re.compile(r"\b(%s)\b" % "|".join(["TO" + "DO", "FIX" + "ME",
                                               "X" * 3]))
    found = [name_of(p) for p in C_FILES + PYTHON + SCRIPTS
             if p != pathlib.Path(__file__)
             and marks.search(re.sub(r"X{4,}", "", p.read_text()))]
    assert not found


def test_every_unit_test_is_built():
    """A test that meson does not know never runs."""
    forgotten = []
    for path in C_FILES:
        if path.parent.parent != TOP / "tests" or (
                not path.name.startswith(("test-", "fuzz-"))
                or path.suffix != ".c"):
            continue
        word = path.stem.split("-", 1)[1]
        build = (path.parent / "meson.build").read_text()
        if not re.search(r"['\-]%s(\.c)?'" % re.escape(word), build):
            forgotten.append(name_of(path))
    assert not forgotten
