#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stands in for systemd-logind on the bus at an address.

    logind.py ADDRESS PATH=UID...

It has the session objects that it is told (PATH is the last part of their
path), takes orders on standard input and says on standard output what it is
asked and what it does, a line each:

    sleep           "sleeping", once all delay inhibitors are released
    wake            "awake"
    lock PATH       the signal that `loginctl lock-session` sends
    hint PATH 0|1   LockedHint changes, as GNOME does it

It says "ready", "inhibit WHAT MODE", "released" and "user PATH".
"""
import os
import sys

from gi.repository import Gio, GLib

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
INTERFACES = Gio.DBusNodeInfo.new_for_xml("""<node>
<interface name="org.freedesktop.login1.Manager">
  <method name="Inhibit"><arg type="s"/><arg type="s"/><arg type="s"/>
    <arg type="s"/><arg type="h" direction="out"/></method>
  <signal name="PrepareForSleep"><arg type="b"/></signal>
  <property name="PreparingForSleep" type="b" access="read"/>
</interface>
<interface name="org.freedesktop.login1.Session">
  <signal name="Lock"/>
  <property name="User" type="(uo)" access="read"/>
  <property name="LockedHint" type="b" access="read"/>
</interface>
</node>""")


def say(*words):
    print(*words, flush=True)


class Logind:
    def __init__(self, bus, sessions):
        self.bus = bus
        self.sessions = sessions
        self.inhibitors = 0
        self.sleeps = False
        bus.register_object(PATH, INTERFACES.lookup_interface(
            NAME + ".Manager"), self.call, self.manager_get, None)
        for path in sessions:
            bus.register_object(self.session(path), INTERFACES.lookup_interface(
                NAME + ".Session"), None, self.session_get, None)

    @staticmethod
    def session(path):
        return "%s/session/%s" % (PATH, path)

    def manager_get(self, *_):
        return GLib.Variant("b", self.sleeps)

    def session_get(self, _bus, _sender, path, _interface, name):
        path = path.rpartition("/")[2]
        if name == "LockedHint":
            return GLib.Variant("b", False)
        say("user", path)
        return GLib.Variant("(uo)", (self.sessions[path],
                                     "%s/user/_1" % PATH))

    def call(self, _bus, _sender, _path, _interface, _name, words, call):
        what, _who, _why, mode = words.unpack()
        if self.sleeps:
            call.return_dbus_error(NAME + ".OperationInProgress", "it sleeps")
            return
        ours, theirs = os.pipe()
        fds = Gio.UnixFDList()
        fds.append(theirs)
        os.close(theirs)
        self.inhibitors += 1
        GLib.unix_fd_add_full(0, ours, GLib.IOCondition.HUP, self.released)
        call.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), fds)
        say("inhibit", what, mode)

    def released(self, fd, _condition):
        os.close(fd)
        self.inhibitors -= 1
        say("released")
        self.maybe_sleep()
        return False

    def maybe_sleep(self):
        if self.sleeps and self.inhibitors == 0:
            say("sleeping")

    def signal(self, path, interface, name, values):
        self.bus.emit_signal(None, path, interface, name, values)

    def order(self, word, *words):
        if word in ("sleep", "wake"):
            self.sleeps = word == "sleep"
            self.signal(PATH, NAME + ".Manager", "PrepareForSleep",
                        GLib.Variant("(b)", (self.sleeps,)))
            self.maybe_sleep()
            if not self.sleeps:
                say("awake")
        elif word == "lock":
            self.signal(self.session(words[0]), NAME + ".Session", "Lock",
                        None)
        elif word == "hint":
            changed = {"IdleHint": GLib.Variant("b", False),
                       "LockedHint": GLib.Variant("b", words[1] == "1")}
            self.signal(self.session(words[0]),
                        "org.freedesktop.DBus.Properties",
                        "PropertiesChanged", GLib.Variant("(sa{sv}as)", (
                            NAME + ".Session", changed, [])))


def main():
    loop = GLib.MainLoop()
    bus = Gio.DBusConnection.new_for_address_sync(
        sys.argv[1], Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
        Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    logind = Logind(bus, {path: int(uid) for path, uid in (
        word.split("=") for word in sys.argv[2:])})

    def ordered(fd, _condition):
        lines = os.read(fd, 4096).decode()
        if lines == "":
            loop.quit()
        for line in lines.splitlines():
            logind.order(*line.split())
        return lines != ""

    GLib.unix_fd_add_full(0, 0, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                          ordered)
    Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE,
                                   lambda *_: say("ready"),
                                   lambda *_: loop.quit())
    loop.run()


if __name__ == "__main__":
    main()
