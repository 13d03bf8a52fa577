"""Small pictures of series, which stand beside predictions as thumbnails of images do."""

import base64
from collections.abc import Sequence

_WIDTH, _HEIGHT, _EDGE = 144, 56, 3
# Strokes of the first channels, which are readable on white; later channels are gray.
_STROKES = ("#1f5fa8", "#b3541e", "#3c7a3c", "#7a3f8f")
_GRAY = "#9aa0a8"

Channel = Sequence[float | None]


def series_thumbnail(channels: Sequence[Channel]) -> str | None:
    """Draws the channels of a series, each in its own range, as a data URI of an SVG picture.

    Args:
        channels (`Sequence[Sequence[float]]`): the values of each channel; `None` for missing ones.

    Returns:
        `str`: the data URI; `None` if no channel has two values.
    """
    lines = []
    for number, channel in enumerate(channels):
        stroke = _STROKES[number] if number < len(_STROKES) else _GRAY
        lines += [
            f'<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="1.2"/>'
            for points in _parts(channel)
        ]
    if not lines:
        return None
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}"><rect width="100%" height="100%" fill="#fff"/>{"".join(lines)}</svg>'
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"


def _parts(channel: Channel) -> list[str]:
    """The points of each part of a channel without missing values."""
    known = [value for value in channel if value is not None]
    if len(known) < 2:
        return []
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(channel) - 1, 1)
    parts: list[list[str]] = [[]]
    for place, value in enumerate(channel):
        if value is None:
            parts.append([])
        else:
            y = _HEIGHT - _EDGE - (value - low) / span * (_HEIGHT - 2 * _EDGE)
            parts[-1].append(f"{_EDGE + place * step:.1f},{y:.1f}")
    return [" ".join(part) for part in parts if len(part) > 1]
