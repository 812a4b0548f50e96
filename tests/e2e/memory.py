# SPDX-License-Identifier: BSD-2-Clause
"""What is in the memory of a process, for root to see."""
import re


def memory(pid):
    """All that a process has in memory and can be read, piece by piece."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
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
