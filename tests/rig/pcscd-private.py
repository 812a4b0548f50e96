#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a private pcscd with one vpcd virtual reader (two slots).

    pcscd-private.py DIR [PORT] [-- pcscd options]

Makes DIR/pcscd.comm (point clients at it with PCSCLITE_CSOCK_NAME) and hands
the listening socket to pcscd the way systemd does, so nothing under /run/pcscd
is shared with another pcscd.  PCSCD and VPCD in the environment name the program
and the driver where they are not installed.  vpcd listens on PORT and PORT+1, on all
interfaces: run this under `unshare -n` to keep it, and the port, to yourself.
READER_NAME in the environment names the reader ("Yubico YubiKey CCID" by
default: libykcs11 looks only at readers with "yubikey" in the name).
Becomes pcscd (exec), so its pid is pcscd's.
"""
import fcntl
import os
import socket
import struct
import sys

# Both may be unpacked somewhere instead of installed (scripts/deps).
PCSCD = os.environ.get("PCSCD", "/usr/sbin/pcscd")
VPCD = os.environ.get("VPCD", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so")


def loopback_up():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    request = struct.pack("16sH14x", b"lo", 0x41)       # IFF_UP | IFF_RUNNING
    try:
        fcntl.ioctl(s, 0x8914, request)                 # SIOCSIFFLAGS
    except PermissionError:
        pass


def main():
    args = sys.argv[1:]
    extra = []
    if "--" in args:
        i = args.index("--")
        args, extra = args[:i], args[i + 1:]
    directory = os.path.abspath(args[0])
    port = int(args[1]) if len(args) > 1 else 35963
    conf = os.path.join(directory, "reader.conf.d")
    os.makedirs(conf, exist_ok=True)
    with open(os.path.join(conf, "vpcd"), "w") as f:
        f.write('FRIENDLYNAME "%s"\nDEVICENAME /dev/null:%#x\nLIBPATH %s\nCHANNELID %#x\n'
                % (os.environ.get("READER_NAME", "Yubico YubiKey CCID"), port, VPCD, port))
    loopback_up()
    path = os.path.join(directory, "pcscd.comm")
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(16)
    os.chmod(path, 0o666)
    os.dup2(s.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    os.execv(PCSCD, [PCSCD, "--foreground", "--config", conf] + extra)


main()
