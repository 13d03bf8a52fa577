"""The columns of a table in the order that a saved model expects."""

from collections.abc import Sequence

from hfseq.errors import HfseqError


def in_known_order(names: list[str], known: Sequence[str] | None, where: str) -> list[str]:
    """Sorts columns of values into the order of the training.

    Args:
        names (`list[str]`): the columns of the table.
        known (`Sequence[str]`, *optional*): the columns of the training. Without them, the order stays as it is.
        where (`str`): split and data set, for messages.

    Raises:
        HfseqError: the table lacks a column of the training, or has others.
    """
    if known is None:
        return names
    missing = [name for name in known if name not in names]
    unknown = [name for name in names if name not in known]
    if missing or unknown:
        parts = []
        if missing:
            parts.append(f"there is no column {_first_of(missing)} (add it, with empty cells for missing values)")
        if unknown:
            parts.append(f"it knows no column {_first_of(unknown)} (--ignore_columns {' '.join(unknown[:5])})")
        raise HfseqError(f"{where} has other columns than the model was trained on; {', and '.join(parts)}.")
    return list(known)


def _first_of(names: list[str]) -> str:
    return repr(names[0]) if len(names) == 1 else f"{names[0]!r} and {len(names) - 1} more"
