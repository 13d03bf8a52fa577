"""Tables with a word a row, and a column that tells which sentence it belongs to."""

import re
from itertools import pairwise

from datasets import Dataset, Features, List

from hfseq.data.labels.columns import find_column
from hfseq.errors import HfseqError

SENTENCE_NAMES = ("sentence_id", "sent_id", "sentence #", "sentence_idx", "sentence_number", "sentence", "sent")
_SPACE = re.compile("[ \t\r\n]")


def join_words(rows: Dataset, words: str, taken: tuple[str | None, ...], id_column: str | None, where: str) -> Dataset:
    """Brings the words of a sentence together, where each row of a table has one.

    Args:
        rows (`datasets.Dataset`): the table.
        words (`str`): the column of the words.
        taken (`tuple[str, ...]`): the columns that have a role already.
        id_column (`str`, *optional*): the column that tells sentences apart, which is the same in all rows of one, or
            empty in all but the first. By default one with a usual name.
        where (`str`): what the table is, for messages.

    Returns:
        `datasets.Dataset`: a sentence a row, its columns lists, without the one that told them apart; or the same
            rows, where one holds more than a word, or none has to do with the one before.

    Raises:
        HfseqError: there is no such column, or a row has no word, or the first no sentence.
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
        raise HfseqError(f"{where}, row 0: column {name!r} is empty, so the first words belong to no sentence")
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
    """The rows in which a sentence begins: those with another id than the last that was given."""
    starts, last = [], None
    for row, number in enumerate(ids):
        if number is not None and number != last:
            starts.append(row)
            last = number
    return starts
