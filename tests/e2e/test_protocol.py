# SPDX-License-Identifier: BSD-2-Clause
"""Hostile, broken and greedy clients; requests that are not ours."""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import time

import pytest

from config import simple
from daemon import wait_until
from keys import public_line, verify
from wire import (ADD_IDENTITY, ADD_ID_CONSTRAINED, EXTENSION_RESPONSE,
                  FAILURE, LOCK, MESSAGE_MAX_BYTES, REMOVE_ALL_IDENTITIES,
                  REMOVE_IDENTITY, REQUEST_IDENTITIES, SIGN_REQUEST, UNLOCK,
                  Client, frame, string, take_string)


@pytest.fixture
def served(agent, softhsm):
    token = softhsm("p256", "ed25519")
    return agent(simple(token, 1, 2), token, pins=[token.pin])


def still_works(a):
    with a.client() as c:
        blob = c.blob("key1")
        assert verify(blob, c.sign(blob, b"x"), b"x")


def open_fds(a):
    return len(os.listdir("/proc/%d/fd" % a.process.pid))


# 9 is left out: the dead SSH1 form of 19 may be answered.
UNKNOWN = [0, 1, 2, 5, 6, 12, 14, 24, 28, 29, 30, 100, 240, 255]


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_request(kind, served):
    """FAILURE, and the connection stays."""
    with served.client() as c:
        assert c.ask(kind, b"what") == (FAILURE, b"")
        assert len(c.names()) == 2


@pytest.mark.parametrize("kind", [ADD_IDENTITY, ADD_ID_CONSTRAINED, LOCK,
                                  UNLOCK])
def test_requests_for_later(kind, served):
    with served.client() as c:
        assert c.ask(kind, string("x")) == (FAILURE, b"")
        assert len(c.names()) == 2


MALFORMED = [
    (SIGN_REQUEST, b""),
    (SIGN_REQUEST, string("blob")),
    (SIGN_REQUEST, string("blob") + string("data")),
    (SIGN_REQUEST, string("blob") + string("data") + b"\0\0\0"),
    (SIGN_REQUEST, string("blob") + string("data") + b"\0" * 5),
    (SIGN_REQUEST, struct.pack(">I", 0xffffffff) + b"x"),
    (REMOVE_IDENTITY, b"\0\0"),
    (REMOVE_IDENTITY, string("no such key")),
    (20, b"\xff" * 20),
    (21, b""),
    (26, string("a") + string("b") + b"\x07"),
    (27, b""),
    (27, struct.pack(">I", 1000) + b"short"),
]


@pytest.mark.parametrize("kind, body", MALFORMED)
def test_malformed_body(kind, body, served):
    with served.client() as c:
        kind, _ = c.ask(kind, body)
        assert kind == FAILURE
        assert len(c.names()) == 2


def test_query_names_the_extensions(served):
    with served.client() as c:
        kind, body = c.extension("query")
        assert kind == EXTENSION_RESPONSE
        name, body = take_string(body)
        assert name == b"query"
        while body:
            _, body = take_string(body)


def test_unknown_extension(served):
    with served.client() as c:
        assert c.extension("nobody@example.org", b"x")[0] == FAILURE


@pytest.mark.parametrize("data", [
    struct.pack(">I", 0),
    struct.pack(">I", MESSAGE_MAX_BYTES + 1),
    struct.pack(">I", 0xffffffff),
    b"GET / HTTP/1.1\r\n\r\n",
    b"SSH-2.0-garbage\r\n",
    bytes((n * 37 + 201) & 0xff for n in range(64)),
], ids=["empty", "one too long", "4 GiB", "HTTP", "SSH", "noise"])
def test_bad_frame_closes_that_connection(data, served):
    with served.client() as other, served.client() as c:
        c.send_raw(data)
        assert c.hung_up()
        assert len(other.names()) == 2


def test_frame_of_the_largest_size(served):
    with served.client() as c:
        assert c.ask(99, b"x" * (MESSAGE_MAX_BYTES - 1)) == (FAILURE, b"")
        assert len(c.names()) == 2


def test_answers_before_a_bad_frame_are_sent(served):
    with served.client() as c:
        assert len(c.names()) == 2
        c.send_raw(frame(REQUEST_IDENTITIES) + struct.pack(">I", 0))
        assert len(c.parse_identities(*c.receive())) == 2
        assert c.hung_up()


@pytest.mark.parametrize("part", [1, 3, 4, 5, 20])
def test_half_a_frame_and_stays(part, served):
    with served.client() as slow:
        whole = frame(SIGN_REQUEST, string("key") + string("data" * 10))
        slow.send_raw(whole[:part])
        still_works(served)
        slow.send_raw(whole[part:])
        # It ends too early to be a sign request, but it was a whole frame.
        assert slow.receive() == (FAILURE, b"")


def test_one_byte_at_a_time(served):
    with served.client() as c:
        blob = c.blob("key1")
        body = string(blob) + string("data") + struct.pack(">I", 0)
        for byte in frame(SIGN_REQUEST, body):
            c.send_raw(bytes([byte]))
        assert verify(blob, c.receive_signature(), b"data")


def test_hangs_up_in_the_middle_of_a_signature(served):
    with served.client() as c:
        blob = c.blob("key1")
        assert c.sign(blob) is not None
    for _ in range(50):
        c = served.client()
        c.send_sign(blob, b"data" * 1000)
        c.close()
    still_works(served)
    wait_until(lambda: served.status()["connections"] == 0,
               what="the end of the closed connections")


def test_hangs_up_while_a_prompt_is_open(served):
    """Nobody waits for the answer any more: the prompt is closed."""
    served.askpass.answer_with("!wait", "1234")
    c = served.client()
    c.send_sign(c.blob("key1"))
    served.askpass.wait_for_calls(1)
    c.close()
    wait_until(lambda: not prompts(served), what="the end of the prompt")
    still_works(served)
    assert served.askpass.calls() == 2


def prompts(a):
    return [line for line in a.children().values()
            if "askpass" in line or "prompt" in line]


def test_says_no_more_and_waits(served):
    """As `nc -N` does: all that was asked for is answered."""
    with served.client() as c:
        blob = c.blob("key1")
        for n in range(100):
            c.send_sign(blob, b"data %d" % n)
        c.sock.shutdown(socket.SHUT_WR)
        for n in range(100):
            assert verify(blob, c.receive_signature(), b"data %d" % n)
        assert c.hung_up()
    assert served.askpass.calls() == 1


@pytest.mark.parametrize("n", [1, 100])
def test_says_no_more_while_a_prompt_is_open(n, served):
    served.askpass.answer_with("!wait")
    with served.client() as c:
        blob = c.blob("key1")
        for _ in range(n):
            c.send_sign(blob, b"data")
        served.askpass.wait_for_calls(1)
        c.sock.shutdown(socket.SHUT_WR)
        still_there = served.client()
        assert len(still_there.names()) == 2
        still_there.close()
        served.askpass.release("1234")
        for _ in range(n):
            assert verify(blob, c.receive_signature(), b"data")
        assert c.hung_up()


@pytest.mark.parametrize("n", [1, 100])
def test_says_no_more_and_leaves_while_a_prompt_is_open(n, served):
    served.askpass.answer_with("!wait", "1234")
    c = served.client()
    blob = c.blob("key1")
    for _ in range(n):
        c.send_sign(blob)
    c.sock.shutdown(socket.SHUT_WR)
    served.askpass.wait_for_calls(1)
    c.close()
    wait_until(lambda: not prompts(served), what="the end of the prompt")
    still_works(served)
    assert served.askpass.calls() == 2


def test_ssh_that_is_interrupted_takes_its_prompt_along(served, sshd):
    served.askpass.answer_with("!wait")
    with served.client() as c:
        sshd.accept(public_line(c.blob("key1")))
    ssh = subprocess.Popen(["ssh", "-F", str(sshd.dir / "ssh_config"), "rig"],
                           env=served.env, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    try:
        served.askpass.wait_for_calls(1)
    finally:
        ssh.send_signal(signal.SIGINT)
        ssh.wait(20)
    wait_until(lambda: not prompts(served), 2, "the end of the prompt")


def resident_kb(a):
    with open("/proc/%d/status" % a.process.pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1))


@pytest.mark.release
def test_many_requests_that_do_not_end(served, note):
    """A thousand of the largest: they hold no more than all may together."""
    still_works(served)
    before = resident_kb(served)
    part = struct.pack(">IB", MESSAGE_MAX_BYTES, SIGN_REQUEST) + (
        b"x" * (200 * 1000))
    clients = []
    try:
        for _ in range(1000):
            clients.append(served.client())
            try:
                clients[-1].send_raw(part)
            except (BrokenPipeError, ConnectionResetError):
                pass
        still_works(served)
        grown = resident_kb(served) - before
    finally:
        for c in clients:
            c.close()
    note("1000 requests that do not end: %d kB" % grown)
    assert grown < 40 * 1000


@pytest.mark.long
def test_request_that_does_not_end(served):
    """A byte now and then gives it no more than a minute."""
    with served.client() as c:
        c.send_raw(struct.pack(">IB", 1000, SIGN_REQUEST))
        began = time.monotonic()
        while not select.select([c.sock], [], [], 5)[0]:
            c.send_raw(b"x")
            assert time.monotonic() - began < 75
        assert c.hung_up()
        assert time.monotonic() - began > 55
    still_works(served)


def test_replies_in_the_order_of_the_requests(served):
    """Pipelined: signatures and lists, answered as they were asked."""
    with served.client() as c:
        one, two = c.blob("key1"), c.blob("key2")
        for n in range(20):
            c.send_sign(one, b"one %d" % n)
            c.send(REQUEST_IDENTITIES)
            c.send_sign(two, b"two %d" % n)
            c.send(77)
        for n in range(20):
            assert verify(one, c.receive_signature(), b"one %d" % n)
            assert len(c.parse_identities(*c.receive())) == 2
            assert verify(two, c.receive_signature(), b"two %d" % n)
            assert c.receive() == (FAILURE, b"")


def test_200_clients_at_once(served):
    clients = [served.client(60) for _ in range(200)]
    try:
        for c in clients:
            c.send(REQUEST_IDENTITIES)
        listed = [c.parse_identities(*c.receive()) for c in clients]
        assert all(len(found) == 2 for found in listed)
        blob = listed[0][0][0]
        for n, c in enumerate(clients):
            c.send_sign(blob, b"client %d" % n)
        for n, c in enumerate(clients):
            assert verify(blob, c.receive_signature(), b"client %d" % n)
    finally:
        for c in clients:
            c.close()
    assert served.askpass.calls() == 1


def test_connections_leave_no_file_open(served):
    still_works(served)
    wait_until(lambda: served.status()["connections"] == 0)
    before = open_fds(served)
    for _ in range(300):
        with served.client() as c:
            c.send_raw(b"\0\0")
    wait_until(lambda: open_fds(served) <= before, what="closed files")
    still_works(served)


def test_client_that_reads_nothing(served):
    """The client fills its queue, is not read any more, and disturbs
    nobody."""
    with Client(served.socket, 2) as greedy:
        with pytest.raises(socket.timeout):
            # Answers of 40 MB.
            for _ in range(200):
                greedy.send_raw(frame(REQUEST_IDENTITIES) * 1000)
        still_works(served)
        # Not hung up either: once it reads, it gets what it asked for.
        for _ in range(1000):
            assert len(greedy.parse_identities(*greedy.receive())) == 2
    still_works(served)


def test_remove_all_twice(served):
    with served.client() as c:
        assert c.ask(REMOVE_ALL_IDENTITIES)[0] == 6
        assert c.names() == []
        assert c.ask(REMOVE_ALL_IDENTITIES)[0] == 6
