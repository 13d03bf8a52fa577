"""Comparison of models: plan and execute the runs, collect their results and costs, recommend a model."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.comparison.orchestration import compare

__all__ = ["compare"]

__getattr__, __dir__ = lazy_names(__name__, {"compare": ".orchestration"})
