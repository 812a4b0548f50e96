# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures. Each test has its own folder, sockets, tokens and processes."""
import pathlib
import os
import shutil
import signal
import statistics
import tempfile

import pytest

import manager as managers
import readers
from daemon import BUILD, Askpass, Daemon
from persons import Display, needs
from sshd import Sshd
from tokens import Layered, Piv, SoftHsm
from usb import Usb

# In front of the names of properties that are times, and the name of those
# that are lines.
TOOK = "took "
NOTE = "note"


def pytest_configure(config):
    # The background of a script has these ignored, and so has nohup; a program
    # that a test ends by one of them must not inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if not BUILD:
        raise pytest.UsageError(
            "P11_AGENT_BUILD names no build folder; use scripts/test")


def pytest_collection_modifyitems(items):
    """A marked test runs on one of the builds, or in the long run only."""
    for item in items:
        if item.get_closest_marker("long") and (
                "P11_AGENT_LONG" not in os.environ):
            item.add_marker(pytest.mark.skip(reason="only with --long"))


@pytest.fixture
def directory():
    """A folder with a short path: a socket's path is at most 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="p11-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def templates():
    """SoftHSM tokens that were made already, for copies."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="p11-t-"))
    made = {}

    def get(kinds, label):
        key = (tuple(kinds), label)
        if key not in made:
            made[key] = SoftHsm.make(path / str(len(made)), kinds, label)
        return made[key]

    yield get
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def softhsm(directory, templates):
    """softhsm("p256", "rsa2048", label="test"): a token with these keys."""
    made = []

    def make(*kinds, label="test"):
        token = templates(kinds, label).copy(
            directory / ("token%d" % len(made)))
        made.append(token)
        return token

    return make


@pytest.fixture
def layered(directory, softhsm):
    """layered("p256", …): the same behind a module with a script."""
    made = []

    def make(*kinds, label="test"):
        made.append(Layered(softhsm(*kinds, label=label),
                            directory / ("layer%d" % len(made))))
        return made[-1]

    return make


@pytest.fixture
def piv(directory):
    """piv({"9a": "p256"}): a card with these keys in a reader of its own."""
    made = []

    def make(keys):
        made.append(Piv(directory / ("piv%d" % len(made)), keys))
        return made[-1]

    yield make
    for card in made:
        card.stop()


@pytest.fixture(scope="session")
def pcsc():
    """A build that sees cards come and go."""
    why = readers.missing()
    if why:
        pytest.skip(why)


@pytest.fixture
def usb(directory):
    """Two USB ports, with a pcscd of their own; see usb.py."""
    ports = Usb(directory / "usb")
    yield ports
    ports.stop()


@pytest.fixture
def sshd(directory):
    server = Sshd(directory / "sshd")
    yield server
    server.stop()


@pytest.fixture
def display():
    why = needs("Xvfb", "xdotool")
    if why:
        pytest.skip(why)
    made = Display()
    yield made
    made.stop()


@pytest.fixture
def graphical():
    """The name of a graphical pinentry."""
    for name in ("pinentry-fltk", "pinentry-gtk-2", "pinentry-qt"):
        if shutil.which(name):
            return name
    pytest.skip("no graphical pinentry is installed")


@pytest.fixture
def agent(directory):
    """agent(config, token, …, pins=[…], **Daemon's): a running p11-agent."""
    made = []

    def make(config, *tokens, pins=(), **options):
        env = dict(options.pop("env", {}))
        for token in tokens:
            env.update(token.env)
        where = directory / ("a%d" % len(made))
        where.mkdir()
        daemon = Daemon(where, config, env=env,
                        askpass=Askpass(where / "ask", pins), **options)
        made.append(daemon)
        return daemon

    # A daemon that does not start is not in `made`; nor is it running.
    yield make
    for daemon in made:
        daemon.finish()


@pytest.fixture(scope="session")
def manager():
    why = managers.missing()
    if why:
        pytest.skip(why)
    with managers.Manager() as m:
        yield m


@pytest.fixture
def units(manager):
    """units(config): the units of p11-agent, not enabled yet."""
    made = []

    def make(config):
        made.append(managers.Units(manager, config))
        return made[-1]

    yield make
    for u in made:
        u.stop()


@pytest.fixture
def took(record_property):
    """took(what, seconds): a time to be shown when all is done."""
    def note(what, value, unit="s"):
        record_property(TOOK + what, "%.3f %s" % (value, unit))

    return note


@pytest.fixture
def note(record_property):
    """note(text): a line to be shown when all is done."""
    return lambda text: record_property(NOTE, text)


def pytest_terminal_summary(terminalreporter):
    """Each line; least, median and most of each time that was taken."""
    times = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, value in report.user_properties:
                if name == NOTE:
                    terminalreporter.write_line(value)
                if name.startswith(TOOK):
                    number, unit = value.split()
                    times.setdefault((name[len(TOOK):], unit), []).append(
                        float(number))
    for (what, unit), values in sorted(times.items()):
        terminalreporter.write_line(
            "%s: min %.3f, median %.3f, max %.3f %s (%d)" % (
                what, min(values), statistics.median(values),
                max(values), unit, len(values)))


def pytest_runtest_makereport(item, call):
    """Show the daemons' logs beside a failure."""
    if call.when == "call" and call.excinfo is not None:
        path = item.funcargs.get("directory") if hasattr(
            item, "funcargs") else None
        for log in sorted(path.glob("a*/log")) if path else []:
            item.add_report_section("call", "log of %s" % log.parent.name,
                                    log.read_text(errors="replace"))
