"""Groups of rows that must stay in the same split: rows with equal inputs, or with the same value of a column."""

from typing import Any

from datasets import Dataset

from hfseq.data.splits.overlap import content_key, text_keys
from hfseq.errors import HfseqError


def row_groups(dataset: Dataset, text_columns: list[str], group_column: str | None = None) -> list[list[int]]:
    """Groups the rows.

    Args:
        dataset (`datasets.Dataset`): the rows.
        text_columns (`list[str]`): columns of the inputs. Rows with equal inputs are in the same group.
        group_column (`str`, *optional*): rows with the same value in this column are in the same group, too.

    Returns:
        `list[list[int]]`: the row numbers of each group, ascending, ordered by their first row.

    Raises:
        HfseqError: the column does not exist.
    """
    keys: list[list[Any]] = [list(text_keys(dataset, text_columns))]
    if group_column is not None:
        if group_column not in dataset.column_names:
            columns = ", ".join(dataset.column_names)
            raise HfseqError(f"group_column {group_column!r} is not in the data; columns: {columns}")
        keys.append([content_key(value) for value in dataset[group_column]])
    parents = list(range(len(dataset)))

    def find(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    for column in keys:
        first: dict[Any, int] = {}
        for row, key in enumerate(column):
            one, other = find(first.setdefault(key, row)), find(row)
            parents[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for row in range(len(dataset)):
        groups.setdefault(find(row), []).append(row)
    return list(groups.values())


def groups_by_class(dataset: Dataset, groups: list[list[int]], label_column: str | None) -> dict[Any, list[int]]:
    """The numbers of the groups by the label of their first row.

    Args:
        dataset (`datasets.Dataset`): the rows.
        groups (`list[list[int]]`): from [`row_groups`].
        label_column (`str`, *optional*): column of the label. By default all groups are of the same class.
    """
    labels = [None] * len(dataset) if label_column is None else list(dataset[label_column])
    classes: dict[Any, list[int]] = {}
    for group, rows in enumerate(groups):
        label = labels[rows[0]]
        # Lists are converted to strings, because they cannot be dictionary keys.
        classes.setdefault(str(label) if isinstance(label, (list, dict)) else label, []).append(group)
    return classes
