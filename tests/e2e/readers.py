# SPDX-License-Identifier: BSD-2-Clause
"""p11-agent-readers by itself: the test is its daemon."""
import os
import select
import socket
import struct
import subprocess
import time

from daemon import program
from wire import take_string

READERS_FD = 3
READERS_ASK, READERS_STATE, READERS_ALIVE = 79, 80, 81
OK, NO_SERVICE, REFUSED, UNSUPPORTED = range(4)


class Reader:
    """One reader of a message."""

    def __init__(self, data):
        name, data = take_string(data)
        self.name = name.decode()
        self.present, self.exclusive, self.in_use, self.mute = map(
            bool, data[:4])
        self.events, = struct.unpack(">I", data[4:8])
        self.rest = data[8:]

    def __repr__(self):
        return "<%s present=%d events=%d>" % (
            self.name, self.present, self.events)


class State:
    """One message, and when it came."""

    def __init__(self, body):
        self.time = time.monotonic()
        assert body[0] == READERS_STATE
        self.service = body[1]
        text, data = take_string(body[2:])
        self.text = text.decode()
        count, = struct.unpack(">I", data[:4])
        data = data[4:]
        self.readers = {}
        for _ in range(count):
            reader = Reader(data)
            self.readers[reader.name] = reader
            data = reader.rest
        assert data == b"" and len(self.readers) == count

    def cards(self):
        """The names of readers with a card."""
        return sorted(r.name for r in self.readers.values() if r.present)

    def __repr__(self):
        return "<service %d %r %r>" % (
            self.service, self.text, list(self.readers.values()))


class Readers:
    """The program, started as the daemon starts it."""

    def __init__(self, env, words=None):
        self.sock, theirs = socket.socketpair()
        self.buffer = b""
        self.seen = []
        self.alive = 0
        fd = theirs.fileno()

        def child():
            if fd != READERS_FD:
                os.dup2(fd, READERS_FD)
            os.set_inheritable(READERS_FD, True)

        # pass_fds would close what dup2 just made unless it is named.
        self.process = subprocess.Popen(
            words or [program("p11-agent-readers")], preexec_fn=child,
            pass_fds=sorted({fd, READERS_FD}), stdin=subprocess.DEVNULL,
            env=dict(os.environ, **env))
        theirs.close()

    def message(self, seconds):
        """The next message, or None after so long."""
        end = time.monotonic() + seconds
        while True:
            if len(self.buffer) >= 4:
                n, = struct.unpack(">I", self.buffer[:4])
                if len(self.buffer) >= 4 + n:
                    body = self.buffer[4:4 + n]
                    self.buffer = self.buffer[4 + n:]
                    if body == bytes([READERS_ALIVE]):
                        self.alive += 1
                        return None
                    state = State(body)
                    self.seen.append(state)
                    return state
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            data = self.sock.recv(65536)
            assert data, "p11-agent-readers has ended"
            self.buffer += data

    def wait_for(self, condition, seconds=10):
        """The first message from now on of which that is true."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            state = self.message(left)
            if state is not None and condition(state):
                return state
        raise AssertionError("waited in vain; it said %r" % self.seen)

    def lives(self, seconds=5):
        """The program gives a sign of life in that time."""
        before = self.alive
        self.sock.sendall(struct.pack(">IB", 1, READERS_ASK))
        end = time.monotonic() + seconds
        while self.alive == before and (left := end - time.monotonic()) > 0:
            self.message(left)
        return self.alive > before

    def wakeups(self):
        """How often its threads have gone to sleep so far."""
        total = 0
        task = "/proc/%d/task" % self.process.pid
        for thread in os.listdir(task):
            with open("%s/%s/status" % (task, thread)) as f:
                total += sum(int(line.split()[1]) for line in f
                             if line.startswith("voluntary_ctxt_switches"))
        return total

    def close(self):
        self.sock.close()

    def finish(self):
        self.close()
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def missing():
    """Why nobody watches readers here, or None."""
    r = Readers({"PCSCLITE_CSOCK_NAME": "/nowhere/pcscd.comm"})
    service = r.message(10).service
    r.finish()
    return "this build has no PC/SC" if service == UNSUPPORTED else None
