"""A picture of the report: one or more panels, a caption, and the table of the data behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hfseq.comparison.report.html.formats import MISSING, show
from hfseq.comparison.report.html.svg.palette import Slot

# Widths of the two versions of a picture, in pixels. The stylesheet shows the one that fits the window.
WIDE, PHONE = 860, 340


@dataclass(frozen=True)
class DataTable:
    """The data behind a picture.

    Attributes:
        columns (`Sequence[tuple[str, str]]`): heading and number format of each column; `"text"` for texts.
        rows (`Sequence[Sequence[Any]]`): the values, as they are downloaded.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Any]]

    @property
    def cells(self) -> list[list[str]]:
        """The values as the page shows them."""
        return [[_cell(value, kind) for value, (_, kind) in zip(row, self.columns, strict=True)] for row in self.rows]

    def to_dict(self) -> dict[str, Any]:
        """The table as it is embedded in the page."""
        return {"columns": [heading for heading, _ in self.columns], "rows": [list(row) for row in self.rows]}


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return MISSING
    return show(float(value), kind) if kind != "text" else str(value)


@dataclass(frozen=True)
class Panel:
    """One picture. Without a `narrow` version for a phone, `wide` is shown everywhere. `note` is a line below it."""

    name: str
    wide: Markup
    narrow: Markup | None = None
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture of the report.

    Attributes:
        key (`str`): name within its data set, part of the ids of the page and of the names of downloaded files.
        panels (`Sequence[Panel]`): the pictures; the reader chooses one of several unless `together`.
        table (`DataTable`): the data behind the picture.
        caption (`str`): how to read it.
        choice (`str`, *optional*): what the reader chooses.
        together (`bool`, *optional*, defaults to `False`): all panels are shown, side by side.
        remarks (`Sequence[str]`, *optional*): sentences below the picture.
        legend (`Markup`, *optional*): HTML above the picture.
    """

    key: str
    panels: Sequence[Panel]
    table: DataTable
    caption: str
    choice: str = ""
    together: bool = False
    remarks: Sequence[str] = ()
    legend: Markup | str = ""


@dataclass(frozen=True)
class Look:
    """Appearance of the models of one data set."""

    slots: Mapping[str, Slot]
    chosen: str | None = None

    def slot(self, name: str) -> Slot:
        """Colour and shape of a model; those of the first model for an unknown name."""
        return self.slots.get(name, Slot(0))

    def named(self, names: Sequence[str]) -> list[str]:
        """The names in the order of the models of the data set."""
        order = list(self.slots)
        return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def look_of(dataset: Mapping[str, Any]) -> Look:
    """Gives each model its colour and shape, models and baselines apart."""
    slots: dict[str, Slot] = {}
    counts = {True: 0, False: 0}
    for model in dataset["models"]:
        baseline = model.get("kind") == "baseline"
        slots[model["name"]] = Slot(counts[baseline], baseline)
        counts[baseline] += 1
    return Look(slots, (dataset.get("verdict") or {}).get("model"))


def both(name: str, draw: Callable[..., Markup], *arguments: Any, **settings: Any) -> Panel:
    """A panel with a wide version and one for a phone; `draw` takes the width as `width`."""
    wide, narrow = (draw(*arguments, width=width, **settings) for width in (WIDE, PHONE))
    return Panel(name, wide, narrow)
