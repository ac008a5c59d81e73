"""Tries one thing as whoever runs it and prints `allowed` or the error's name."""
import ctypes
import errno
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
ATTACH = 16


def checked(result):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def copy(pid):
    """process_vm_readv(2) of any mapped page."""
    bytes_here = ctypes.create_string_buffer(16)
    here = Part(ctypes.cast(bytes_here, ctypes.c_void_p), 16)
    there = Part(0x400000, 16)
    checked(libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


def trace(pid):
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    checked(libc.ptrace(ATTACH, pid, None, None))


acts = {
    "connect": lambda what: socket.socket(socket.AF_UNIX).connect(what),
    "read": lambda what: open(what, "rb").close(),
    "memory": lambda what: open(f"/proc/{what}/mem", "rb").close(),
    "trace": lambda what: trace(int(what)),
    "copy": lambda what: copy(int(what)),
    "signal": lambda what: os.kill(int(what), 0),
}
try:
    acts[sys.argv[1]](sys.argv[2])
    print("allowed")
except OSError as error:
    print(errno.errorcode[error.errno])
