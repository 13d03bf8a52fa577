"""Outputs of a model as NumPy arrays, checked."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfseq.errors import HfseqError


def to_numpy(values: Any) -> Any:
    """A tensor, or a tuple of tensors, as NumPy arrays."""
    return tuple(map(to_numpy, values)) if isinstance(values, tuple) else values.numpy()


def check_finite(values: Any, rows: Sequence[int] | np.ndarray) -> None:
    """Checks that outputs are numbers: NaN would become a label like any other.

    Args:
        values (`np.ndarray` of shape `(batch, ...)`, or a tuple of them): the outputs.
        rows (`Sequence[int]`): the row of each example, from 0.

    Raises:
        HfseqError: an output is NaN or infinite.
    """
    for part in values if isinstance(values, tuple) else (values,):
        if np.issubdtype(part.dtype, np.floating):
            wrong = ~np.isfinite(part).reshape(len(part), -1).all(axis=1)
            if wrong.any():
                raise HfseqError(
                    f"the model gives NaN or infinity for example {rows[int(wrong.argmax())] + 1}: its weights are "
                    "damaged, or the numbers of that example are too large for it"
                )
