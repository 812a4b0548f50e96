#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a private pcscd whose readers are USB tokens that can be pulled out, reader and all.

    pcscd-usb.py DIR DRIVER.so [PORT]

Makes DIR/pcscd.comm (PCSCLITE_CSOCK_NAME) and DIR/usb.sock, which takes one command a line:

    plug N      USB device N (1 or 2) arrives: a reader appears, vpcd's protocol on PORT + N - 1
    unplug N    it leaves, and the reader with it
    quit

The USB bus is umockdev's: pcscd runs its own hot-plug code. The driver folder of pcscd is fixed, so run this in a mount and
network namespace of its own (`unshare -n -m`), as rig-usb.sh does. Needs pcscd, vsmartcard-vpcd, umockdev, gir1.2-umockdev-1.0,
python3-gi.
"""
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

import gi
gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev

# pcscd looks there; the folder itself is in the package libccid.
DRIVERS = "/usr/lib/pcsc/drivers"
# Both may be unpacked somewhere instead of installed (scripts/deps).
PCSCD = os.environ.get("PCSCD", "/usr/sbin/pcscd")
VPCD = os.environ.get("VPCD", DRIVERS + "/serial/libifdvpcd.so")
VENDOR, PRODUCT = "1050", "0407"
NAME = os.environ.get("READER_NAME", "Yubico YubiKey CCID")

PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleName</key><string>RIGUSB</string>
<key>CFBundleExecutable</key><string>libifdusb.so</string>
<key>ifdVendorID</key><array><string>0x%s</string></array>
<key>ifdProductID</key><array><string>0x%s</string></array>
<key>ifdFriendlyName</key><array><string>%s</string></array>
</dict></plist>
""" % (VENDOR, PRODUCT, NAME)


def loopback_up():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))   # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING


def driver_folder(directory, driver):
    """DIR/drivers, mounted over pcscd's own: the bundle for our USB device, and nothing else."""
    drivers = os.path.join(directory, "drivers")
    bundle = os.path.join(drivers, "rig.bundle", "Contents")
    os.makedirs(os.path.join(bundle, "Linux"), exist_ok=True)
    with open(os.path.join(bundle, "Info.plist"), "w") as f:
        f.write(PLIST)
    shutil.copy(driver, os.path.join(bundle, "Linux", "libifdusb.so"))
    vpcd = os.path.join(directory, "libifdvpcd.so")
    shutil.copy(VPCD, vpcd)
    subprocess.check_call(["mount", "--bind", drivers, DRIVERS])
    return vpcd


def listen(path):
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(16)
    os.chmod(path, 0o666)
    return s


def start_pcscd(directory, driver, port, testbed):
    vpcd = driver_folder(directory, driver)
    conf = os.path.join(directory, "reader.conf.d")
    os.makedirs(conf, exist_ok=True)
    s = listen(os.path.join(directory, "pcscd.comm"))

    def child():
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), RIG_VPCD=vpcd, RIG_PORT=str(port),
                          UMOCKDEV_DIR=testbed.get_root_dir(), LD_PRELOAD="libumockdev-preload.so.0")
        os.execv(PCSCD, [PCSCD, "--foreground", "--config", conf, "--info"])

    pid = os.fork()
    if pid == 0:
        child()
    return pid


class Bus:
    def __init__(self, testbed):
        self.testbed = testbed
        self.devices = {}

    def plug(self, n):
        if n in self.devices:
            return
        bed = self.testbed
        device = bed.add_device("usb", "1-%d" % n, None,
                                ["idVendor", VENDOR, "idProduct", PRODUCT, "bConfigurationValue", "1",
                                 "busnum", "1", "devnum", str(n)],
                                ["DEVTYPE", "usb_device", "DEVNAME", "/dev/bus/usb/001/%03d" % n,
                                 "BUSNUM", "001", "DEVNUM", "%03d" % n])
        interface = bed.add_device("usb", "1-%d:1.0" % n, device,
                                   ["bInterfaceNumber", "00", "bInterfaceClass", "0b"],
                                   ["DEVTYPE", "usb_interface", "INTERFACE", "11/0/0"])
        self.devices[n] = (device, interface)
        bed.uevent(interface, "add")

    def unplug(self, n):
        device, interface = self.devices.pop(n)
        self.testbed.uevent(interface, "remove")
        self.testbed.remove_device(interface)
        self.testbed.remove_device(device)


def main():
    directory, driver = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 35963
    os.makedirs(directory, exist_ok=True)
    loopback_up()
    testbed = UMockdev.Testbed.new()
    pid = start_pcscd(directory, driver, port, testbed)
    bus = Bus(testbed)
    control = listen(os.path.join(directory, "usb.sock"))
    try:
        while True:
            connection, _ = control.accept()
            with connection, connection.makefile("rw") as f:
                words = f.readline().split()
                try:
                    if words[0] == "quit":
                        break
                    getattr(bus, {"plug": "plug", "unplug": "unplug"}[words[0]])(int(words[1]))
                    f.write("ok\n")
                except Exception as e:
                    f.write("error %r\n" % e)
    finally:
        os.kill(pid, 15)
        os.waitpid(pid, 0)


main()
