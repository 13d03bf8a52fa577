"""Selection of the build of the kernels, and behaviour without one."""

import runpy
import subprocess
import sys
import warnings

import pytest
import torch
from recurrence_cases import KERNELS, needs_kernel
from torch import nn

from hfseq import HfseqError
from hfseq.kernels import library, recurrence
from hfseq.models.recurrent import compiled_kernels, engines
from hfseq.models.recurrent.sequence_layout import SequenceLayout

CPU = torch.device("cpu")
RAGGED = SequenceLayout.from_attention_mask(torch.tensor([[1, 1, 1], [1, 0, 0]]))
WHOLE = SequenceLayout.dense((2, 3), CPU)


@pytest.fixture
def no_library(monkeypatch):
    """As after an installation without a C compiler."""
    library._load.cache_clear()
    monkeypatch.setattr(library, "_file", lambda build: None)
    yield
    library._load.cache_clear()


def run(layer, layout=RAGGED, data=None, state=None):
    data = torch.randn(layout.num_tokens, 3) if data is None else data
    return engines.run_layer(layer, data, layout, state, list(layer.parameters()))


def chosen(layer, layout=RAGGED, dtype=torch.float32):
    return engines.choose_engine(layer, torch.zeros(layout.num_tokens, 3, dtype=dtype), layout)


@needs_kernel
def test_best_build_is_the_default():
    best = library.runnable_builds()[0]
    assert library.load_library().build == best
    for runner in KERNELS:
        with library.use_build(runner.build) as chosen_library:
            assert library.load_library() is chosen_library is library.require_library()
            assert chosen_library.build == runner.build
            with library.use_build(best):
                assert library.load_library().build == best
            assert library.load_library().build == runner.build
    assert library.load_library().build == best


@needs_kernel
def test_build_that_cannot_run_is_rejected():
    there = ", ".join(library.runnable_builds())
    with (
        pytest.raises(
            HfseqError, match=f"the build 'sse9' of the kernels cannot run on this machine; available: {there}"
        ),
        library.use_build("sse9"),
    ):
        pass
    assert library.load_library().build == library.runnable_builds()[0]


@needs_kernel
def test_limit_of_torch_applies_to_the_builds(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not {"avx2", "avx512"} & set(library.runnable_builds())


@needs_kernel
def test_kernel_is_the_default(monkeypatch):
    monkeypatch.delenv("HFSEQ_ENGINE", raising=False)
    for layer in (nn.LSTM(3, 2), nn.GRU(3, 2), nn.RNN(3, 2)):
        assert chosen(layer) == "kernel"
        assert chosen(layer, dtype=torch.float64) != "kernel"
    assert engines.kernel_unavailable() is None
    assert engines.describe_engine().startswith(f"compiled kernel ({library.runnable_builds()[0]}, ")


@needs_kernel
def test_kernel_can_be_forced(monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", "kernel")
    for layout in (RAGGED, WHOLE):
        assert chosen(nn.LSTM(3, 2, batch_first=True), layout) == "kernel"
    with pytest.raises(RuntimeError, match=r"^HFSEQ_ENGINE=kernel, but .* float32, not in torch.float32 and .*64$"):
        chosen(nn.LSTM(3, 2), dtype=torch.float64)
    with pytest.raises(RuntimeError, match="it runs on a CPU, not on meta"):
        engines.choose_engine(nn.LSTM(3, 2), torch.zeros(4, 3, device="meta"), RAGGED)


def test_torch_can_be_forced(monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", "torch")
    assert chosen(nn.GRU(3, 2)) == "packed"
    assert chosen(nn.LSTM(3, 2), WHOLE) == "module"
    assert engines.describe_engine() == "plain torch (no compiled kernel: HFSEQ_ENGINE=torch)"


@pytest.mark.parametrize("setting", ["nonsense", "", "Kernel"])
def test_unknown_engine_is_rejected(monkeypatch, setting):
    monkeypatch.setenv("HFSEQ_ENGINE", setting)
    message = f"^HFSEQ_ENGINE is '{setting}', but must be one of auto, kernel, torch$"
    for call in (engines.engine_setting, engines.describe_engine, lambda: run(nn.GRU(3, 2))):
        with pytest.raises(ValueError, match=message):
            call()


def test_torch_is_used_without_the_library(monkeypatch, no_library):
    monkeypatch.delenv("HFSEQ_ENGINE", raising=False)
    assert library.load_library() is None and library.runnable_builds() == []
    for layer in (nn.LSTM(3, 2), nn.GRU(3, 2), nn.RNN(3, 2)):
        assert chosen(layer) == "packed"
        outputs, _ = run(layer)
        assert outputs.shape == (4, 2)
    assert "it was not compiled: hfseq was installed without a C compiler" in engines.describe_engine()
    with pytest.raises(
        RuntimeError, match=r"kernels of hfseq are not installed \(.*\): set HFSEQ_ENGINE=torch to run without"
    ):
        recurrence.recurrent_layer("gru", torch.zeros(1, 3), torch.tensor([1]), list(nn.GRU(3, 2).parameters()))
    with pytest.raises(HfseqError, match="available: none"), library.use_build("generic"):
        pass


def test_kernel_cannot_be_forced_without_the_library(monkeypatch, no_library):
    monkeypatch.setenv("HFSEQ_ENGINE", "kernel")
    with pytest.raises(RuntimeError, match=r"cannot run here: it was not compiled: .* without a C compiler$"):
        run(nn.GRU(3, 2))


@needs_kernel
def test_build_of_other_sources_is_not_used(monkeypatch):
    """In a checkout the sources change, and a call with the fields of another version would corrupt memory."""
    monkeypatch.delenv("HFSEQ_ENGINE", raising=False)
    monkeypatch.setattr(library.zlib, "crc32", lambda _: 1)
    library._load.cache_clear()
    try:
        with pytest.warns(UserWarning, match="kernels of hfseq are not used, .* compiled from other sources"):
            assert library.load_library() is None
        assert chosen(nn.GRU(3, 2)) == "packed"
        assert "from other sources than those of hfseq: install hfseq again" in engines.describe_engine()
    finally:
        library._load.cache_clear()


def test_kernel_cannot_be_forced_without_hfseq(monkeypatch):
    monkeypatch.setattr(engines, "load_library", None)
    monkeypatch.setattr(engines, "WHY_MISSING", "hfseq is not installed")
    monkeypatch.setenv("HFSEQ_ENGINE", "kernel")
    with pytest.raises(RuntimeError, match="cannot run here: hfseq is not installed"):
        run(nn.GRU(3, 2))


@needs_kernel
def test_build_that_cannot_be_loaded_gives_a_warning(monkeypatch, tmp_path):
    damaged = tmp_path / "_damaged.so"
    damaged.write_bytes(b"no library")
    monkeypatch.delenv("HFSEQ_ENGINE", raising=False)
    monkeypatch.setattr(library, "_file", lambda build: damaged)
    library._load.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"slower: _damaged.so cannot be loaded \(.*: install hfseq again"):
            assert library.load_library() is None
        assert "_damaged.so cannot be loaded" in engines.describe_engine()
        library._load.cache_clear()
        monkeypatch.setenv("HFSEQ_ENGINE", "torch")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert library.load_library() is None
    finally:
        library._load.cache_clear()


class Broken:
    """A module whose import fails."""

    def __init__(self, error):
        self.error = error

    def __getattr__(self, name):
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("wrong ELF class"), "hfseq.kernels cannot be imported (OSError: wrong ELF class)"),
        (ImportError("DLL load failed"), "hfseq.kernels cannot be imported (ImportError: DLL load failed)"),
        (ModuleNotFoundError("No module named 'torch.x'", name="torch.x"),
         "hfseq.kernels cannot be imported (ModuleNotFoundError: No module named 'torch.x')"),
        (ModuleNotFoundError("No module named 'hfseq'", name="hfseq"), None),
    ],
)  # fmt: skip
def test_failed_import_of_the_kernels_gives_a_warning(monkeypatch, error, reason):
    monkeypatch.delenv("HFSEQ_ENGINE", raising=False)
    monkeypatch.setitem(sys.modules, "hfseq.kernels.scan", Broken(error))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names = runpy.run_path(compiled_kernels.__file__)
    assert names["load_library"] is None
    assert names["WHY_MISSING"] == (reason or "hfseq is not installed")
    assert [reason in str(warning.message) for warning in caught] == ([True] if reason else [])


@needs_kernel
def test_one_thread_is_used_without_openmp_of_torch(monkeypatch):
    monkeypatch.setattr(library, "_openmp_functions", lambda: None)
    library._load.cache_clear()
    try:
        assert not library.load_library().threaded
        assert "1 thread: torch's OpenMP was not found" in engines.describe_engine()
    finally:
        library._load.cache_clear()


@needs_kernel
@pytest.mark.parametrize("capability", ["avx2", "default"])
def test_limited_process_uses_a_slower_build(capability, process_environment):
    code = "from hfseq.kernels.library import load_library; print(load_library().build)"
    process = subprocess.run(
        [sys.executable, "-c", code],
        env={**process_environment, "ATEN_CPU_CAPABILITY": capability},
        capture_output=True,
        text=True,
        check=True,
    )
    lesser = {"avx2": "avx2", "default": "generic"}[capability]
    expected = lesser if library.architecture() == "x86" else library.runnable_builds()[0]
    assert process.stdout.strip() == expected
