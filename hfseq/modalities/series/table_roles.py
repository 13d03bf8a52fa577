"""Roles of the columns in a table of series, and notes about those that were detected."""

import json
from dataclasses import dataclass, field
from typing import Any

from datasets import ClassLabel, Dataset

from hfseq.modalities.series.row_numbers import is_unnamed_index

# The column whose feature keeps the roles. Like that of `COLUMNS`, it stays with the data set.
ROLES = "table_roles"


@dataclass(frozen=True)
class TableRoles:
    """The roles of columns that do not hold values.

    Attributes:
        id_column (`str`, *optional*): the column that tells series apart.
        time_column (`str`, *optional*): the column that the steps are sorted by. Several are separated by commas.
        time_format (`str`, *optional*): format of its dates.
        left_out (`tuple[str, ...]`): columns that only number the rows.
        notes (`tuple[str, ...]`): sentences about roles that were detected, and are not in the settings.
    """

    id_column: str | None = None
    time_column: str | None = None
    time_format: str | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def no_values(self) -> list[str]:
        """The columns of ids and times, and those that are left out."""
        parts = [] if self.time_column is None else [self.time_column, *self.time_column.split(",")]
        return [*([] if self.id_column is None else [self.id_column]), *parts, *self.left_out]

    def to_dict(self) -> dict[str, Any]:
        """The roles without the notes, as plain values to save with a model."""
        return {
            "id_column": self.id_column,
            "time_column": self.time_column,
            "time_format": self.time_format,
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any] | None) -> "TableRoles | None":
        """Reads the result of [`to_dict`]. `None` if a model was saved without roles."""
        return None if values is None else cls(**{**values, "left_out": tuple(values["left_out"])})


def roles_feature(roles: TableRoles) -> ClassLabel:
    """The feature of the column `ROLES`, which keeps the roles."""
    return ClassLabel(names=[json.dumps([roles.to_dict(), list(roles.notes)])])


def roles_of(dataset: Dataset) -> TableRoles | None:
    """Reads the roles from the feature of the column `ROLES`. `None` if there is no such column."""
    if ROLES not in dataset.features:
        return None
    values, notes = json.loads(dataset.features[ROLES].names[0])
    return TableRoles(**{**values, "left_out": tuple(values["left_out"]), "notes": tuple(notes)})


def left_out_note(names: list[str]) -> str:
    """A sentence about columns that only number the rows."""
    # The user does not know the name that pandas gives an index in a file.
    listed = ", ".join("a column without a name" if is_unnamed_index(name) else repr(name) for name in names)
    what = "it only numbers the rows" if len(names) == 1 else "they only number the rows"
    return f"left out: {listed}, since {what}"


def time_note(names: list[str], moved: bool) -> str:
    """A sentence about a time column that was detected."""
    listed = " and ".join(map(repr, names))
    order = "; the rows were not in its order, and were sorted by it" if moved else ""
    return f"time column: {listed}{order} (set another with --time_column)"
