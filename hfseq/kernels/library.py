"""Loads the compiled kernels, and connects them to the threads of torch."""

import contextlib
import ctypes
import functools
import importlib.machinery
import os
import platform
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from hfseq.errors import HfseqError

_POINTER = ctypes.c_void_p
# Builds per architecture, the best first, and the names that torch has for processors that can run them.
BUILDS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86": {"avx512": ("AVX512",), "avx2": ("AVX512", "AVX2"), "generic": ("AVX512", "AVX2", "DEFAULT")},
    "arm": {"neon": ()},
    "other": {"generic": ()},
}
_chosen: str | None = None
_ARCHITECTURES = {"x86_64": "x86", "amd64": "x86", "aarch64": "arm", "arm64": "arm"}


@dataclass(frozen=True)
class KernelLibrary:
    """One loaded build of the kernels.

    Attributes:
        build (`str`): `"avx512"`, `"avx2"`, `"neon"` or `"generic"`.
        functions (`ctypes.CDLL`): its functions. A call releases the interpreter lock.
        threaded (`bool`): whether it runs on the threads of torch, or only on the thread of the caller.
        bfloat16 (`bool`): whether it can multiply in bfloat16.
    """

    build: str
    functions: ctypes.CDLL
    threaded: bool
    bfloat16: bool


def architecture() -> str:
    """`"x86"`, `"arm"` or `"other"`."""
    return _ARCHITECTURES.get(platform.machine().lower(), "other")


def runnable_builds() -> list[str]:
    """The installed builds that this processor can run, the best first.

    torch detects the instruction sets, so `ATEN_CPU_CAPABILITY` limits the builds, too.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    builds = BUILDS[architecture()].items()
    return [name for name, needs in builds if _file(name) is not None and (not needs or capability in needs)]


@contextlib.contextmanager
def use_build(build: str) -> Iterator[KernelLibrary]:
    """Context manager in which all threads of the process run the given build instead of the best one.

    Args:
        build (`str`): one of [`runnable_builds`]. The processor does not have the instructions of the others.

    Raises:
        HfseqError: the build is not installed, or the processor cannot run it.
    """
    global _chosen
    builds = runnable_builds()
    library = load_library(build) if build in builds else None
    if library is None:
        raise HfseqError(
            f"the build {build!r} of the kernels cannot run on this machine; available: {', '.join(builds) or 'none'}"
        )
    before, _chosen = _chosen, build
    try:
        yield library
    finally:
        _chosen = before


def load_library(build: str | None = None) -> KernelLibrary | None:
    """Loads a build of the kernels, once.

    Args:
        build (`str`, *optional*, defaults to that of [`use_build`] or the best of [`runnable_builds`]): the build.

    Returns:
        `KernelLibrary`: or `None` if none is installed, as after an installation without a C compiler. If a build
            is installed but cannot be loaded, there is a warning with the reason.
    """
    found = _load(build or _chosen)
    return None if isinstance(found, str) else found


@functools.cache
def _load(build: str | None) -> KernelLibrary | str:
    """A build of the kernels, or the reason why there is none."""
    builds = [build] if build is not None else runnable_builds()
    path = _file(builds[0]) if builds else None
    if path is None:
        compiled = any(_file(name) for name in BUILDS[architecture()])
        if compiled:
            return "no build can run on this processor"
        return "it was not compiled: hfseq was installed without a C compiler"
    try:
        functions = ctypes.CDLL(str(path))
    except OSError as error:  # for another system, or in a folder without permission to execute
        return _warn(f"{path.name} cannot be loaded ({error}): install hfseq again")
    if not _is_current(functions):
        return _warn(f"{path.name} was compiled from other sources than those of hfseq: install hfseq again")
    for name in ("hfseq_has_pairs", "hfseq_scratch_size", "hfseq_packed_size"):
        getattr(functions, name).restype = ctypes.c_int64
    functions.hfseq_weights_digest.restype = ctypes.c_uint64
    functions.hfseq_weights_digest.argtypes = [_POINTER, ctypes.c_int64]
    functions.hfseq_scratch_size.argtypes = [_POINTER, ctypes.c_int64]
    for name in ("hfseq_forward", "hfseq_backward", "hfseq_packed_size"):
        getattr(functions, name).argtypes = [_POINTER]
    for name in ("hfseq_forward", "hfseq_backward", "hfseq_pack_weights", "hfseq_use_openmp"):
        getattr(functions, name).restype = None
    functions.hfseq_pack_weights.argtypes = [_POINTER, _POINTER]
    functions.hfseq_use_openmp.argtypes = [_POINTER] * 3
    for name in ("hfseq_scan_forward", "hfseq_scan_backward", "hfseq_lazy_adamw"):
        getattr(functions, name).argtypes = [_POINTER]
        getattr(functions, name).restype = None
    openmp = _openmp_functions()
    if openmp is not None:
        functions.hfseq_use_openmp(*openmp)
    bfloat16 = bool(functions.hfseq_has_pairs()) and torch.cpu._is_avx512_bf16_supported()
    return KernelLibrary(builds[0], functions, openmp is not None, bfloat16)


def why_unavailable() -> str | None:
    """Why [`load_library`] returns `None`, or `None` if it returns a library."""
    found = _load(_chosen)
    return found if isinstance(found, str) else None


def _warn(reason: str) -> str:
    if os.environ.get("HFSEQ_ENGINE") != "torch":
        warnings.warn(
            f"the compiled kernels of hfseq are not used, which makes recurrent layers slower: {reason}",
            stacklevel=2,
        )
    return reason


def require_library() -> KernelLibrary:
    """[`load_library`], with an error if there is no library.

    Raises:
        RuntimeError: there is no library; the message has the reason.
    """
    library = load_library()
    if library is None:
        raise RuntimeError(
            f"the compiled kernels of hfseq are not installed ({why_unavailable()}): set HFSEQ_ENGINE=torch to run "
            "without"
        )
    return library


def _is_current(functions: ctypes.CDLL) -> bool:
    # In a git checkout, the sources and the arguments of the functions may have changed since the compilation.
    sources = sorted(Path(__file__).with_name("csrc").glob("*.[ch]"))
    if not sources:
        return True
    if not hasattr(functions, "hfseq_sources_checksum"):
        return False
    functions.hfseq_sources_checksum.restype = ctypes.c_int64
    found = functions.hfseq_sources_checksum()
    return found in (0, zlib.crc32(b"".join(path.read_bytes() for path in sources)))


def _file(build: str) -> Path | None:
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_{build}{suffix}")
        if path.is_file():
            return path
    return None


def _openmp_functions() -> tuple[int, int, int] | None:
    """Addresses of three functions of the OpenMP runtime of torch: start of a parallel region, rank, and team size.

    A second OpenMP runtime would have a second thread pool, which competes with the first for the cores.
    """
    folder = Path(torch.__file__).parent
    places = [*folder.glob("lib/lib*omp*"), *folder.parent.glob("torch.libs/lib*omp*"), None]
    for place in places:
        try:
            runtime = ctypes.CDLL(None if place is None else str(place))
            names = (runtime.GOMP_parallel, runtime.omp_get_thread_num, runtime.omp_get_num_threads)
        except (OSError, AttributeError):
            continue  # not a library, or without these functions
        addresses = [ctypes.cast(function, _POINTER).value for function in names]
        return tuple(address or 0 for address in addresses)  # type: ignore[return-value]
    return None
