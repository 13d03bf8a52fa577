"""Comparison: which runs there are to be, what came of them, what they cost, and which model to choose."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.comparison.orchestration import compare

__all__ = ["compare"]

__getattr__, __dir__ = lazy_names(__name__, {"compare": ".orchestration"})
