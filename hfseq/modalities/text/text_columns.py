"""Columns of texts, as strings."""

from datasets import Dataset, Value

from hfseq.data.labels.columns import Columns
from hfseq.data.sources.cells import check_readable
from hfseq.errors import HfseqError


def with_texts(split: Dataset, columns: Columns, where: str) -> Dataset:
    """The split with its text columns made of strings, where JSON or parquet has numbers.

    Args:
        split (`datasets.Dataset`): raw examples.
        columns (`Columns`): which column holds the text, and its pair.
        where (`str`): what an error calls the split.

    Raises:
        HfseqError: where a text is missing or neither a string nor a number, naming the row.
    """
    check_readable(split, columns.texts)
    for column in columns.texts:
        if getattr(split.features[column], "dtype", "").startswith(("int", "float")):
            split = split.cast_column(column, Value("string"))
        for row, text in enumerate(split[column]):
            if not isinstance(text, str):
                found = "missing" if text is None else f"{text!r}, which is not a string"
                raise HfseqError(
                    f"{where}, row {row}: the text in column {column!r} is {found}; fill it in or drop the row, or "
                    "name the column that holds the text with --text_column"
                )
    return split
