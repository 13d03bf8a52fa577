"""Colours and shapes of the models in all pictures.

Each element has the colour of the light theme as an attribute, so that a picture is complete on its own. It also has a
class by which the stylesheet of the page sets the colour of the theme.
"""

from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import TONES, element

# Distinct for readers with protanopia, deuteranopia and tritanopia (tested), each with a contrast of 3:1 to white.
# style.css has the same colours, and their counterparts of the dark theme.
COLORS = ("#1f66b8", "#d8600a", "#00a38f", "#952550", "#7f5803", "#5d4b82", "#0b8c9a", "#a86362")
BASELINE = "#6b7280"
ACCENT = "#1f66b8"
WRONG = "#b84700"
SHAPES = ("circle", "square", "triangle", "diamond", "wedge", "cross")


@dataclass(frozen=True)
class Slot:
    """Appearance of a model in the pictures.

    Attributes:
        number (`int`): position among the models of its kind. Colours and shapes repeat, with different periods.
        baseline (`bool`, *optional*, defaults to `False`): a baseline has a neutral colour and an outlined shape.
    """

    number: int
    baseline: bool = False

    @property
    def name(self) -> str:
        """Class of the stylesheet."""
        return "base" if self.baseline else f"s{self.number % len(COLORS) + 1}"

    @property
    def color(self) -> str:
        return BASELINE if self.baseline else COLORS[self.number % len(COLORS)]

    @property
    def shape(self) -> str:
        return SHAPES[self.number % len(SHAPES)]

    @property
    def dashes(self) -> str | None:
        """Dashes of a line, so that lines of the same colour differ."""
        rounds = self.number if self.baseline else self.number // len(COLORS)
        return (None, "7 3", "2 3", "9 3 2 3")[rounds % 4]


def marker(x: float, y: float, slot: Slot, radius: float = 5.5) -> Markup:
    """The marker of a model: filled for a model, outlined for a baseline."""
    if slot.baseline:
        paint = {"class_": "hollow", "fill": TONES["paper"], "stroke": slot.color, "stroke_width": 1.8}
    else:
        paint = {"class_": "solid", "fill": slot.color, "stroke": TONES["paper"], "stroke_width": 1.5}
    if slot.shape == "circle":
        return element("circle", cx=float(x), cy=float(y), r=float(radius), **paint)
    points = " ".join(f"{x + radius * dx:.2f},{y + radius * dy:.2f}" for dx, dy in _OUTLINES[slot.shape])
    return element("polygon", points=points, **paint)


_OUTLINES = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
    "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "wedge": ((0, 1.15), (1.1, -0.85), (-1.1, -0.85)),
    "cross": (
        *((-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4)),
        *((0.4, 1.1), (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)),
    ),
}
