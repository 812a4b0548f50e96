# SPDX-License-Identifier: BSD-2-Clause
"""The manual says what the programs say of themselves, no less and no more."""
import os
import pathlib
import re
import shutil
import socket
import string
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("P11_AGENT_BUILD", ""))
PAGES = sorted((TOP / "man").glob("*.scd"))
CONFIG_FD = 3


def run(program, *words, **more):
    return subprocess.run([str(BUILD / program), *words], text=True,
                          capture_output=True, timeout=60, **more)


def said(program, *words):
    done = run(program, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def built():
    if not (BUILD / "p11-agent-config").exists():
        pytest.skip("P11_AGENT_BUILD names no build folder")


def plain(text):
    """Without scdoc's markup."""
    text = re.sub(r"\\(.)", r"\1", text.replace("*", "").replace("++", ""))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", "", text)


def source(page):
    return (TOP / "man" / (page + ".scd")).read_text()


def sections(page):
    """Heading to text."""
    parts = re.split(r"^# (.*)$", source(page), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def items(text):
    """What an indented text follows: the line to that text."""
    found = {}
    lines = text.split("\n")
    for i, line in enumerate(lines[:-1]):
        if line.startswith("*") and lines[i + 1].startswith("\t"):
            end = i + 1
            while end < len(lines) and (lines[end] == "" or
                                        lines[end].startswith("\t")):
                end += 1
            found[plain(line)] = plain("\n".join(lines[i + 1:end]))
    return found


def options(text):
    return set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", text))


def table_heads(text):
    """The left column of a help's table."""
    return [re.split(r" {2,}", line.strip())[0]
            for line in text.split("\n") if re.match(r" {2,6}[^ (]", line)]


def option_heads(text):
    return set().union(*(options(head) for head in table_heads(text)
                         if head.startswith("-")))


def usages(text):
    """Each usage, in one line and without the program's name."""
    first = text.split("\n\n")[0].replace("usage:", "", 1)
    joined = re.sub(r"\s+", " ", first)
    return [u.strip() for u in re.split(r" p11-agent(?:ctl)? ", joined)[1:]]


def letters(program, tail):
    """The options of one letter that it takes; `tail` ends in its help."""
    return {"-" + c for c in string.ascii_letters + string.digits
            if run(program, "-" + c + tail, "--help",
                   stdin=subprocess.DEVNULL).returncode == 0}


def test_agent_options():
    text = said("p11-agent", "--help")
    of_help, of_page = option_heads(text), set().union(
        *(options(i) for i in items(sections("p11-agent.1")["OPTIONS"])))
    assert of_page == of_help
    # An argument for those that take one, and `s` and `h` for the others.
    assert letters("p11-agent", "sha256") == {
        o for o in of_help if len(o) == 2}


def test_agent_synopsis():
    synopsis = plain(sections("p11-agent.1")["SYNOPSIS"])
    assert [line.split(" ", 1)[1] for line in synopsis.split("\n")
            if line] == usages(said("p11-agent", "--help"))


def commands():
    return {head.split()[0]: head
            for head in table_heads(said("p11-agentctl", "--help"))
            if not head.startswith("-")}


def test_ctl_commands():
    of_page = {head.split()[0]: head
               for head in items(sections("p11-agentctl.1")["COMMANDS"])}
    assert sorted(of_page) == sorted(commands())
    for command, head in of_page.items():
        assert usages(said("p11-agentctl", "help", command)) == [head]


def test_ctl_options():
    page = sections("p11-agentctl.1")
    text = said("p11-agentctl", "--help")
    everywhere = set().union(*(options(i) for i in items(page["OPTIONS"])))
    seen = set(everywhere)
    for head, body in items(page["COMMANDS"]).items():
        of_help = options(said("p11-agentctl", "help", head.split()[0]))
        # What other programs take stands in prose.
        own = {o for o in options(head + body) if o not in ("-L",)}
        assert own == {o for o in of_help if o not in ("-L",)}, head
        seen |= own
    assert everywhere <= option_heads(text) <= seen
    assert letters("p11-agentctl", "h") == {o for o in seen if len(o) == 2}


def test_events():
    """Programs go by these names."""
    table = (TOP / "agent" / "events.c").read_text()
    names = re.findall(r'^\s+\[EVENT_\w+\] = "([^"]+)",', table, flags=re.M)
    watch = next(body for head, body in
                 items(sections("p11-agentctl.1")["COMMANDS"]).items()
                 if head.split()[0] == "watch")
    listed = re.sub(r"\([^)]*\)|\s+", " ", watch.split("The events are")[1])
    assert len(names) > 20
    assert re.split(r" *, *| and ", listed.split(".")[0].strip()) == names


@pytest.mark.parametrize("page", ["p11-agent.1", "p11-agentctl.1"])
def test_exit_status(page):
    numbers = [plain(i) for i in items(sections(page)["EXIT STATUS"])]
    assert numbers == sorted(numbers) and numbers[0] == "0"
    assert run(page[:-2], "--no-such-option").returncode == 2
    assert "2" in numbers


def table():
    """The parser's own: (section, name) to (type, default)."""
    lines = said("p11-agent-config", "settings").splitlines()
    rows = [line.split("\t") for line in lines]
    assert rows and all(len(row) == 4 for row in rows)
    return {(row[1], row[0]): (row[2], row[3]) for row in rows}


def settings_of_page():
    found = {}
    for heading, text in sections("p11-agent.conf.5").items():
        section = {"SETTINGS OUTSIDE OF SECTIONS": "-"}.get(heading)
        if heading.endswith(" SECTIONS") and section is None:
            section = heading.split()[0].lower()
        if section is None:
            continue
        for name, body in items(text).items():
            m = re.match(r"\tType: (.*)\. Default: (.*)\.\n", body)
            assert m, (heading, name)
            found[section, name] = m.groups()
    return found


def test_settings():
    assert settings_of_page() == table()


def test_settings_of_readme():
    rows = re.findall(r"^\| (`[^|]*) \| ([^|]*) \|",
                      (TOP / "README.md").read_text(), re.M)
    found = {({"top": "-"}.get(section, section), name)
             for names, where in rows if not names.endswith("/`")
             for name in re.findall(r"`([\w-]+)`", names)
             for section in re.findall(r"\w+", where)}
    assert found == set(table())


@pytest.mark.parametrize("file", ["README.md", "man/p11-agent.1.scd",
                                  "man/p11-agent.conf.5.scd",
                                  "man/p11-agent.7.scd"])
def test_commands_that_are_named_exist(file):
    named = re.findall(r"\bp11-agentctl ([a-z][\w-]*)",
                       (TOP / file).read_text())
    assert set(named) <= set(commands())


def load(file):
    """What the daemon gets, as p11-agent-config sends it."""
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rb") as answer:
        with theirs:
            done = subprocess.run(
                [str(BUILD / "p11-agent-config"), "load", str(file)],
                preexec_fn=lambda: os.dup2(theirs.fileno(), CONFIG_FD),
                close_fds=False, capture_output=True, timeout=60)
        return done.returncode, answer.read()


# A section needs these to be one at all.
SMALLEST = {"-": "", "provider": 'module = "m"', "token": 'uri = "pkcs11:"',
            "key": 'uri = "pkcs11:token=t"'}


def config(section, text):
    return text + "\n" if section == "-" else '%s "t" { %s }\n' % (
        section, text)


def test_defaults(tmp_path):
    """Writing a default down changes nothing; what is required, is."""
    file = tmp_path / "c.conf"
    for (section, name), (type_, fallback) in table().items():
        smallest = SMALLEST[section]
        if fallback == "required":
            file.write_text(config(section, ""))
            assert load(file)[0] == 1, name
        file.write_text(config(section, smallest))
        without = load(file)
        assert without[0] == 0, name
        if fallback in ("required", "none") or type_.startswith("list"):
            continue
        file.write_text(config(section, '%s %s = "%s"' % (
            smallest, name, fallback)))
        assert load(file) == without, name


def test_default_pin_sources():
    """The daemon's own, when no token section says other ones."""
    usual = re.search(r"\busual\[\] = \{([^}]*), NULL\};",
                      (TOP / "agent" / "login-ask.c").read_text()).group(1)
    assert table()["token", "pin-source"][1] == usual.replace('"', "")


def config_examples():
    page = source("p11-agent.conf.5")
    readme = (TOP / "README.md").read_text()
    return re.findall(r"^```\n(.*?)^```$", page, re.M | re.S) + [
        block for block in re.findall(r"(?:^    .*\n)+", readme, re.M)
        if re.match(r'    (?:provider|token|key) "', block)]


def test_examples(tmp_path):
    """Each config example is one."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (tmp_path / "more.conf").write_text("")
    for name in ("test", "backup"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                        "-f", home / ".ssh" / name], check=True)
    examples = config_examples()
    assert len(examples) > 3
    for text in examples:
        file = tmp_path / "example.conf"
        file.write_text(text.replace("SHA256:…", "SHA256:" + 43 * "A"))
        done = run("p11-agent-config", "check", str(file),
                   env={**os.environ, "HOME": str(home)})
        assert done.returncode == 0, done.stderr + text


def ssh_examples():
    """The Host blocks of the page on concepts."""
    text = (TOP / "man" / "p11-agent.7.scd").read_text()
    return re.findall(r"^Host (\S+)\n((?:\t.*\n)+)", text, re.M)


def test_ssh_examples(tmp_path):
    """ssh reads each of them, and finds in it what the page says."""
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here")
    assert len(ssh_examples()) >= 3
    for host, block in ssh_examples():
        config = tmp_path / "ssh_config"
        config.write_text("Host %s\n%s" % (host, block))
        out = subprocess.run(
            ["ssh", "-F", config, "-G", host.replace("*", "x")], text=True,
            capture_output=True, check=True,
            env={**os.environ, "XDG_RUNTIME_DIR": "/run/user/7"}).stdout
        for line in block.split("\n"):
            if line.strip():
                assert line.split()[0].lower() + " " in out
        if "XDG_RUNTIME_DIR" in block:
            assert "identityagent /run/user/7/p11-agent/agent.sock" in (
                out.replace("${XDG_RUNTIME_DIR}", "/run/user/7"))


def test_pages_name_pages_that_are_there():
    for path in PAGES:
        for name in re.findall(r"(p11-agent[\w.]*)\((\d)\)",
                               plain(path.read_text())):
            assert (TOP / "man" / ("%s.%s.scd" % name)).exists(), path


def test_every_page_is_built():
    build = (TOP / "man" / "meson.build").read_text()
    assert sorted(re.findall(r"'(p11-[\w.-]+\.\d)'", build)) == [
        p.name[:-len(".scd")] for p in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_renders(path):
    if shutil.which("scdoc") is None:
        pytest.skip("no scdoc here")
    made = subprocess.run(["scdoc"], input=path.read_text(), text=True,
                          capture_output=True)
    assert made.returncode == 0 and made.stderr == "", made.stderr
    if shutil.which("groff"):
        viewer = ["groff", "-ww", "-Kutf8", "-man", "-Tutf8"]
        if shutil.which("preconv") is None:
            viewer.remove("-Kutf8")
    elif shutil.which("mandoc"):
        viewer = ["mandoc", "-Tutf8", "-Wwarning"]
    else:
        pytest.skip("neither groff nor mandoc here")
    shown = subprocess.run(viewer, input=made.stdout, text=True,
                           capture_output=True)
    assert shown.returncode == 0 and shown.stderr == "", shown.stderr
    assert "SEE ALSO" in re.sub(r".\x08|\x1b\[[0-9;]*m", "", shown.stdout)
