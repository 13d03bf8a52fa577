"""Lists that are stored as text in the cells of a table, in the notation of pandas, NumPy or JSON."""

import ast
import json
import re
from typing import Any

from datasets import Dataset, List, Value

from hfseq.errors import HfseqError

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_INTEGER = r"-?\d+"
# Labels may also be decimal numbers and booleans: NumPy writes [1. 0.] and [ True False].
_SCALAR = r"-?\d+(?:\.\d*)?|True|False"
# Sentences of words separated by spaces do not start like this.
_BEGINNING = re.compile(r"""\[(['"]|np\.)""")


class _Notation:
    """Notation of lists whose elements are strings, or scalars with the given pattern and types."""

    def __init__(self, scalar: str, types: tuple[type, ...]):
        value = f"(?:{_STRING}|{scalar})"
        element = rf"(?:np\.\w+\({value}\)|{value})"
        # Elements are separated by a comma or, in the notation of NumPy, only by white space.
        self._list = re.compile(rf"\[\s*(?:{element}(?:(?:\s*,\s*|\s+){element})*)?\s*\]")
        self._values = re.compile(value)
        self._types = (str, *types)

    def elements(self, text: str) -> list[str | None] | None:
        """Parses a list. The elements become strings; a blank text is an empty list. `None` if it is not a list."""
        text = text.strip()
        if not text:
            return []
        if not (text.startswith("[") and text.endswith("]")):
            return None
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = self._parse_python(text)
        if values is None or not all(value is None or type(value) in self._types for value in values):
            return None
        return [value if value is None else str(value) for value in values]

    def _parse_python(self, text: str) -> list[Any] | None:
        if not self._list.fullmatch(text):
            return None
        try:
            # Each element is parsed separately, because Python joins adjacent string literals.
            return [ast.literal_eval(value) for value in self._values.findall(text)]
        except (SyntaxError, ValueError):
            return None


_WORDS = _Notation(_INTEGER, (int,))
_LABELS = _Notation(_SCALAR, (int, float, bool))


def parse_lists(cells: list[Any], where: str, labels: bool = False) -> list[Any]:
    r"""Parses the lists in the cells of a column.

    A column of words contains lists if most of its texts are lists, because a single sentence may start and end with a
    bracket. A column of labels contains lists if at least one of its texts is a list.

    Args:
        cells (`list`): cells of the column, such as `['New', 'York']`, `["New", "York"]`, `['New' 'York']` or
            `[0, 3]`. Values that are not texts are unchanged.
        where (`str`): name of the column in error messages.
        labels (`bool`, *optional*, defaults to `False`): whether the cells are labels and not words. Labels may also
            be decimal numbers and booleans.

    Returns:
        `list`: lists of strings instead of the texts. If the column does not contain lists, it is the same object.

    Raises:
        HfseqError: the column contains lists, but one of its texts is not a list.
    """
    notation = _LABELS if labels else _WORDS
    found = [notation.elements(cell) if isinstance(cell, str) else cell for cell in cells]
    texts = [(row, cell) for row, cell in enumerate(cells) if isinstance(cell, str) and cell.strip()]
    lists = sum(found[row] is not None or _BEGINNING.match(cell.strip()) is not None for row, cell in texts)
    if not lists or (not labels and 2 * lists <= len(texts)):
        return cells
    share = "other cells" if labels else "most of the column"
    advice = "" if labels else ", or write each cell as words separated by spaces"
    for row, cell in texts:
        if found[row] is None:
            raise HfseqError(
                f"{where}, row {row}: {cell[:40]!r} cannot be read as a list, but {share} can. "
                f'Write each cell as a list such as ["New", "York"]{advice}.'
            )
    return found


def parse_list_column(rows: Dataset, column: str, where: str, labels: bool = False) -> Dataset:
    """Converts the cells of a column to lists. The arguments are those of [`parse_lists`]."""
    if getattr(rows.features[column], "dtype", "") != "string":
        return rows
    cells = rows[column][:]
    found = parse_lists(cells, f"{where}, column {column!r}", labels)
    return rows if found is cells else replace_column(rows, column, found)


def replace_column(rows: Dataset, column: str, lists: list[Any]) -> Dataset:
    """Replaces a column by lists of strings."""
    # `to_dict` is not used, because it would decode images and recordings in other columns.
    added = rows.remove_columns(column).add_column(column, lists, feature=List(Value("string")))
    return added.select_columns(rows.column_names)
