"""Examples of predictions side by side: texts with their differences, coloured tags, captions, forecasts."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from hfseq.comparison.report.html.figures.figure import PHONE, WIDE, DataTable, Look
from hfseq.comparison.report.html.formats import show
from hfseq.comparison.report.html.svg.forecast import Forecast, forecast_chart
from hfseq.comparison.report.html.svg.frame import Axis
from hfseq.comparison.report.html.svg.palette import COLORS

# Examples of a group that are shown at once. The reader opens the others.
SHOWN = 3
# Texts that share fewer words with the truth are shown without marks.
_SIMILAR = 0.25


def outputs_section(dataset: Mapping[str, Any], look: Look) -> dict[str, Any] | None:
    """What the template of the examples needs; `None` without examples.

    Returns:
        `dict`: `kind`, `score_name` and `groups`; each group with `title`, `meaning`, and `items` as the template
        shows them; `table`: the data of all examples.
    """
    outputs = dataset.get("outputs") or {}
    groups = [group for group in outputs.get("groups", ()) if group.get("items")]
    if not groups:
        return None
    view = _VIEWS.get(outputs["kind"], _plain)
    tags = _tag_colors(groups) if outputs["kind"] == "tags" else {}
    shown = [{**group, "items": [view(item, look, tags) for item in group["items"]]} for group in groups]
    return {
        "key": "examples",
        "title": "Examples",
        "template": "outputs.jinja",
        "kind": outputs["kind"],
        "score_name": outputs.get("score_name", "score"),
        "groups": shown,
        "table": _table(groups, outputs),
        "shown": SHOWN,
    }


def _predictions(item: Mapping[str, Any], look: Look, **more: Any) -> list[dict[str, Any]]:
    """The predictions of an example in the order of the models."""
    found = {prediction["model"]: prediction for prediction in item["predictions"]}
    return [
        {"confidence": None, "score": None, "correct": None, **found[name], **more} for name in look.named(list(found))
    ]


def _scored(prediction: Mapping[str, Any]) -> dict[str, Any]:
    texts = []
    if prediction.get("confidence") is not None:
        texts.append(show(prediction["confidence"], "score"))
    if prediction.get("score") is not None:
        texts.append(show(prediction["score"], "number"))
    return {**prediction, "note": ", ".join(texts)}


def _plain(item: Mapping[str, Any], look: Look, tags: Mapping[str, str]) -> dict[str, Any]:
    """An example with a class or a number as its answer."""
    return {
        **item,
        "truth_text": _answer(item["truth"]),
        "predictions": [_scored({**p, "text": _answer(p["value"])}) for p in _predictions(item, look)],
    }


def _answer(value: Any) -> str:
    if isinstance(value, float):
        return show(value, "number")
    if isinstance(value, list):
        return ", ".join(_answer(part) for part in value)
    return str(value)


def _text(item: Mapping[str, Any], look: Look, tags: Mapping[str, str]) -> dict[str, Any]:
    """An example with a text as its answer: the words that differ from the truth are marked."""
    truth = item["truth"]
    references = truth if isinstance(truth, list) else [truth]
    predictions = []
    for p in _predictions(item, look):
        nearest = max(references, key=lambda reference: _similarity(reference, p["value"]))
        parts = word_differences(nearest, p["value"])
        if len(references) > 1 or "image" in item:
            parts = [part for part in parts if part[0] != "missing"]  # a caption may leave out words
        elif _similarity(nearest, p["value"]) < _SIMILAR:
            parts = [("same", p["value"])]
        predictions.append(_scored({**p, "parts": parts}))
    return {**item, "references": references, "predictions": predictions}


def _similarity(truth: str, text: str) -> float:
    return SequenceMatcher(None, truth.split(), text.split(), autojunk=False).ratio()


def word_differences(truth: str, text: str) -> list[tuple[str, str]]:
    """Splits a text into parts that are equal to the truth, that are not in it, and that are missing.

    Args:
        truth (`str`): the true text.
        text (`str`): the text.

    Returns:
        `list[tuple[str, str]]`: the kind of each part, `"same"`, `"added"` or `"missing"`, and its words.

    Example:

    ```py
    >>> word_differences("a dog runs", "a cat runs fast")
    [('same', 'a'), ('missing', 'dog'), ('added', 'cat'), ('same', 'runs'), ('added', 'fast')]
    ```
    """
    expected, found = re.findall(r"\S+", truth), re.findall(r"\S+", text)
    parts = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, expected, found, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("same", " ".join(found[j1:j2])))
            continue
        parts += [("missing", " ".join(expected[i1:i2]))] if i2 > i1 else []
        parts += [("added", " ".join(found[j1:j2]))] if j2 > j1 else []
    return parts


def _tags(item: Mapping[str, Any], look: Look, tags: Mapping[str, str]) -> dict[str, Any]:
    """An example with a tag per token: the tokens in groups of the same entity."""
    truth = item["truth"]
    predictions = [
        _scored({**p, "spans": tag_spans(item["tokens"], p["value"], truth, tags)}) for p in _predictions(item, look)
    ]
    return {**item, "spans": tag_spans(item["tokens"], truth, truth, tags), "predictions": predictions}


def tag_spans(
    tokens: Sequence[str], tags: Sequence[str], truth: Sequence[str], colors: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Groups tokens of one entity.

    Args:
        tokens (`Sequence[str]`): the tokens.
        tags (`Sequence[str]`): a tag per token, with or without the prefixes `B-` and `I-`.
        truth (`Sequence[str]`): the true tag of each token.
        colors (`Mapping[str, str]`): class of the stylesheet of each kind of entity.

    Returns:
        `list[dict]`: `tokens` (joined by spaces), `tag` (without its prefix; empty outside of entities), `color`, and
        `wrong`: whether one of the tags differs from the truth.
    """
    spans: list[list[int]] = []
    for index in range(min(len(tokens), len(tags))):
        kind = _kind(tags[index])
        starts = tags[index].startswith(("B-", "S-", "U-"))
        if spans and kind == _kind(tags[spans[-1][-1]]) and not starts and (not kind or "-" in tags[index]):
            spans[-1].append(index)
        else:
            spans.append([index])
    found = []
    for span in spans:
        # Outside of entities, wrong and right tokens are kept apart. An entity is right or wrong as a whole.
        kind = _kind(tags[span[0]])
        is_wrong = [index >= len(truth) or tags[index] != truth[index] for index in span]
        pieces = [(any(is_wrong), span)] if kind else []
        if not kind:
            pieces = [
                (wrong, [i for _, i in part])
                for wrong, part in groupby(zip(is_wrong, span, strict=True), lambda p: p[0])
            ]
        for wrong, indices in pieces:
            words = " ".join(tokens[i] for i in indices)
            missed = ", ".join(dict.fromkeys(_kind(truth[i]) for i in indices if i < len(truth))) if wrong else ""
            found.append(
                {
                    "tokens": words,
                    "tag": kind,
                    "color": colors.get(kind, ""),
                    "wrong": wrong,
                    "missed": missed or "no tag",
                }
            )
    return found


def _kind(tag: str) -> str:
    """The tag without its prefix; empty for `O`."""
    return "" if tag == "O" else re.sub(r"^[BIESLU]-", "", tag)


def _tag_colors(groups: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    truths = [tag for group in groups for item in group["items"] for tag in item["truth"]]
    answers = [t for group in groups for item in group["items"] for p in item["predictions"] for t in p["value"]]
    kinds = dict.fromkeys(kind for tag in (*truths, *answers) if (kind := _kind(tag)))
    return {kind: f"s{index % len(COLORS) + 1}" for index, kind in enumerate(sorted(kinds))}


def _forecast(item: Mapping[str, Any], look: Look, tags: Mapping[str, str]) -> dict[str, Any]:
    """An example with a forecast: one picture per channel."""
    predictions = [_scored(p) for p in _predictions(item, look)]
    pictures = []
    for channel, name in enumerate(item["channels"]):
        rows = [
            Forecast(p["model"], look.slot(p["model"]), p["value"][channel], *_ends(p, channel)) for p in predictions
        ]
        axis = Axis(f"{name} ({item['unit']})" if item.get("unit") else name)
        scores = ", ".join(f"{p['model']} {p['note']}" for p in predictions)
        label = f"Forecasts of {name} over the truth. Errors: {scores}."
        history = item["history"][channel] if item.get("history") else []
        charts = [forecast_chart(history, item["truth"][channel], rows, axis, w, 260, label) for w in (WIDE, PHONE)]
        pictures.append(charts)
    return {**item, "predictions": predictions, "pictures": pictures}


def _ends(prediction: Mapping[str, Any], channel: int) -> tuple[Sequence[float], Sequence[float]]:
    if not prediction.get("low") or not prediction.get("high"):
        return (), ()
    return prediction["low"][channel], prediction["high"][channel]


_VIEWS = {"text": _text, "caption": _text, "tags": _tags, "forecast": _forecast}


def _table(groups: Sequence[Mapping[str, Any]], outputs: Mapping[str, Any]) -> DataTable:
    """The data of all examples, one row per example and model. Series and tags are joined by spaces."""
    columns = [("group", "text"), ("example", "text"), ("input", "text"), ("truth", "text"), ("model", "text")]
    columns += [("prediction", "text"), ("confidence", "score"), (outputs.get("score_name", "score"), "number")]
    rows = []
    for group in groups:
        for item in group["items"]:
            source = item.get("input") or " ".join(item.get("tokens") or ())
            for p in item["predictions"]:
                answer = [_flat(item["truth"]), p["model"], _flat(p["value"])]
                rows.append([group["title"], item["id"], source, *answer, p.get("confidence"), p.get("score")])
    return DataTable(columns, rows)


def _flat(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return " ".join(f"{part:.6g}" if isinstance(part, float) else str(_flat(part)) for part in value)
