#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the first inputs of the fuzz targets, seeds/TARGET/NAME.

Run it after a change here, and commit what it wrote. It removes nothing, as
inputs that a fuzzer found lie in the same folders. A target is a function
that yields (name, bytes), marked with @target("its name").
"""

import pathlib
import struct

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
TARGETS = {}


def target(name):
    def add(function):
        TARGETS[name] = function
        return function

    return add


def u8(value):
    return struct.pack(">B", value)


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def string(value):
    """An RFC 4251 string of bytes or text."""
    if isinstance(value, str):
        value = value.encode()
    return u32(len(value)) + value


@target("question")
def questions():
    def question(kind, title, text, warning, pid, sources):
        return (u8(kind) + string(title) + string(text) + string(warning)
                + u32(pid) + string(sources))

    yield "pin", question(1, "token", 'PIN of token, to sign with key "x"',
                          "", 1234, "pinentry,askpass")
    yield "last-try", question(1, "t\u00f6k", "PIN\nof it",
                               "wrong\nthis is the last try", 0, "askpass")
    yield "confirm", question(2, "token", "Sign for host?", "", 1, "")


@target("answer")
def answers():
    yield "pin", u8(0) + string("123456") + string("") + u8(0)
    yield "cached", u8(0) + string("1234") + string("") + u8(1)
    yield "cancel", u8(1) + string("") + string("") + u8(0)
    yield "no-way", u8(2) + string("") + string("no display") + u8(0)


def main():
    for name, function in TARGETS.items():
        folder = SEEDS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, content in function():
            (folder / seed).write_bytes(content)


if __name__ == "__main__":
    main()
