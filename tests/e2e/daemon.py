# SPDX-License-Identifier: BSD-2-Clause
"""p11-agent under test: started, watched, and stopped without a trace."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from wire import Client

BUILD = os.environ.get("P11_AGENT_BUILD", "")
BUILD = os.path.abspath(BUILD) if BUILD else ""


def program(name):
    return os.path.join(BUILD, name)


def wait_until(condition, seconds=10, what=None):
    """Poll, for things that send no event."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited in vain for %s" % (
            what or condition)
        time.sleep(0.02)


class Askpass:
    """An SSH_ASKPASS program that gives prepared answers, one a call.

    An answer "!cancel" is a person who closes the prompt; "!wait" one who
    has not answered yet, until release() is called with the answer. After
    the last answer every call is cancelled.
    """

    SCRIPT = """#!/bin/sh
cd "%s" || exit 1
n=1
until mkdir "call.$n" 2>/dev/null; do n=$((n + 1)); done
printf '%%s\\n' "$1" >"call.$n/prompt"
env >"call.$n/env"
answer=$(sed -n "${n}p" answers)
if [ "$answer" = '!wait' ]; then
	read -r answer <gate
fi
case $answer in
'' | '!cancel') exit 1 ;;
esac
printf '%%s\\n' "$answer"
"""

    def __init__(self, directory, answers):
        self.dir = directory
        directory.mkdir()
        self.script = directory / "askpass"
        self.script.write_text(self.SCRIPT % directory)
        self.script.chmod(0o700)
        os.mkfifo(directory / "gate")
        self.answer_with(*answers)

    def answer_with(self, *answers):
        (self.dir / "answers").write_text(
            "".join("%s\n" % a for a in answers))

    @property
    def env(self):
        return {"SSH_ASKPASS": str(self.script),
                "SSH_ASKPASS_REQUIRE": "force"}

    def calls(self):
        return len(list(self.dir.glob("call.*")))

    def prompt(self, n):
        """What the n-th call (from 1) showed."""
        return (self.dir / ("call.%d" % n) / "prompt").read_text()

    def wait_for_calls(self, n):
        wait_until(lambda: (self.dir / ("call.%d/env" % n)).exists(),
                   what="prompt %d" % n)

    def release(self, answer):
        (self.dir / "gate").write_text(answer + "\n")


class Daemon:
    """One p11-agent with a socket, a config and a log of its own."""

    def __init__(self, directory, config, env=None, askpass=None,
                 start=True, arguments=(), wrapper=()):
        self.dir = directory
        directory.mkdir(exist_ok=True)
        self.socket = directory / "s"
        self.config = directory / "p11-agent.conf"
        if config is not None:
            self.config.write_text(config)
        self.log_path = directory / "log"
        self.askpass = askpass or Askpass(directory / "ask", [])
        # What a client of this agent gets, and the agent itself.
        self.env = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(directory),
            "SSH_AUTH_SOCK": str(self.socket),
        }
        self.env.update(self.askpass.env)
        self.env.update(env or {})
        self.arguments = list(arguments)
        self.wrapper = list(wrapper)
        self.process = None
        if start:
            self.start()

    def command(self):
        return [*self.wrapper, program("p11-agent"), "-D",
                "-a", str(self.socket), "-f", str(self.config),
                *self.arguments]

    def daemon_env(self):
        reports = str(self.dir / "sanitizer")
        return dict(self.env,
                    ASAN_OPTIONS="log_path=%s" % reports,
                    UBSAN_OPTIONS="print_stacktrace=1:log_path=%s" % reports,
                    LSAN_OPTIONS="log_path=%s" % reports)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.daemon_env(), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, cwd=self.dir)
        try:
            wait_until(self.is_up, what="p11-agent on its socket")
        except AssertionError:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise
        return self

    def is_up(self):
        assert self.process.poll() is None, (
            "p11-agent ended at once: " + self.log())
        for path in (str(self.socket), "%s.control" % self.socket):
            with socket.socket(socket.AF_UNIX) as s:
                if s.connect_ex(path) != 0:
                    return False
        return True

    def log(self):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, words, seconds=10):
        wait_until(lambda: words in self.log(), seconds,
                   "%r in the log:\n%s" % (words, self.log()))

    # -- clients

    def client(self, timeout=30):
        return Client(self.socket, timeout)

    def names(self):
        with self.client() as c:
            return c.names()

    def run(self, *words, env=None, timeout=60, **options):
        """A program with this agent's environment."""
        return subprocess.run(
            [str(w) for w in words], env=dict(self.env, **(env or {})),
            text=True, capture_output=True, timeout=timeout,
            stdin=subprocess.DEVNULL, **options)

    def ssh_add(self, *words, pin=None):
        """ssh-add, which asks for the PIN with an askpass of its own."""
        env = {}
        if pin is not None:
            n = len(list(self.dir.glob("ssh-add.*")))
            env = Askpass(self.dir / ("ssh-add.%d" % n), [pin]).env
        return self.run("ssh-add", *words, env=env)

    def ctl(self, *words):
        return self.run(program("p11-agentctl"), "-a", self.socket, *words)

    def status(self):
        self.names()    # a list waits for the first scan, a status does not
        done = self.ctl("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def keys(self):
        self.names()
        done = self.ctl("keys", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["keys"]

    # -- processes

    def children(self):
        """Every process that came from this agent: {pid: command line}."""
        parents, lines = {}, {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % name) as f:
                    stat = f.read().rpartition(")")[2].split()
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    line = f.read().replace(b"\0", b" ").decode().strip()
            except (OSError, ValueError):
                continue
            if stat[0] != "Z":
                parents[int(name)] = int(stat[1])
                lines[int(name)] = line
        found, more = {}, {self.process.pid}
        while more:
            more = {p for p, q in parents.items() if q in more}
            found.update({p: lines[p] for p in more})
        return found

    def providers(self):
        """The pids of the processes that serve tokens."""
        return [p for p, line in self.children().items()
                if "p11-agent-provider" in line]

    def token_pid(self, label):
        """The process that serves the token with this label, or 0."""
        token, = [t for t in self.status()["tokens"] if t["label"] == label]
        return token["pid"] or 0

    # -- the end

    def stop(self):
        """SIGTERM; it must end well and leave nothing. Its exit status."""
        if self.process is None:
            return None
        left = self.children()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None
        wait_until(lambda: not [p for p in left if alive(p)],
                   what="the end of %s" % left)
        return status

    def finish(self):
        """Stop, and check that no test went wrong unseen."""
        status = self.stop()
        reports = "".join(text for p in sorted(self.dir.glob("sanitizer.*"))
                          if not is_opensc_s(text := p.read_text(
                              errors="replace")))
        assert reports == "", reports
        assert status in (None, 0), "exit %s: %s" % (status, self.log())
        assert not os.path.exists(self.socket), "its socket is still there"
        assert not os.path.exists("%s.control" % self.socket)
        # Those that were killed may still be on their way out. With the
        # slash: a10 is not a1.
        ours = "%s/" % self.dir
        wait_until(lambda: not processes_with(ours), 5,
                   "the end of %s" % processes_with(ours))


def is_opensc_s(report):
    """OpenSC 0.23 goes round without end where a card leaves in the middle of
    a command (its issue 2111), until the stack of its process is full: a
    module that crashes, which is what the agent is for. No code of ours is on
    that part of the stack."""
    frames = re.findall(r"^ *#\d+ 0x\w+ +(?:in \S+ )?(.*)$", report, re.M)
    return "AddressSanitizer: stack-overflow" in report and len(
        frames) > 100 and all(
            "libopensc.so" in frame or "libsanitizer" in frame
            for frame in frames[:100])


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_with(text):
    """Processes whose environment names this text: {pid: command line}."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as f:
                if text.encode() not in f.read():
                    continue
            with open("/proc/%s/cmdline" % name, "rb") as f:
                found[int(name)] = f.read().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return {p: line for p, line in found.items() if alive(p)}
