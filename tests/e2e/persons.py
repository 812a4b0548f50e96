# SPDX-License-Identifier: BSD-2-Clause
"""A person at a terminal, at a graphical display, or at a desktop's bus."""
import os
import shutil
import signal
import subprocess

from daemon import program, wait_until


def needs(*programs):
    """Why a test cannot run here, or None."""
    missing = [p for p in programs if shutil.which(p) is None]
    return "not installed: %s" % ", ".join(missing) if missing else None


class Terminal:
    """One command in a tmux of its own, which begins with prefix."""

    def __init__(self, directory, prefix=()):
        self.socket = directory / "tmux"
        self.prefix = prefix
        self.started = False

    def tmux(self, *words, **options):
        return subprocess.run(
            [*self.prefix, "tmux", "-S", str(self.socket), "-f", "/dev/null",
             *words],
            text=True, capture_output=True, check=True, timeout=20, **options)

    def start(self, command, env):
        self.tmux("new-session", "-d", "-x", "100", "-y", "30", command,
                  ";", "set-option", "remain-on-exit", "on", env=env)
        self.started = True

    def screen(self):
        return self.tmux("capture-pane", "-p").stdout

    def wait_for(self, text):
        try:
            wait_until(lambda: text in self.screen(), what=text)
        except AssertionError as error:
            raise AssertionError("%s; there is:\n%s" % (
                error, self.screen())) from None
        return self.screen()

    def type(self, text):
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def wait_for_end(self):
        wait_until(lambda: self.tmux("display-message", "-p", "#{pane_dead}")
                   .stdout.strip() == "1", what="the end of the command")

    def kill(self):
        """Kill the command itself, not the terminal."""
        pid = self.tmux("display-message", "-p", "#{pane_pid}").stdout
        os.kill(int(pid), signal.SIGKILL)

    def stop(self):
        if self.started:
            self.tmux("kill-server")


class Display:
    """An X server that nobody sees, and someone who types there."""

    def __init__(self):
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(told), "-screen", "0", "800x600x24",
             "-nolisten", "tcp", "-noreset"], pass_fds=[told],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(told)
        with os.fdopen(ready) as f:
            self.env = {"DISPLAY": ":" + f.readline().strip()}

    def xdotool(self, *words):
        done = subprocess.run(["xdotool", *words], text=True, timeout=20,
                              env=dict(os.environ, **self.env),
                              capture_output=True)
        return done.stdout.split() if done.returncode == 0 else []

    def windows(self, name):
        return self.xdotool("search", "--onlyvisible", "--name", name)

    def wait_for_window(self, name):
        return wait_until(lambda: self.windows(name),
                          what="a window called " + name)[0]

    def type(self, window, text):
        """Into that window, which need not have the focus yet."""
        self.xdotool("windowfocus", "--sync", window)
        self.xdotool("type", "--delay", "20", text)
        self.xdotool("key", "Return")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


BUS_CONFIG = """<busconfig>
<type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow eavesdrop="true"/>
<allow send_destination="*" eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""


def start_bus(directory):
    """A dbus-daemon of our own in a new folder: the process, its address."""
    directory.mkdir()
    config = directory / "config"
    address = "unix:path=%s" % (directory / "bus")
    config.write_text(BUS_CONFIG % (directory / "bus"))
    bus = subprocess.Popen(
        ["dbus-daemon", "--config-file=%s" % config, "--nofork",
         "--nopidfile", "--nosyslog", "--print-address=1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with bus.stdout:
        bus.stdout.readline()
    return bus, address


class Desktop:
    """A session's bus, with a service that shows notices and keeps a list."""

    def __init__(self, directory):
        bus, address = start_bus(directory)
        self.env = {"DBUS_SESSION_BUS_ADDRESS": address}
        self.list = directory / "shown"
        self.processes = [bus]
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        with open(self.list, "wb") as shown:
            self.processes.append(subprocess.Popen(
                [program("tests/prompt/stand-in"), "notices"],
                env=self.env, stdout=shown))
        wait_until(self.lines, what="the desktop")

    def lines(self):
        return self.list.read_text().splitlines()

    def wait_for_lines(self, n):
        return wait_until(lambda: len(self.lines()) >= n and self.lines(),
                          what="%d notices" % n)

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
