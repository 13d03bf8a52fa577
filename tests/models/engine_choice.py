"""One engine for all layers, whatever would be the fastest."""

import pytest

from hfseq.kernels.library import load_library
from hfseq.models.recurrent import engines, min_cells

ENGINES = ("kernel", "packed", "module")


def force_engine(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """Computes every layer by `engine`, or skips the test where the kernel is not compiled.

    The minimal cells have no module of torch: theirs is the kernel or plain torch.
    """
    if engine == "kernel" and load_library() is None:
        pytest.skip("the kernels are not compiled")
    monkeypatch.setattr(engines, "choose_engine", lambda *_: engine)
    if engine != "kernel":
        monkeypatch.setattr(min_cells, "load_library", None)
