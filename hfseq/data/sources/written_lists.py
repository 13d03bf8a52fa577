"""Lists that are stored as text in the cells of a table, in the notation of pandas, numpy or JSON."""

import ast
import json
import re
from typing import Any

from datasets import Dataset, List, Value

from hfseq.errors import HfseqError

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_INTEGER = r"-?\d+"
# Labels may also be decimal numbers and truth values: numpy writes [1. 0.] and [ True False].
_SCALAR = r"-?\d+(?:\.\d*)?|True|False"
# No sentence whose words have spaces in between begins like this.
_BEGINNING = re.compile(r"""\[(['"]|np\.)""")


class _Notation:
    """The lists that are read: their elements are strings, or scalars of the given pattern and types."""

    def __init__(self, scalar: str, types: tuple[type, ...]):
        value = f"(?:{_STRING}|{scalar})"
        element = rf"(?:np\.\w+\({value}\)|{value})"
        # Elements are separated by a comma or, in numpy's notation, by white space alone.
        self._list = re.compile(rf"\[\s*(?:{element}(?:(?:\s*,\s*|\s+){element})*)?\s*\]")
        self._values = re.compile(value)
        self._types = (str, *types)

    def elements(self, text: str) -> list[str | None] | None:
        """The elements of a written list as strings; none for a blank text; `None` if the text is no such list."""
        text = text.strip()
        if not text:
            return []
        if not (text.startswith("[") and text.endswith("]")):
            return None
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = self._pythons(text)
        if values is None or not all(value is None or type(value) in self._types for value in values):
            return None
        return [value if value is None else str(value) for value in values]

    def _pythons(self, text: str) -> list[Any] | None:
        if not self._list.fullmatch(text):
            return None
        try:
            # One at a time: Python joins two adjacent string literals to one.
            return [ast.literal_eval(value) for value in self._values.findall(text)]
        except (SyntaxError, ValueError):
            return None


_WORDS = _Notation(_INTEGER, (int,))
_LABELS = _Notation(_SCALAR, (int, float, bool))


def read_lists(cells: list[Any], where: str, labels: bool = False) -> list[Any]:
    r"""The cells of a column, with lists instead of the texts that are written lists.

    A column of words holds lists if most of its texts are lists: a single sentence may begin and end with a bracket.
    A column of labels holds lists if one of its texts is a list.

    Args:
        cells (`list`): the column: texts such as `['New', 'York']`, `["New", "York"]`, `['New' 'York']` or `[0, 3]`;
            other values are kept.
        where (`str`): the column, for the message.
        labels (`bool`, *optional*, defaults to `False`): whether these are labels, which may also be decimal numbers
            and truth values, and not words.

    Returns:
        `list`: the same object if the column does not hold lists; else lists of strings instead of the texts.

    Raises:
        HfseqError: the column holds lists, and one of its texts is no list.
    """
    notation = _LABELS if labels else _WORDS
    found = [notation.elements(cell) if isinstance(cell, str) else cell for cell in cells]
    texts = [(row, cell) for row, cell in enumerate(cells) if isinstance(cell, str) and cell.strip()]
    lists = sum(found[row] is not None or _BEGINNING.match(cell.strip()) is not None for row, cell in texts)
    if not lists or (not labels and 2 * lists <= len(texts)):
        return cells
    share = "other cells" if labels else "most of the column"
    advice = "" if labels else ", or each as words with spaces in between"
    for row, cell in texts:
        if found[row] is None:
            raise HfseqError(
                f"{where}, row {row}: {cell[:40]!r} cannot be read as a list, but {share} can. "
                f'Write each cell as a list such as ["New", "York"]{advice}.'
            )
    return found


def with_lists(rows: Dataset, column: str, where: str, labels: bool = False) -> Dataset:
    """Rows in which the written lists of a column are lists. Arguments as in [`read_lists`]."""
    if getattr(rows.features[column], "dtype", "") != "string":
        return rows
    cells = rows[column][:]
    found = read_lists(cells, f"{where}, column {column!r}", labels)
    return rows if found is cells else replace_column(rows, column, found)


def replace_column(rows: Dataset, column: str, lists: list[Any]) -> Dataset:
    """The rows with lists of strings in one column."""
    # Not through `to_dict`, which would decode images and recordings in other columns.
    added = rows.remove_columns(column).add_column(column, lists, feature=List(Value("string")))
    return added.select_columns(rows.column_names)
