# SPDX-License-Identifier: BSD-2-Clause
"""A Debian without anything, in a folder, and commands in there."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

MIRROR_FILES = ["/etc/apt/sources.list", "/etc/apt/sources.list.d",
                "/etc/apt/apt.conf.d", "/etc/resolv.conf"]

# Root's capabilities in a container, unless somebody gave it more.
CONTAINER = ("chown dac_override fowner fsetid kill setgid setuid setpcap "
             "net_bind_service net_raw sys_chroot mknod audit_write setfcap")


def run(*words, timeout=1800, **options):
    done = subprocess.run([str(w) for w in words], text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    assert done.returncode == 0, "%s: %s" % (words[0], done.stdout[-4000:])
    return done.stdout


@contextlib.contextmanager
def clean_root():
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("debootstrap, as root, makes the clean root")
    with tempfile.TemporaryDirectory(prefix="p11-root-") as folder:
        # Other users may pass through it, as through any root.
        path = pathlib.Path(folder) / "root"
        run("debootstrap", "--variant=minbase", "bookworm", path)
        for name in MIRROR_FILES:
            if os.path.isdir(name):
                shutil.copytree(name, str(path) + name, dirs_exist_ok=True)
            elif os.path.exists(name):
                shutil.copy(name, str(path) + name)
        yield path


def environment():
    """Ours, as a login has it; and how the network is reached."""
    return dict({name: value for name, value in os.environ.items()
                 if name.lower().endswith("_proxy")},
                PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root",
                LANG="C.UTF-8", DEBIAN_FRONTEND="noninteractive")


def in_root(root, *words, capabilities=None, **options):
    """With a /proc, a /dev and a /run of its own, gone with the command.

    The capabilities are all, or the ones that are named.
    """
    script = ('mount -t proc proc "$1/proc" && '
              'mount --rbind /dev "$1/dev" && '
              'mount -t tmpfs tmpfs "$1/run" && shift && exec "$@"')
    less = []
    if capabilities is not None:
        left = "".join(",+" + name for name in capabilities.split())
        less = ["setpriv", "--inh-caps=-all", "--bounding-set=-all" + left]
    return run("unshare", "-m", "--propagation", "private", "sh", "-c",
               script, "sh", root, *less, "chroot", root, *words,
               env=environment(), **options)
