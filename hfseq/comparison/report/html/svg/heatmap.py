"""A confusion matrix as a picture."""

from collections.abc import Sequence

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group, shorten, text, text_width
from hfseq.comparison.report.html.svg.frame import SMALL
from hfseq.comparison.report.html.svg.palette import ACCENT, WRONG

# Largest side of a cell, and the smallest one that has room for its count.
_LARGEST, _SMALLEST_WITH_TEXT = 64.0, 24.0


def confusion_chart(
    labels: Sequence[str], matrix: Sequence[Sequence[int]], width: float = 420, label: str = ""
) -> Markup:
    """Draws a confusion matrix: true classes as rows, predicted classes as columns.

    The shade of a cell is its share of the row. Cells on the diagonal (correct) and the others (wrong) have different
    colours.

    Args:
        labels (`Sequence[str]`): names of the classes.
        matrix (`Sequence[Sequence[int]]`): counts, `(classes, classes)`.
        width (`float`, *optional*, defaults to 420): largest width in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    names = min(max(map(text_width, labels), default=0) + 10, width * 0.32)
    left, top = names + 20, 24.0
    side = min(_LARGEST, (width - left - 2) / len(labels))
    upright = any(text_width(name, SMALL) > side - 4 for name in labels)
    top += min(names, 90.0) if upright else 20
    end = left + side * len(labels)
    parts = [text(left, 11, "predicted", "muted", font_size=SMALL), _turned(9, top + side * len(labels) / 2, "true")]
    for index, name in enumerate(labels):
        middle = side * (index + 0.5)
        parts.append(
            text(left - 8, top + middle + 4, shorten(name, names - 8, SMALL), text_anchor="end", font_size=SMALL)
        )
        if upright:
            turn = f"rotate(-90 {left + middle + 4:.1f} {top - 8:.1f})"
            short = shorten(name, min(names, 90.0) - 8, SMALL)
            parts.append(text(left + middle + 4, top - 8, short, font_size=SMALL, transform=turn))
        else:
            parts.append(text(left + middle, top - 8, name, text_anchor="middle", font_size=SMALL))
    for i, row in enumerate(matrix):
        total = sum(row)
        for j, count in enumerate(row):
            title = f"true {labels[i]}, predicted {labels[j]}: {count:,} of {total:,}"
            share = count / total if total else 0.0
            parts.append(_cell(left + side * j, top + side * i, side, count, share, i == j, title))
    return document(max(end + 2, left + 60), top + side * len(labels) + 2, label, parts, "natural")


def _cell(x: float, y: float, side: float, count: int, share: float, correct: bool, title: str) -> Markup:
    box = {"x": x + 0.75, "y": y + 0.75, "width": side - 1.5, "height": side - 1.5, "rx": 2}
    color = {"class_": "accent-fill", "fill": ACCENT} if correct else {"class_": "wrong-fill", "fill": WRONG}
    parts = [
        element("rect", **box, class_="bar", fill="#e4e6e9", fill_opacity=0.35),
        element("rect", **box, **color, fill_opacity=0.05 + 0.5 * share if count else 0),
    ]
    if side >= _SMALLEST_WITH_TEXT and count:
        size = 12 if side > 40 else 10
        content = f"{count:,}" if text_width(f"{count:,}", size) < side - 2 else f"{count / 1000:.0f}k"
        parts.append(text(x + side / 2, y + side / 2 + 4, content, text_anchor="middle", font_size=size))
    return group(parts, title, class_="point")


def _turned(x: float, y: float, content: str) -> Markup:
    turn = f"rotate(-90 {x:.1f} {y:.1f})"
    return text(x, y, content, "muted", text_anchor="middle", font_size=SMALL, transform=turn)
