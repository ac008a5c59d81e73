"""Runs a program that may never make memory executable: what MemoryDenyWriteExecute= does."""
import ctypes
import os
import sys

set_mdwe, get_mdwe, refuse_exec_gain = 65, 66, 1
libc = ctypes.CDLL(None)
if libc.prctl(set_mdwe, refuse_exec_gain, 0, 0, 0) != 0:
    sys.exit(99)
assert libc.prctl(get_mdwe, 0, 0, 0, 0) & refuse_exec_gain
if len(sys.argv) > 1:
    os.execv(sys.argv[1], sys.argv[1:])
