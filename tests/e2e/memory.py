# SPDX-License-Identifier: BSD-2-Clause
"""Contents of the memory and registers of a process, for root to see."""
import ctypes
import os
import pathlib
import re
import signal
import threading

import pytest


def memory(pid):
    """All that a process has in memory and can be read, piece by piece."""
    try:
        maps = pathlib.Path("/proc/%d/maps" % pid).read_text().splitlines()
        mem = open("/proc/%d/mem" % pid, "rb", 0)
    except PermissionError as error:
        pytest.skip("no process that is not dumpable can be read: %s" % error)
    with mem:
        for line in maps:
            start, end, mode = re.match(
                "([0-9a-f]+)-([0-9a-f]+) (....)", line).groups()
            start, end = int(start, 16), int(end, 16)
            # A sanitizer's shadow is terabytes of nothing.
            if mode[0] != "r" or end - start > 1 << 30:
                continue
            mem.seek(start)
            try:
                yield mem.read(end - start)
            except OSError:
                continue


def holds(pid, secret):
    return any(secret in piece for piece in memory(pid))


def parts_of(secret, size=6):
    """A register may hold no more of it."""
    return {secret[i:i + size] for i in range(len(secret) - size + 1)}


def pieces(pid, secret):
    """The parts of a secret that are in memory."""
    return {part for piece in memory(pid) for part in parts_of(secret)
            if part in piece}


class Registers:
    """All that the registers and the stack of a process hold, meanwhile.

    The process is stopped at each system call and at each signal. What is in
    a register then, a signal at that moment would write to the stack, and
    what is below the stack's pointer is looked at before it is overwritten.
    """

    SEIZE, INTERRUPT, SYSCALL, DETACH, GETREGSET = (
        0x4206, 0x4207, 24, 17, 0x4204)
    # General, floating point; vectors of x86-64.
    SETS = (1, 2, 0x202)
    WALL = 0x40000000

    class Room(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    def __init__(self, pid, secret):
        self.pid = pid
        self.parts = parts_of(secret)
        self.seen = set()
        self.stops = 0
        self.error = None
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long] + 3 * [ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long
        self.room = ctypes.create_string_buffer(1 << 16)
        self.attached, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        self.attached.wait()
        return self

    def __exit__(self, *error):
        self.over.set()
        # Wherever it waits, a signal is a stop.
        os.kill(self.pid, signal.SIGCHLD)
        self.thread.join()
        if self.error:
            raise self.error

    def ptrace(self, request, address=None, data=None):
        if self.libc.ptrace(request, self.pid, address, data) < 0:
            raise OSError(ctypes.get_errno(), "ptrace %#x" % request)

    def run(self):
        try:
            self.ptrace(self.SEIZE)
            self.ptrace(self.INTERRUPT)
            os.waitpid(self.pid, self.WALL)
            self.attached.set()
            self.follow()
        except OSError as e:
            self.error = e
        finally:
            self.attached.set()

    def follow(self):
        with open("/proc/%d/mem" % self.pid, "rb", 0) as mem:
            number = 0
            while not self.over.is_set():
                self.ptrace(self.SYSCALL, None, number)
                _, status = os.waitpid(self.pid, self.WALL)
                assert os.WIFSTOPPED(status), status
                number = os.WSTOPSIG(status)
                if number == signal.SIGTRAP:
                    number = 0
                self.look(mem)
            self.ptrace(self.DETACH, None, number)

    def look(self, mem):
        self.stops += 1
        found = [self.stack(mem)]
        for which in self.SETS:
            room = self.Room(ctypes.addressof(self.room), len(self.room))
            try:
                self.ptrace(self.GETREGSET, which, ctypes.addressof(room))
            except OSError:
                continue    # another kind of processor
            found.append(self.room.raw[:room.len])
        self.seen |= {part for part in self.parts for text in found
                      if part in text}

    def stack(self, mem):
        with open("/proc/%d/maps" % self.pid) as maps:
            line, = [line for line in maps if line.endswith("[stack]\n")]
        start, end = (int(n, 16) for n in line.split()[0].split("-"))
        mem.seek(start)
        return mem.read(end - start)
