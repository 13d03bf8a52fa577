"""Freed memory stays in the process on request, and is returned to the system otherwise."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, resource, sys
from hfseq.kernels.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is found on Linux alone")
def test_freed_memory_is_reused():
    def page_faults(word):
        done = subprocess.run([sys.executable, "-c", SCRIPT, word], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    # 64 MiB are about 16,000 pages, or about 30 huge pages.
    assert page_faults("keep") < 20 < page_faults("as usual")
