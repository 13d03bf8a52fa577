"""Forecasts over the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import TONES, document, element, group, line, text
from hfseq.comparison.report.html.svg.frame import SMALL, Area, Axis, x_axis, y_axis
from hfseq.comparison.report.html.svg.palette import Slot
from hfseq.comparison.report.html.svg.scales import Scale, fit_scale


@dataclass(frozen=True)
class Forecast:
    """A forecast of one channel, with the ends of its interval if they are known."""

    name: str
    slot: Slot
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


def forecast_chart(
    history: Sequence[float | None],
    truth: Sequence[float | None],
    forecasts: Sequence[Forecast],
    axis: Axis,
    width: float = 860,
    height: float = 260,
    label: str = "",
) -> Markup:
    """Draws the end of the history, the truth, and the forecasts over it.

    Args:
        history (`Sequence[float | None]`): values before the forecast; the last two horizons of them are shown.
        truth (`Sequence[float | None]`): true values of the horizon.
        forecasts (`Sequence[Forecast]`): the forecasts.
        axis (`Axis`): name of the channel.
        width (`float`, *optional*, defaults to 860): width in pixels.
        height (`float`, *optional*, defaults to 260): height in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    horizon = len(truth)
    past = history[-min(len(history), max(2 * horizon, 24)) :]
    area = Area(52, 34, width - 12, height - 46)
    x = Scale(-len(past) + 1.0 if past else 1.0, max(float(horizon), 2.0), area.left, area.right)
    rows = [past, truth, *(row for f in forecasts for row in (f.values, f.low, f.high))]
    y = fit_scale([v for row in rows for v in row if v is not None], area.bottom, area.top, padding=0.05)
    parts = [
        *y_axis(y, area, axis, 4),
        *x_axis(x, area, Axis("steps after the forecast begins"), 8 if width > 500 else 4),
    ]
    parts.append(line(x(0.5), area.top, x(0.5), area.bottom, "axis", stroke_dasharray="4 3"))
    parts.append(text(x(0.5) + 5, area.top + 9, "forecast", "muted", halo=True, font_size=SMALL))
    # The forecasts begin at the last known value.
    last = [past[-1]] if past else []
    start = 0 if past else 1
    parts.append(_ink(past, -len(past) + 1, x, y, 1.25, "muted"))
    parts.append(group([_ink([*last, *truth], start, x, y, 2.5, "ink")], "truth", class_="mark"))
    for forecast in forecasts:
        drawn = [_band(forecast, x, y)] if forecast.low and forecast.high else []
        drawn.append(_path([*last, *forecast.values], start, x, y, forecast.slot))
        parts.append(group(drawn, forecast.name, class_=f"mark {forecast.slot.name}", data_model=forecast.name))
    return document(width, height, label, parts, "forecast")


def _points(values: Sequence[float | None], start: int, x: Scale, y: Scale) -> str:
    """The path through the known values; it is interrupted where they are unknown."""
    parts, pen = [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x(start + index):.1f} {y.clamped(value):.1f}")
        pen = "L"
    return " ".join(parts)


def _ink(values: Sequence[float | None], start: int, x: Scale, y: Scale, width: float, tone: str) -> Markup:
    d = _points(values, start, x, y)
    return element("path", d=d, class_=f"{tone}-stroke", fill="none", stroke=TONES[tone], stroke_width=width)


def _path(values: Sequence[float | None], start: int, x: Scale, y: Scale, slot: Slot) -> Markup:
    stroke = {"stroke": slot.color, "stroke_width": 1.6, "stroke_dasharray": slot.dashes, "stroke_linejoin": "round"}
    return element("path", d=_points(values, start, x, y), class_="stroke", fill="none", **stroke)


def _band(forecast: Forecast, x: Scale, y: Scale) -> Markup:
    known = [(i, a, b) for i, (a, b) in enumerate(zip(forecast.low, forecast.high, strict=True), 1)]
    upper = [f"{x(i):.1f} {y.clamped(b):.1f}" for i, _, b in known if b is not None]
    lower = [f"{x(i):.1f} {y.clamped(a):.1f}" for i, a, _ in reversed(known) if a is not None]
    d = f"M{' L'.join(upper + lower)} Z" if upper and lower else ""
    return element("path", d=d, class_="fill", fill=forecast.slot.color, fill_opacity=0.14)
