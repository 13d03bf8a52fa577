"""Forces one engine for all layers."""

import pytest

from hfseq.kernels.library import load_library
from hfseq.models.recurrent import engines, min_cells

ENGINES = ("kernel", "packed", "module")


def force_engine(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """Runs all layers with `engine`, or skips the test if the kernel is not compiled.

    minGRU and minLSTM have no module in torch: they use the kernel or plain torch.
    """
    if engine == "kernel" and load_library() is None:
        pytest.skip("the kernels are not compiled")
    monkeypatch.setattr(engines, "choose_engine", lambda *_: engine)
    if engine != "kernel":
        monkeypatch.setattr(min_cells, "load_library", None)
