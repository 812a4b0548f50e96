#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a private pcscd whose readers are USB tokens that can be pulled out, reader and all.

    pcscd-usb.py DIR DRIVER.so

Makes DIR/pcscd.comm (PCSCLITE_CSOCK_NAME) and DIR/usb.sock, which takes one command a line:

    plug N      USB device N (1 or 2) arrives: a reader appears, vpcd's protocol on DIR/vpcd.N
    unplug N    it leaves, and the reader with it
    quit

The USB bus is umockdev's: pcscd runs its own hot-plug code. DIR/moved.so (of moved.c) gives pcscd a driver folder
of its own. Needs pcscd, vsmartcard-vpcd, umockdev, gir1.2-umockdev-1.0, python3-gi.
"""
import os
import shutil
import socket
import sys

import gi
gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev

# Both may be unpacked somewhere instead of installed (scripts/deps).
PCSCD = os.environ.get("PCSCD", "/usr/sbin/pcscd")
VPCD = os.environ.get("VPCD", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
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


def driver_folder(directory, driver):
    """DIR/drivers, in place of pcscd's own: the bundle for our USB device, and nothing else."""
    bundle = os.path.join(directory, "drivers", "rig.bundle", "Contents")
    os.makedirs(os.path.join(bundle, "Linux"), exist_ok=True)
    with open(os.path.join(bundle, "Info.plist"), "w") as f:
        f.write(PLIST)
    shutil.copy(driver, os.path.join(bundle, "Linux", "libifdusb.so"))


def listen(path):
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(16)
    os.chmod(path, 0o666)
    return s


def start_pcscd(directory, driver, testbed):
    driver_folder(directory, driver)
    conf = os.path.join(directory, "reader.conf.d")
    os.makedirs(conf, exist_ok=True)
    s = listen(os.path.join(directory, "pcscd.comm"))

    def child():
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), RIG_VPCD=VPCD,
                          RIG_PORTS=directory + "/vpcd", UMOCKDEV_DIR=testbed.get_root_dir(),
                          LD_PRELOAD=directory + "/moved.so:libumockdev-preload.so.0",
                          RIG_MOVED="/run/pcscd=%s/run:/usr/lib/pcsc/drivers=%s/drivers" % (directory, directory))
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
    os.makedirs(directory, exist_ok=True)
    testbed = UMockdev.Testbed.new()
    pid = start_pcscd(directory, driver, testbed)
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
