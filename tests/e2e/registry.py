# SPDX-License-Identifier: BSD-2-Clause
"""Modules registered with p11-kit, for one daemon only.

p11-kit reads root's modules from the system's folder alone: for root that
folder is another one in a mount namespace of the daemon. Others have a
configuration of their own that replaces the system's.
"""
import os
import shutil
import subprocess


class Registry:
    def __init__(self, directory):
        self.dir = directory / "registry"
        self.root = os.geteuid() == 0
        self.modules = (self.dir if self.root else
                        self.dir / "pkcs11" / "modules")
        self.modules.mkdir(parents=True)
        if not self.root:
            (self.dir / "pkcs11" / "pkcs11.conf").write_text(
                "user-config: only\n")

    def write(self, name, **settings):
        """trust_policy="yes" is the line `trust-policy: yes`."""
        (self.modules / ("%s.module" % name)).write_text("".join(
            "%s: %s\n" % (k.replace("_", "-"), v)
            for k, v in settings.items()))
        return self

    def add(self, name, module, **settings):
        return self.write(name, module=module, **settings)

    def command(self, name, module, **settings):
        """The same by a command that p11-kit runs."""
        return self.write(name, remote="|p11-kit remote %s" % module,
                          **settings)

    def copy(self, name, module, **settings):
        """The same with a copy of the file: p11-kit knows a file once."""
        path = self.dir.parent / ("%s-copy.so" % name)
        shutil.copy(module, path)
        return self.add(name, path, **settings)

    def remove(self, name):
        (self.modules / ("%s.module" % name)).unlink()

    @property
    def env(self):
        return {} if self.root else {"XDG_CONFIG_HOME": str(self.dir)}

    @property
    def wrapper(self):
        """Words in front of the daemon's command."""
        if not self.root:
            return []
        folder = subprocess.run(
            ["pkg-config", "--variable=p11_module_configs", "p11-kit-1"],
            text=True, capture_output=True, check=True).stdout.strip()
        return ["unshare", "-m", "sh", "-c",
                'mount --bind "$0" "$1" && shift && exec "$@"',
                str(self.modules), folder]
