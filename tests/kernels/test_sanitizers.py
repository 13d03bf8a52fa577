"""The C code with the address and the undefined-behaviour sanitizer, for each build that the processor can run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setup_file import ROOT, read_setup

from hfseq.kernels import library

pytestmark = pytest.mark.slow

SANITIZE = ["-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def runtime(compiler: str, name: str) -> str | None:
    """A library of the compiler, or `None`."""
    found = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
    return found if Path(found).is_absolute() and Path(found).exists() else None


@pytest.fixture(scope="module")
def compiler():
    path = shutil.which("gcc")
    if path is None:
        pytest.skip("there is no gcc")
    if sys.platform != "linux":
        pytest.skip("the sanitizers' libraries are loaded first by LD_PRELOAD, which Linux has")
    for name in ("libasan.so", "libubsan.so"):
        if runtime(path, name) is None:
            pytest.skip(f"gcc has no {name}")
    return path


@pytest.fixture(scope="module")
def flags():
    """The compiler flags of each build in setup.py, with another level of optimisation."""
    names, arguments = read_setup()
    plain = [flag for flag in names["FLAGS"] if not flag.startswith("-O")]
    builds = {
        extension.name.rpartition("._")[2]: extension.extra_compile_args for extension in arguments["ext_modules"]
    }
    return {name: [*plain, *(flag for flag in own if flag not in names["FLAGS"])] for name, own in builds.items()}


def compile_with(compiler, source, target, flags):
    command = [compiler, *flags, *SANITIZE, "-fPIC", "-shared", str(source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def run_sanitized(compiler, arguments):
    preloaded = [runtime(compiler, name) for name in ("libasan.so", "libubsan.so", "libstdc++.so")]
    paths = os.pathsep.join([str(ROOT / "tests" / "kernels"), str(ROOT)])
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(path for path in preloaded if path),
        # Python does not free all its memory at its end.
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONPATH": paths,
        "PYTHONMALLOC": "malloc",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("build", library.runnable_builds())
def test_kernels_access_only_their_memory(build, compiler, flags, tmp_path):
    source = ROOT / "hfseq" / "kernels" / "csrc" / "kernels.c"
    target = compile_with(compiler, source, tmp_path / f"{build}.so", flags[build])
    done = run_sanitized(compiler, [str(Path(__file__).with_name("sanitized_run.py")), build, str(target)])
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert done.stdout.endswith(f"135 runs of {build}\n"), done.stdout


@pytest.mark.parametrize("fault", ["past the end", "overflow"])
def test_sanitizers_detect_an_error(fault, compiler, tmp_path):
    """Shows that the sanitizers are active in the other tests."""
    source = tmp_path / "fault.c"
    source.write_text("float last(const float *x, int n) { return x[n]; }\nint next(int n) { return n + 1; }\n")
    target = compile_with(compiler, source, tmp_path / "fault.so", [])
    calls = {
        "past the end": "x = torch.zeros(17); library.last(ctypes.c_void_p(x.data_ptr()), 17)",
        "overflow": "library.next(2**31 - 1)",
    }
    code = f"import ctypes, torch; library = ctypes.CDLL({str(target)!r}); {calls[fault]}"
    done = run_sanitized(compiler, ["-c", code])
    assert done.returncode != 0
    assert {"past the end": "heap-buffer-overflow", "overflow": "signed integer overflow"}[fault] in done.stderr
