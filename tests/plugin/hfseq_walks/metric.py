"""The mean distance between predicted and true levels."""

from typing import Any

import numpy as np

from hfseq.metrics.base import OfflineMetric
from hfseq.registry import register_metric


@register_metric("level_error", greater_is_better=False)
class LevelError(OfflineMetric):
    """Mean absolute difference of levels, which are the numbers of ordered classes."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """The difference as `level_error`."""
        return {"level_error": float(np.abs(references - predictions).mean())}
