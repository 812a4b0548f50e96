# SPDX-License-Identifier: BSD-2-Clause
"""An agent that reads its config where a person's stands, without -f."""
from daemon import Daemon, program


class HomeDaemon(Daemon):
    """p11-agent.conf and allowed.conf below an XDG_CONFIG_HOME of its own."""

    def __init__(self, directory, config, env=None, **options):
        self.folder = directory / "config" / "p11-agent"
        self.allowed = self.folder / "allowed.conf"
        self.own = self.folder / "p11-agent.conf"
        self.folder.mkdir(parents=True)
        self.own.write_text(config)
        super().__init__(directory, None, env=dict(
            env or {}, XDG_CONFIG_HOME=str(directory / "config")), **options)

    def command(self):
        return [program("p11-agent"), "-D", "-a", str(self.socket),
                *self.arguments]

    def done(self, *words):
        """A p11-agentctl command that must work; what it printed."""
        done = self.ctl(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def refused(self, *words, status=1):
        """One that must not; what it said."""
        done = self.ctl(*words)
        assert done.returncode == status, (words, done.stdout, done.stderr)
        return done.stderr

    def key(self, label):
        found, = [k for k in self.keys() if k["label"] == label]
        return found
