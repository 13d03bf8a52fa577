"""Checks columns of texts."""

from datasets import Dataset, Value

from hfseq.data.labels.columns import Columns
from hfseq.data.sources.cells import check_readable
from hfseq.errors import HfseqError


def with_texts(split: Dataset, columns: Columns, where: str) -> Dataset:
    """Checks the columns of texts, and turns numbers in them into strings.

    Args:
        split (`datasets.Dataset`): raw examples.
        columns (`Columns`): the columns of the text and of the second text of a pair.
        where (`str`): name of the split in error messages.

    Raises:
        HfseqError: a text is missing, or neither a string nor a number. The message names the row.
    """
    check_readable(split, columns.texts)
    for column in columns.texts:
        if getattr(split.features[column], "dtype", "").startswith(("int", "float")):
            split = split.cast_column(column, Value("string"))
        for row, text in enumerate(split[column]):
            if not isinstance(text, str):
                found = "missing" if text is None else f"{text!r}, which is not a string"
                raise HfseqError(
                    f"{where}, row {row}: the text in column {column!r} is {found}: fill it in or drop the row, or "
                    "name the column of texts with --text_column"
                )
    return split
