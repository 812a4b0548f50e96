# SPDX-License-Identifier: BSD-2-Clause
"""systemd's user manager, of an ordinary user that exists only here.

It runs in namespaces of its own, so that all of it goes when its first
process is killed: a passwd with one more user, an empty /run with a journald
of its own, and the installed p11-agent at /usr/local.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from config import keys_by_id
from daemon import BUILD, program, wait_until

SYSTEMD = "/lib/systemd/systemd"
JOURNALD = "/lib/systemd/systemd-journald"
# Of those that Debian leaves to the local administrator.
FIRST_UID = 60100
USER = "p11test"

# $1: folder, $2: what is installed, $3: uid. It stays as the first process
# of its pid namespace and reaps what others leave.
START = r"""
set -eu
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind "$1/passwd" /etc/passwd
mount --bind "$2/usr/local" /usr/local
mkdir -p /run/systemd/system /run/systemd/journald.conf.d /run/log/journal
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitBurst=0\n' \
	>/run/systemd/journald.conf.d/test.conf
%s >"$1/journald.log" 2>&1 &
until [ -S /run/systemd/journal/stdout ]; do sleep 0.02; done
env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$1/home" USER=%s \
	LANG=C.UTF-8 XDG_RUNTIME_DIR="$1/run" SYSTEMD_LOG_TARGET=console \
	SYSTEMD_IGNORE_CHROOT=1 \
	setpriv --reuid "$3" --regid "$3" --clear-groups \
	%s --user &
wait $!
""" % (JOURNALD, USER, SYSTEMD)


# Debian has them in dbus-user-session, which brings another init as well.
BUS_UNITS = {"dbus.socket": """[Socket]
ListenStream=%t/bus
""", "dbus.service": """[Unit]
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork \
  --nopidfile --systemd-activation --syslog-only
"""}


class Cgroup:
    """A child of the root in each hierarchy that systemd uses, a user's."""

    def __init__(self, name, uid):
        top = pathlib.Path("/sys/fs/cgroup")
        tops = [top] if (top / "cgroup.procs").exists() else [
            top / "systemd", top / "unified"]
        self.paths = [t / name for t in tops if (t / "cgroup.procs").exists()]
        if not self.paths:
            raise OSError("no cgroup of systemd's is mounted")
        for path in self.paths:
            path.mkdir()
            for p in (path, *path.iterdir()):
                os.chown(p, uid, uid)

    def enter(self):
        for path in self.paths:
            (path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        for top in self.paths:
            for path, _, _ in os.walk(top, topdown=False):
                procs = pathlib.Path(path, "cgroup.procs")
                # Those that were killed may still be on their way out.
                wait_until(lambda: not procs.read_text(),
                           what="an empty " + path)
                os.rmdir(path)


def missing():
    """Why there can be no manager here, or None."""
    if not os.path.exists(program("systemd/p11-agent.service")):
        return "built without systemd"
    if os.geteuid() != 0:
        return "a manager of another user needs root"
    for path in (SYSTEMD, JOURNALD, "/usr/bin/dbus-daemon"):
        if not os.path.exists(path):
            return "not installed: " + path
    # A manager without p11-agent tells whether one with it may come up.
    try:
        with Manager(bare=True):
            return None
    except (AssertionError, OSError) as error:
        return "no user manager comes up here: %s" % " ".join(
            str(error).split())[-200:]


class Manager:
    """A running manager; `with` stops it. A bare one has no p11-agent."""

    def __init__(self, bare=False):
        self.bare = bare
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="p11-m-"))
        self.dir.chmod(0o755)
        self.uid = FIRST_UID + os.getpid() % 800
        self.home = self.dir / "home"
        self.run_dir = self.dir / "run"
        self.units = self.home / ".config/systemd/user"
        self.config = self.home / ".config/p11-agent/p11-agent.conf"
        self.socket = self.run_dir / "p11-agent/agent.sock"
        self.process = self.cgroup = self.init = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.cgroup = Cgroup(self.dir.name, self.uid)
        installed = self.dir / "installed"
        (installed / "usr/local").mkdir(parents=True)
        if not self.bare:
            subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild",
                            "--quiet", "--destdir", installed], check=True,
                           stdout=subprocess.DEVNULL)
        (self.dir / "passwd").write_text(
            pathlib.Path("/etc/passwd").read_text() +
            "%s:x:%d:%d::%s:/bin/sh\n" % (USER, self.uid, self.uid,
                                          self.home))
        for path in (self.run_dir, self.units, self.config.parent):
            path.mkdir(parents=True)
        self.own(self.home, self.run_dir)
        self.run_dir.chmod(0o700)
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount",
                 "--pid", "--fork", "--kill-child", "bash", "-c", START,
                 "manager", self.dir, installed, str(self.uid)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.cgroup.enter)
        try:
            wait_until(self.is_up, 30, what="the manager")
        except AssertionError as error:
            raise AssertionError("%s: %s" % (error, self.log())) from None

    def log(self):
        return "".join((self.dir / name).read_text(errors="replace")
                       for name in ("log", "journald.log")
                       if (self.dir / name).exists())

    def is_up(self):
        assert self.process.poll() is None, "the manager has ended"
        if not self.init:
            # unshare's child is the first process in there.
            children = pathlib.Path("/proc/%d/task/%d/children" % (
                (self.process.pid,) * 2)).read_text().split()
            self.init = children[0] if children else None
        return (self.run_dir / "systemd/private").exists() and (
            self.run("systemctl", "--user", "is-active", "basic.target")
            .returncode == 0)

    def own(self, *tops):
        """Files for the user."""
        for top in tops:
            os.chown(top, self.uid, self.uid)
            for path, folders, files in os.walk(top):
                for name in folders + files:
                    os.lchown(os.path.join(path, name), self.uid, self.uid)

    def owns(self, token):
        """A token of SoftHSM, the user's from now on."""
        token.dir.parent.chmod(0o711)
        self.own(token.dir)
        return token

    # -- in there

    def words(self, *words, root=False):
        user = [] if root else ["setpriv", "--reuid", str(self.uid),
                                "--regid", str(self.uid), "--clear-groups"]
        return ["nsenter", "--mount", "--root", "--pid",
                "--target", self.init, *user,
                *(str(w) for w in words)]

    @property
    def env(self):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                "HOME": str(self.home), "USER": USER,
                "XDG_RUNTIME_DIR": str(self.run_dir),
                "SYSTEMD_IGNORE_CHROOT": "1",
                "SSH_AUTH_SOCK": str(self.socket)}

    def run(self, *words, root=False, env=None, **options):
        """A program as that user."""
        options.setdefault("timeout", 60)
        return subprocess.run(
            self.words(*words, root=root), env=dict(self.env, **(env or {})),
            text=True, capture_output=True, stdin=subprocess.DEVNULL,
            cwd="/", **options)

    def done(self, *words, **options):
        """One that must work; what it printed."""
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    @staticmethod
    def installed(unit):
        return "/usr/local/lib/systemd/user/" + unit

    def systemctl(self, *words):
        return self.done("systemctl", "--user", "--quiet", *words)

    def show(self, unit, *names):
        """Properties of a unit: one as text, several as a list."""
        values = [self.systemctl("show", "--value", "--property", name, unit)
                  .rstrip("\n") for name in names]
        return values[0] if len(values) == 1 else values

    def start_bus(self):
        """The user's D-Bus, on which the manager then is as well."""
        for name, text in BUS_UNITS.items():
            (self.units / name).write_text(text)
        self.own(self.units)
        self.systemctl("daemon-reload")
        self.systemctl("start", "dbus.socket")
        self.done("dbus-send", "--bus=unix:path=%s/bus" % self.run_dir,
                  "--print-reply", "--dest=org.freedesktop.systemd1", "/",
                  "org.freedesktop.DBus.Peer.Ping")

    def journal(self, **fields):
        """What journald has with these fields, oldest first."""
        self.done("journalctl", "--sync", root=True)
        text = self.done("journalctl", "--output=json", "--all",
                         *("%s=%s" % f for f in fields.items()), root=True)
        return [json.loads(line) for line in text.splitlines()]

    # -- the end

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.cgroup is not None:
            self.cgroup.remove()
        shutil.rmtree(self.dir, ignore_errors=True)


def config(token, *numbers):
    """Nothing of a test's environment reaches the daemon but by its config."""
    return 'provider "softhsm" { module = "%s" env = { %s } }\n' % (
        token.module, ", ".join('"%s=%s"' % v for v in token.env.items())) + (
            keys_by_id(*numbers))


class Units:
    """p11-agent's units for one test, enabled and started."""

    def __init__(self, manager, config):
        self.m = manager
        self.configure(config)

    def configure(self, config):
        self.m.config.write_text(config)
        self.m.own(self.m.config.parent)

    def drop_in(self, text, unit="p11-agent.service"):
        folder = self.m.units / (unit + ".d")
        folder.mkdir(exist_ok=True)
        (folder / "test.conf").write_text(text)
        self.m.own(folder)
        self.m.systemctl("daemon-reload")

    def start(self):
        self.m.systemctl("enable", "--now", "p11-agent.socket")
        return self

    def pid(self):
        return int(self.m.show("p11-agent.service", "MainPID"))

    def state(self):
        return self.m.show("p11-agent.service", "ActiveState")

    def status_text(self):
        return self.m.show("p11-agent.service", "StatusText")

    def wait_for_state(self, state):
        wait_until(lambda: self.state() == state, what=state)

    def wait_for_status(self, text):
        wait_until(lambda: text in self.status_text(), what="%r: %s" % (
            text, self.status_text()))

    def names(self):
        """The comments of the identities that ssh-add lists."""
        done = self.m.run("ssh-add", "-L")
        assert done.returncode in (0, 1), done.stderr
        return [line.split(None, 2)[2] for line in done.stdout.splitlines()
                if line.startswith(("ssh-", "ecdsa-"))]

    def stop(self):
        for words in (("disable", "--now", "p11-agent.socket"),
                      ("reset-failed",)):
            self.m.run("systemctl", "--user", "--quiet", *words)
        for path in self.m.units.glob("*.d"):
            shutil.rmtree(path)
        with contextlib.suppress(FileNotFoundError):
            self.m.config.unlink()
        self.m.systemctl("daemon-reload")
