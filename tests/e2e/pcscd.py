# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for pcscd that refuses everybody, and another client of it."""
import fcntl
import os
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

# pcsc-lite's winscard_msg.h: a header of size and command, then the body,
# which comes back as the answer with its last number, the result, set.
ESTABLISH_CONTEXT = 0x01
SUCCESS = 0
SECURITY_VIOLATION = 0x8010006A
NO_ACCESS = 0x80100027
# What a pcscd with polkit does: it hangs up on what it was asked.
CLOSE = None


class RefusingPcscd:
    """Listens at path; counts who asked for a context and was refused."""

    def __init__(self, path, result):
        self.path = str(path)
        self.result = result
        self.refused = 0
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(16)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.sock.accept()
            except OSError:
                return
            with client:
                if self.result is CLOSE:
                    self.await_question(client)
                    self.refused += 1
                else:
                    self.answer(client)

    def await_question(self, client):
        """Until it has come whole; it stays unread, as pcscd leaves it."""
        size = 8
        while True:
            head = client.recv(8, socket.MSG_PEEK)
            if len(head) == 8:
                size = 8 + struct.unpack("=II", head)[0]
            waiting, = struct.unpack("i", fcntl.ioctl(
                client, termios.FIONREAD, b"    "))
            if not head or waiting >= size:
                return
            time.sleep(0.01)

    def answer(self, client):
        while True:
            head = client.recv(8, socket.MSG_WAITALL)
            if len(head) < 8:
                return
            size, command = struct.unpack("=II", head)
            body = client.recv(size, socket.MSG_WAITALL)
            result = SUCCESS
            if command == ESTABLISH_CONTEXT:
                result = self.result
                self.refused += 1
            client.sendall(body[:-4] + struct.pack("=I", result))

    def stop(self):
        os.unlink(self.path)
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(5)


HOLD = """
import ctypes, sys
pcsc = ctypes.CDLL("libpcsclite.so.1")
number, long = ctypes.c_ulong, ctypes.c_long
context, card, protocol = long(), long(), number()
SYSTEM, EXCLUSIVE, ANY, LEAVE = 2, 1, 3, 0
result = pcsc.SCardEstablishContext(number(SYSTEM), None, None,
                                    ctypes.byref(context))
result = result or pcsc.SCardConnect(
    context, sys.argv[1].encode(), number(EXCLUSIVE), number(ANY),
    ctypes.byref(card), ctypes.byref(protocol))
print("%08X" % (result & 0xffffffff), flush=True)
sys.stdin.readline()
pcsc.SCardDisconnect(card, number(LEAVE))
"""


class Holder:
    """Another program, which holds a reader's card for itself."""

    def __init__(self, env, reader):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, reader], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=dict(os.environ, **env))
        self.result = int(self.process.stdout.readline(), 16)

    def release(self):
        self.process.communicate("\n", timeout=10)
