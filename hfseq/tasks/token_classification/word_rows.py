"""Tables with one word per row and a column that identifies its sentence."""

import re
from itertools import pairwise

from datasets import Dataset, Features, List

from hfseq.data.labels.columns import find_column
from hfseq.errors import HfseqError

SENTENCE_NAMES = ("sentence_id", "sent_id", "sentence #", "sentence_idx", "sentence_number", "sentence", "sent")
_SPACE = re.compile("[ \t\r\n]")


def join_words(rows: Dataset, words: str, taken: tuple[str | None, ...], id_column: str | None, where: str) -> Dataset:
    """Joins the words of each sentence if a table has one word per row.

    Args:
        rows (`datasets.Dataset`): the table.
        words (`str`): the column of the words.
        taken (`tuple[str, ...]`): columns that already have a role.
        id_column (`str`, *optional*): the column that identifies the sentence. Its value is the same in all rows of a
            sentence, or empty in all but the first row. By default a column with a usual name.
        where (`str`): name of the table in error messages.

    Returns:
        `datasets.Dataset`: one sentence per row, with lists as columns, without the column of ids. If a row has more
            than one word, or every row is a sentence of its own, the rows are unchanged.

    Raises:
        HfseqError: if the column does not exist, a row has no word, or the first row has no sentence.
    """
    if isinstance(rows.features[words], List):
        return rows
    cells = rows[words][:]
    if not len(cells) or not all(cell is None or (isinstance(cell, str) and _is_word(cell)) for cell in cells):
        return rows
    name = find_column(rows.column_names, id_column, SENTENCE_NAMES, "id", required=False, taken=taken)
    if name is None:
        return rows
    starts = _starts(rows[name][:])
    if len(starts) == len(cells):
        return rows
    if starts[:1] != [0]:
        raise HfseqError(f"{where}, row 0: column {name!r} is empty, so the sentence of the first word is unknown")
    if None in cells:
        raise HfseqError(f"{where}, row {cells.index(None)}: column {words!r} is empty: fill in the word, or drop it")
    bounds = list(pairwise([*starts, len(cells)]))
    others = [column for column in rows.column_names if column != name]
    columns = {column: rows[column][:] for column in others}
    return Dataset.from_dict(
        {column: [values[start:end] for start, end in bounds] for column, values in columns.items()},
        features=Features({column: List(rows.features[column]) for column in others}),
    )


def _is_word(cell: str) -> bool:
    return bool(cell) and not _SPACE.search(cell.strip())


def _starts(ids: list) -> list[int]:
    """The first row of each sentence: rows whose id is not empty and differs from the previous one."""
    starts, last = [], None
    for row, number in enumerate(ids):
        if number is not None and number != last:
            starts.append(row)
            last = number
    return starts
