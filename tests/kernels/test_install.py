"""The kernels: location of the builds, source distribution, and installation with and without a compiler."""

import importlib.machinery
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from setup_file import ROOT, read_setup

from hfseq.kernels import library

SOURCES = ROOT / "hfseq" / "kernels" / "csrc"
RUN = """
import torch
from hfseq.kernels import library
from hfseq.models.recurrent import engines
from hfseq import RecurrentConfig, RecurrentModel

model = RecurrentModel(RecurrentConfig(vocab_size=9, hidden_size=8))
hidden = model(torch.tensor([[1, 2, 3], [4, 5, 0]]), attention_mask=torch.tensor([[1, 1, 1], [1, 1, 0]]))[0]
hidden.sum().backward()
assert hidden.isfinite().all() and not hidden[1, 2].any()
print(library.__file__)
print(library.runnable_builds())
print(engines.describe_engine())
"""


@pytest.mark.parametrize("machine", ["x86_64", "AMD64", "aarch64", "arm64", "riscv64"])
def test_setup_creates_the_builds_of_the_library(machine, monkeypatch):
    extensions = read_setup(machine)[1]["ext_modules"]
    monkeypatch.setattr("platform.machine", lambda: machine)
    names = {f"hfseq.kernels._{build}" for build in library.BUILDS[library.architecture()]}
    assert {extension.name for extension in extensions} == names


def test_extensions_are_optional_and_found_by_their_file_names():
    extensions = read_setup()[1]["ext_modules"]
    assert extensions
    for extension in extensions:
        assert extension.optional and extension.py_limited_api and not extension.libraries
        assert all((ROOT / path).is_file() for path in [*extension.sources, *extension.depends])
        # A directory here would be copied as if it were a file.
        assert {ROOT / path for path in extension.depends} == set(SOURCES.glob("*.h"))
    assert any(suffix.startswith((".abi3.", ".pyd")) for suffix in importlib.machinery.EXTENSION_SUFFIXES)


def run_python(*arguments, cwd, timeout=300, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """An unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sources")
    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "hfseq", checkout / "hfseq", ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, checkout)
    done = run_python("setup.py", "--quiet", "sdist", "--dist-dir", str(folder), cwd=checkout)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        # Python before 3.11.4 has no filters.
        file.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return next(path for path in folder.glob("hfseq-*") if path.is_dir())


def test_source_distribution_has_all_c_code(sources):
    unpacked = sources / "hfseq" / "kernels" / "csrc"
    assert {path.name for path in unpacked.iterdir()} == {path.name for path in SOURCES.iterdir() if path.is_file()}
    for path in unpacked.iterdir():
        for header in re.findall(r'#include "(.+)"', path.read_text(encoding="utf-8")):
            assert (unpacked / header).is_file(), f"{path.name} includes {header}"
    assert (sources / "hfseq" / "py.typed").is_file()


def install(sources, target, **environment):
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target")
    done = run_python(*pip, str(target), str(sources), cwd=target.parent, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    # The folder of the installation comes first.
    done = run_python("-c", RUN, cwd=target.parent, PYTHONPATH=str(target), HFSEQ_ENGINE="auto")
    assert done.returncode == 0, done.stderr
    where, builds, engine = done.stdout.splitlines()
    assert where.startswith(str(target))
    return builds, engine


@pytest.mark.slow
def test_installation_without_a_compiler_uses_torch(sources, tmp_path):
    builds, engine = install(sources, tmp_path / "packages", CC="/bin/false")
    assert builds == "[]"
    assert engine.startswith("plain torch (no compiled kernel: it was not compiled: ")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_installation_with_a_compiler_uses_the_kernel(sources, tmp_path):
    builds, engine = install(sources, tmp_path / "packages")
    assert builds == str(library.runnable_builds())
    assert engine.startswith("compiled kernel (")
