# SPDX-License-Identifier: BSD-2-Clause
"""Modules registered with p11-kit, for one daemon only.

p11-kit reads root's modules from the system's folder alone: for root's daemon
another one is in its place (rig/moved.c). Others have a configuration of their
own that replaces the system's.
"""
import os
import shutil

from tokens import RIG, run


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
        """Register a module by a command that p11-kit runs."""
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
        folder = run("pkg-config", "--variable=p11_module_configs",
                     "p11-kit-1").strip()
        moved = self.dir.parent / "moved.so"
        run("cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", moved,
            RIG + "/moved.c", "-ldl")
        # ASan need not be the first library.
        return ["sh", "-c", 'export LD_PRELOAD="$0" RIG_MOVED="$1" '
                'ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"; '
                'shift; exec "$@"',
                str(moved), "%s=%s" % (folder, self.modules)]
