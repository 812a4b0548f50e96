#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a private pcscd with one vpcd virtual reader (two slots).

    pcscd-private.py DIR [-- pcscd options]

Makes DIR/pcscd.comm (point clients at it with PCSCLITE_CSOCK_NAME) and hands
the listening socket to pcscd the way systemd does.  DIR/moved.so (of
moved.c) gives pcscd the rest: nothing is shared with another pcscd, and
vpcd listens on the UNIX sockets DIR/vpcd.1 and vpcd.2.  PCSCD and VPCD in the
environment name the program and the driver where they are not installed.
READER_NAME in the environment names the reader ("Yubico YubiKey CCID" by
default: libykcs11 looks only at readers with "yubikey" in the name).
Becomes pcscd (exec), so its pid is pcscd's.
"""
import os
import socket
import sys

# Both may be unpacked somewhere instead of installed (scripts/deps).
PCSCD = os.environ.get("PCSCD", "/usr/sbin/pcscd")
VPCD = os.environ.get("VPCD", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so")


def main():
    args = sys.argv[1:]
    extra = []
    if "--" in args:
        i = args.index("--")
        args, extra = args[:i], args[i + 1:]
    directory = os.path.abspath(args[0])
    conf = os.path.join(directory, "reader.conf.d")
    # Without drivers it takes no real token that is plugged in.
    for path in (conf, os.path.join(directory, "drivers")):
        os.makedirs(path, exist_ok=True)
    with open(os.path.join(conf, "vpcd"), "w") as f:
        f.write('FRIENDLYNAME "%s"\nDEVICENAME /dev/null:1\nLIBPATH %s\nCHANNELID 1\n'
                % (os.environ.get("READER_NAME", "Yubico YubiKey CCID"), VPCD))
    path = os.path.join(directory, "pcscd.comm")
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(16)
    os.chmod(path, 0o666)
    os.dup2(s.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()),
                      RIG_PORTS=directory + "/vpcd", LD_PRELOAD=directory + "/moved.so",
                      RIG_MOVED="/run/pcscd=%s/run:/usr/lib/pcsc/drivers=%s/drivers" % (directory, directory))
    os.execv(PCSCD, [PCSCD, "--foreground", "--config", conf] + extra)


main()
