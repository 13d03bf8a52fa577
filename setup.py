"""The compiled kernels: one C source, built for each instruction set that the architecture has.

All of it is optional. Where there is no compiler, or one that does not know an instruction set, the installation goes
on without, and `hfseq env` says so.
"""

import platform
import sysconfig
import zlib
from glob import glob
from pathlib import Path

from setuptools import Extension, setup

# Not -ffast-math: it would switch off denormal numbers for the whole process, and lose NaN.
FLAGS = ["-O3", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
# One by one: older compilers do not know the names of the levels, x86-64-v3 and so on.
AVX512 = ["-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
X86 = {
    "generic": [],
    "avx2": ["-mavx2", "-mfma"],
    # The bfloat16 instructions are used where the processor has them, which the loader asks.
    "avx512": [*AVX512, "-mprefer-vector-width=512", "-mavx512bf16"],
}
BUILDS = {"x86_64": X86, "amd64": X86, "aarch64": {"neon": []}, "arm64": {"neon": []}}

SOURCES = sorted(glob("hfseq/kernels/csrc/*.[ch]"))
# hfseq/kernels/library.py compares it: in a checkout, the sources change without being compiled again.
CHECKSUM = zlib.crc32(b"".join(Path(path).read_bytes() for path in SOURCES))

# No Python interface is used, so one build serves all versions. Without the interpreter lock there is no such ABI yet.
LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[
        Extension(
            f"hfseq.kernels._{name}",
            sources=["hfseq/kernels/csrc/kernels.c"],
            # They go into the source distribution as well.
            depends=[path for path in SOURCES if path.endswith(".h")],
            define_macros=[("SOURCES_CHECKSUM", str(CHECKSUM))],
            extra_compile_args=[*FLAGS, *flags],
            optional=True,
            py_limited_api=LIMITED_API,
        )
        for name, flags in BUILDS.get(platform.machine().lower(), {"generic": []}).items()
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED_API else {},
)
