"""Comparison of models: plan and execute the runs, collect their results and costs, recommend a model."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.comparison.comparison import Comparison
    from hfseq.comparison.orchestration import compare

__all__ = ["Comparison", "compare"]

__getattr__, __dir__ = lazy_names(__name__, {"Comparison": ".comparison", "compare": ".orchestration"})
