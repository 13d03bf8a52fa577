"""What the columns of a table of series are for, as far as it was found out, and what a reader has to know of it."""

import json
from dataclasses import dataclass, field
from typing import Any

from datasets import ClassLabel, Dataset

from hfseq.modalities.series.row_numbers import is_unnamed_index

# The column whose feature keeps the roles: as of `COLUMNS`, it goes wherever the data set goes.
ROLES = "table_roles"


@dataclass(frozen=True)
class TableRoles:
    """The roles of the columns that are no values.

    Attributes:
        id_column (`str`, *optional*): what tells series apart.
        time_column (`str`, *optional*): what the steps are sorted by; several columns are separated by commas.
        time_format (`str`, *optional*): how its dates are written.
        left_out (`tuple[str, ...]`): columns that only number the rows.
        notes (`tuple[str, ...]`): what was found out and not said by the settings, in words.
    """

    id_column: str | None = None
    time_column: str | None = None
    time_format: str | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def no_values(self) -> list[str]:
        """The columns of a table that are neither channels nor labels."""
        parts = [] if self.time_column is None else [self.time_column, *self.time_column.split(",")]
        return [*([] if self.id_column is None else [self.id_column]), *parts, *self.left_out]

    def to_dict(self) -> dict[str, Any]:
        """The roles without the notes, as plain values, to be saved beside a model."""
        return {
            "id_column": self.id_column,
            "time_column": self.time_column,
            "time_format": self.time_format,
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any] | None) -> "TableRoles | None":
        """What [`to_dict`] gave; `None` of a model that was saved without."""
        return None if values is None else cls(**{**values, "left_out": tuple(values["left_out"])})


def roles_feature(roles: TableRoles) -> ClassLabel:
    """The feature of `ROLES`, which keeps the roles."""
    return ClassLabel(names=[json.dumps([roles.to_dict(), list(roles.notes)])])


def roles_of(dataset: Dataset) -> TableRoles | None:
    """The roles that the feature of `ROLES` keeps; `None` where there is no such column."""
    if ROLES not in dataset.features:
        return None
    values, notes = json.loads(dataset.features[ROLES].names[0])
    return TableRoles(**{**values, "left_out": tuple(values["left_out"]), "notes": tuple(notes)})


def left_out_note(names: list[str]) -> str:
    """A sentence on columns that only number the rows."""
    # Nobody has given an index of pandas the name that it gets in a file.
    listed = ", ".join("a column without a name" if is_unnamed_index(name) else repr(name) for name in names)
    what = "it only numbers the rows" if len(names) == 1 else "they only number the rows"
    return f"left out: {listed}, since {what}"


def time_note(names: list[str], moved: bool) -> str:
    """A sentence on a time column that was found."""
    listed = " and ".join(map(repr, names))
    order = "; the rows were in another order, and were sorted by it" if moved else ""
    return f"time column: {listed}{order} (--time_column names another)"
