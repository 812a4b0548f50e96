# SPDX-License-Identifier: BSD-2-Clause
"""A real sshd on loopback, and a real ssh to log in with."""
import os
import subprocess

from tokens import RIG, run


class Sshd:
    def __init__(self, directory):
        self.dir = directory
        run(RIG + "/rig-sshd.sh", "start", directory,
            os.environ.get("SSHD", "/usr/sbin/sshd"),
            os.environ.get("RIG_LIBRARIES", ""))

    def accept(self, *lines):
        """These public keys may log in."""
        (self.dir / "authorized_keys").write_text("\n".join(lines) + "\n")

    def log(self):
        return (self.dir / "log").read_text()

    def ssh(self, env, *options):
        """One login: what sshd says of the key that it accepted."""
        return subprocess.run(
            ["ssh", "-F", str(self.dir / "ssh_config"), *options, "rig",
             'cat "$SSH_USER_AUTH"'],
            env=env, text=True, capture_output=True, timeout=60,
            stdin=subprocess.DEVNULL)

    def stop(self):
        run(RIG + "/rig-sshd.sh", "stop", self.dir)
