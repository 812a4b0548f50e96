# SPDX-License-Identifier: BSD-2-Clause
"""The agent protocol (RFC 9987), spoken byte by byte."""
import socket
import struct

FAILURE = 5
SUCCESS = 6
REQUEST_IDENTITIES = 11
IDENTITIES_ANSWER = 12
SIGN_REQUEST = 13
SIGN_RESPONSE = 14
ADD_IDENTITY = 17
REMOVE_IDENTITY = 18
REMOVE_ALL_IDENTITIES = 19
ADD_SMARTCARD_KEY = 20
REMOVE_SMARTCARD_KEY = 21
LOCK = 22
UNLOCK = 23
ADD_ID_CONSTRAINED = 25
ADD_SMARTCARD_KEY_CONSTRAINED = 26
EXTENSION = 27
EXTENSION_RESPONSE = 29

RSA_SHA2_256 = 2
RSA_SHA2_512 = 4

MESSAGE_MAX_BYTES = 256 * 1024


def string(data):
    if isinstance(data, str):
        data = data.encode()
    return struct.pack(">I", len(data)) + data


def take_string(data):
    """(the string, what follows it)"""
    n, = struct.unpack(">I", data[:4])
    assert len(data) >= 4 + n, "a string ends early"
    return data[4:4 + n], data[4 + n:]


def frame(kind, body=b""):
    return struct.pack(">IB", 1 + len(body), kind) + body


class Client:
    """One connection to the agent."""

    def __init__(self, path, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.sock.settimeout(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self.sock.close()

    # -- frames

    def send(self, kind, body=b""):
        self.sock.sendall(frame(kind, body))

    def send_raw(self, data):
        self.sock.sendall(data)

    def _take(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        """(type, body); EOFError when the agent hung up."""
        n, = struct.unpack(">I", self._take(4))
        assert 0 < n <= 4 * MESSAGE_MAX_BYTES
        data = self._take(n)
        return data[0], data[1:]

    def ask(self, kind, body=b""):
        self.send(kind, body)
        return self.receive()

    def hung_up(self):
        """Wait for the agent to close this connection."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    # -- requests

    def parse_identities(self, kind, body):
        assert kind == IDENTITIES_ANSWER
        n, = struct.unpack(">I", body[:4])
        body = body[4:]
        found = []
        for _ in range(n):
            blob, body = take_string(body)
            comment, body = take_string(body)
            found.append((blob, comment.decode()))
        assert body == b""
        return found

    def identities(self):
        """[(key blob, comment), …]"""
        return self.parse_identities(*self.ask(REQUEST_IDENTITIES))

    def names(self):
        return [comment for _, comment in self.identities()]

    def blob(self, name):
        return {c: b for b, c in self.identities()}[name]

    def send_sign(self, blob, data=b"some data", flags=0):
        self.send(SIGN_REQUEST,
                  string(blob) + string(data) + struct.pack(">I", flags))

    def receive_signature(self):
        """(algorithm, blob), or None for FAILURE."""
        kind, body = self.receive()
        if kind == FAILURE:
            assert body == b""
            return None
        assert kind == SIGN_RESPONSE
        signature, rest = take_string(body)
        assert rest == b""
        algorithm, rest = take_string(signature)
        value, rest = take_string(rest)
        assert rest == b""
        return algorithm.decode(), value

    def sign(self, blob, data=b"some data", flags=0):
        self.send_sign(blob, data, flags)
        return self.receive_signature()

    def add_smartcard(self, provider, pin=""):
        return self.ask(ADD_SMARTCARD_KEY, string(provider) + string(pin))[0]

    def extension(self, name, contents=b""):
        return self.ask(EXTENSION, string(name) + contents)
