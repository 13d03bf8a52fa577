"""SVG elements as strings, with everything escaped."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

FONT = "-apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"
FONT_SIZE = 12
# Neutral colours of the light theme, by class of the stylesheet.
TONES = {"ink": "#1c2024", "muted": "#60656c", "grid": "#e4e6e9", "axis": "#9aa0a8", "paper": "#ffffff"}
# Width of an average character of this font relative to its size. The text itself is laid out by the reader's program.
_CHARACTER = 0.54

# Characters that XML 1.0 does not allow, not even escaped.
_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: object) -> str:
    """A text without the characters that XML does not allow, such as control characters."""
    return _INVALID.sub("\ufffd", str(text))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """One SVG element.

    Args:
        name (`str`): name of the element.
        children: elements, and texts, which are escaped.
        attributes: attributes with `_` in place of `-`; `class_` stands for `class`. An attribute that is `None` is
            left out. Numbers are rounded to two decimals.

    Returns:
        `Markup`: the element.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None:
            parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(_attribute(value))}"')
    content = Markup("").join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup("".join(parts) + (f">{content}</{name}>" if content else "/>"))


def _attribute(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
    return clean(value)


def group(children: Iterable[object], title: str | None = None, **attributes: object) -> Markup:
    """A group of elements. Its title is shown when the pointer is over it."""
    head = [element("title", title)] if title else []
    return element("g", *head, *children, **attributes)


def text(x: float, y: float, content: object, tone: str = "ink", halo: bool = False, **attributes: object) -> Markup:
    """A text. `tone` is `"ink"` or `"muted"`. A halo keeps it readable over lines."""
    if halo:
        attributes |= {
            "stroke": TONES["paper"],
            "stroke_width": 3,
            "stroke_linejoin": "round",
            "paint_order": "stroke",
        }
    class_ = f"{tone} halo" if halo else tone
    return element("text", content, x=float(x), y=float(y), class_=class_, fill=TONES[tone], **attributes)


def line(x1: float, y1: float, x2: float, y2: float, tone: str = "grid", **attributes: object) -> Markup:
    """A straight line in one of the neutral tones."""
    ends = {"x1": float(x1), "y1": float(y1), "x2": float(x2), "y2": float(y2)}
    return element("line", **ends, class_=f"{tone} stroke", stroke=TONES[tone], **attributes)


def document(width: float, height: float, label: str, children: Iterable[object], class_: str = "") -> Markup:
    """An SVG document that is also valid inside an HTML page.

    Args:
        width (`float`): width in pixels.
        height (`float`): height in pixels.
        label (`str`): what the picture shows, for screen readers. They skip a picture without a label.
        children (`Iterable`): the elements.
        class_ (`str`, *optional*): further classes.
    """
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=float(width),
        height=float(height),
        class_=f"chart {class_}".strip(),
        role="img" if label else None,
        aria_label=label or None,
        aria_hidden=None if label else "true",
        font_family=FONT,
        font_size=FONT_SIZE,
    )


def text_width(content: str, size: float = FONT_SIZE) -> float:
    """Estimated width of a text in pixels."""
    return len(content) * size * _CHARACTER


def shorten(content: str, width: float, size: float = FONT_SIZE) -> str:
    """A text that fits into a width in pixels; the middle of a longer text is replaced by an ellipsis."""
    count = max(3, int(width / (size * _CHARACTER)))
    if len(content) <= count:
        return content
    head = count // 2
    return f"{content[:head].rstrip()}…{content[len(content) - (count - 1 - head) :].lstrip()}"
