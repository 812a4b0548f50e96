#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tries what a sandbox should refuse; prints {what: "ok" or the error}.

Its caller runs it inside and outside: only what works outside proves anything.
"""
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
ADDR_NO_RANDOMIZE = 0x0040000
PTRACE_TRACEME = 0
# Numbers of x86-64; x32 is the architecture beside it.
SYS_IO_URING_SETUP, SYS_KEYCTL, SYS_LANDLOCK_CREATE_RULESET = 425, 250, 444
X32_GETPID = 0x40000000 + 39
KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION = 0, -3
LANDLOCK_CREATE_RULESET_VERSION = 1


def call(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def in_child(action):
    """In a process of its own, whose death is an answer as well."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        except BaseException:
            os._exit(255)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    number = os.WEXITSTATUS(status)
    return "ok" if number == 0 else errno.errorcode.get(number, str(number))


def family(number, kind=socket.SOCK_STREAM):
    return lambda: socket.socket(number, kind).close()


def map_write_execute():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE |
              mmap.PROT_EXEC).close()


def make_executable():
    memory = mmap.mmap(-1, 4096)
    where = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    call(libc.mprotect(ctypes.c_void_p(where), 4096,
                       mmap.PROT_READ | mmap.PROT_EXEC))


def set_user_id_bit():
    with tempfile.NamedTemporaryFile() as f:
        os.chmod(f.name, 0o4700)


def become_real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def run_a_program():
    subprocess.run(["/bin/true"], check=True)


ACTIONS = {
    "write and execute": map_write_execute,
    "execute what was written": make_executable,
    "user namespace": lambda: call(libc.unshare(CLONE_NEWUSER)),
    "personality": lambda: call(libc.personality(ADDR_NO_RANDOMIZE)),
    "set-user-ID bit": set_user_id_bit,
    "real time": become_real_time,
    "batch scheduling": lambda: os.sched_setscheduler(
        0, os.SCHED_BATCH, os.sched_param(0)),
    "ptrace": lambda: call(libc.ptrace(PTRACE_TRACEME, 0, None, None)),
    "io_uring": lambda: os.close(call(libc.syscall(
        SYS_IO_URING_SETUP, 1, ctypes.create_string_buffer(120)))),
    "keyring": lambda: call(libc.syscall(
        SYS_KEYCTL, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION, 0)),
    "other architecture": lambda: call(libc.syscall(X32_GETPID)),
    "vsock": family(socket.AF_VSOCK),
    "alg": family(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "unix": family(socket.AF_UNIX),
    "inet": family(socket.AF_INET),
    "inet6": family(socket.AF_INET6),
    "netlink": family(socket.AF_NETLINK, socket.SOCK_RAW),
    "landlock": lambda: call(libc.syscall(
        SYS_LANDLOCK_CREATE_RULESET, None, 0,
        LANDLOCK_CREATE_RULESET_VERSION)),
    "a program": run_a_program,
}


def process_status(*names):
    with open("/proc/self/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return {name: fields[name].strip() for name in names}


def main():
    found = {name: in_child(action) for name, action in ACTIONS.items()}
    found.update(process_status("NoNewPrivs", "Seccomp", "Umask", "CapEff",
                                "Uid"))
    found["core"] = resource.getrlimit(resource.RLIMIT_CORE)[1]
    found["variables"] = sorted(
        v for v in os.environ
        if v.startswith(("LISTEN_", "NOTIFY_", "WATCHDOG_")))
    json.dump(found, sys.stdout)


main()
