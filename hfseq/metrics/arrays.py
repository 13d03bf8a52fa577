"""Checks of the input arrays of metrics. Each error message names the first invalid row."""

from typing import Any

import numpy as np

from hfseq.errors import HfseqError


def as_array(values: Any, name: str) -> np.ndarray:
    """Converts values to a non-empty float64 array of shape (rows,) or (rows, columns).

    Args:
        values (`Any`): numbers, nested lists or an array.
        name (`str`): name of the values in error messages.

    Raises:
        HfseqError: the rows have different lengths, are not numbers, or have more than two dimensions, or there are
            no rows.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{name} must be numbers, with the same number of values in each row: {error}") from error
    if array.ndim not in (1, 2):
        raise HfseqError(f"{name} must have shape (rows,) or (rows, columns), not {array.shape}.")
    if array.size == 0:
        raise HfseqError(f"{name} is empty (shape {array.shape}); pass at least one row.")
    return array


def first_row(wrong: np.ndarray) -> int:
    """Index of the first row that contains a true value, in a boolean array of shape (rows,) or (rows, columns)."""
    return int(np.argwhere(wrong)[0, 0])


def as_finite(values: Any, name: str) -> np.ndarray:
    """Like [`as_array`], but rejects NaN and infinity.

    Raises:
        HfseqError: a value is not finite. The message names its row.
    """
    array = as_array(values, name)
    wrong = ~np.isfinite(array)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(f"{name} must be finite, but row {row} is {array[row]}; remove or correct such rows.")
    return array


def same_rows(references: np.ndarray, predictions: np.ndarray) -> None:
    """Checks that two arrays have the same number of rows, and two matrices also the same number of columns.

    Raises:
        HfseqError: the shapes do not match.
    """
    columns_differ = references.ndim == predictions.ndim == 2 and references.shape != predictions.shape
    if len(references) != len(predictions) or columns_differ:
        raise HfseqError(
            f"references {references.shape} and predictions {predictions.shape} must have the same shape."
        )


def class_ids(array: np.ndarray, name: str, num_classes: int | None = None) -> np.ndarray:
    """Converts class ids to integers.

    Args:
        array (`np.ndarray`): finite values of shape (rows,) or (rows, labels).
        name (`str`): name of the values in error messages.
        num_classes (`int`, *optional*): number of classes; the ids must be between 0 and `num_classes - 1`. Without
            it, every integer is accepted.

    Raises:
        HfseqError: an id is not an integer or is out of range. The message names its row.
    """
    wrong = array != np.floor(array)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(
            f"{name} must be class ids (integers), but row {row} is {array[row]}; "
            "convert scores to ids first, with argmax or a threshold."
        )
    ids = array.astype(np.int64)
    if num_classes is not None:
        wrong = (ids < 0) | (ids >= num_classes)
        if wrong.any():
            row = first_row(wrong)
            raise HfseqError(
                f"{name} must be class ids from 0 to {num_classes - 1} ({num_classes} classes), but row {row} is "
                f"{ids[row]}; check the label column and the model's num_labels."
            )
    return ids


def binary_labels(array: np.ndarray, name: str) -> np.ndarray:
    """Converts labels that are 0 (absent) or 1 (present) to integers.

    Raises:
        HfseqError: a label is neither 0 nor 1. The message names its row.
    """
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(f"{name} must be 0 or 1, but row {row} is {array[row]}.")
    return array.astype(np.int64)


def probabilities(array: np.ndarray, name: str, rows_sum_to_one: bool) -> np.ndarray:
    """Checks probabilities. With `rows_sum_to_one`, also normalises each row, so that its sum is exactly 1.

    Args:
        array (`np.ndarray`): finite values of shape (rows,) or (rows, columns).
        name (`str`): name of the values in error messages.
        rows_sum_to_one (`bool`): whether each row is a distribution over classes. A sum may differ from 1 by up to 1
            %, because a softmax in half precision has this rounding error.

    Raises:
        HfseqError: a value is not a probability, or the sum of a row is not 1. The message names the row.
    """
    # An average of float32 probabilities may be outside [0, 1] by a rounding error.
    wrong = (array < -1e-6) | (array > 1 + 1e-6)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(
            f"{name} must be probabilities between 0 and 1, but row {row} is {array[row]}; "
            "apply a softmax or a sigmoid to logits first."
        )
    array = array.clip(0.0, 1.0)
    if not rows_sum_to_one:
        return array
    sums = array.sum(axis=1, keepdims=True)  # (rows, 1)
    wrong = np.abs(sums - 1) > 1e-2
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(
            f"each row of {name} must sum to 1, but row {row} sums to {sums[row, 0]:.4g}; "
            "if a row can have several labels, pass references with one column per label."
        )
    return array / sums
