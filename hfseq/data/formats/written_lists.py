"""Lists that stand in the cells of a table as text, as pandas, numpy and JSON write them."""

import ast
import json
import re
from typing import Any

from hfseq.errors import HfseqError

# What Python writes for a text or a whole number, by itself or as a scalar of numpy.
_VALUE = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+)"""
_ELEMENT = rf"(?:np\.\w+\({_VALUE}\)|{_VALUE})"
# Between elements stands a comma, or white space alone, as numpy has it.
_LIST = re.compile(rf"\[\s*(?:{_ELEMENT}(?:(?:\s*,\s*|\s+){_ELEMENT})*)?\s*\]")
_VALUES = re.compile(_VALUE)
# No sentence whose words have spaces in between begins like this.
_BEGINNING = re.compile(r"""\[(['"]|np\.)""")


def read_lists(cells: list[Any], where: str) -> list[Any]:
    r"""The cells of a column, where those that are lists written as text become lists.

    A column is one of lists where most of its texts are: a single sentence may begin and end with a bracket.

    Args:
        cells (`list`): the column: texts such as `['New', 'York']`, `["New", "York"]`, `['New' 'York']` or `[0, 3]`;
            what is no text stays as it is.
        where (`str`): the column, for the message.

    Returns:
        `list`: the same cells, or lists of texts in the place of their texts.

    Raises:
        HfseqError: most texts are lists, and one is none or cannot be read.
    """
    found = [_elements(cell) if isinstance(cell, str) else cell for cell in cells]
    texts = [(row, cell) for row, cell in enumerate(cells) if isinstance(cell, str) and cell.strip()]
    lists = sum(found[row] is not None or _BEGINNING.match(cell.strip()) is not None for row, cell in texts)
    if 2 * lists <= len(texts):
        return cells
    for row, cell in texts:
        if found[row] is None:
            raise HfseqError(
                f"{where}, row {row} is {cell[:40]!r}, which cannot be read as a list, as most of the column can: "
                'write each cell as a list such as ["New", "York"], or each as words with spaces in between'
            )
    return found


def _elements(text: str) -> list[str | None] | None:
    """The texts of a list, of none for a blank; `None` where it is no list, or one of other things."""
    text = text.strip()
    if not text:
        return []
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        values = _pythons(text)
    if values is None or not all(value is None or type(value) in (str, int) for value in values):
        return None
    return [value if value is None else str(value) for value in values]


def _pythons(text: str) -> list[Any] | None:
    if not _LIST.fullmatch(text):
        return None
    try:
        # One at a time: Python itself would make one text of two that stand side by side.
        return [ast.literal_eval(value) for value in _VALUES.findall(text)]
    except (SyntaxError, ValueError):
        return None
