"""Test examples side by side: the worst ones, and those on which the models disagree most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hfseq.comparison.report.html.sources.calibration import logits_of
from hfseq.comparison.report.html.sources.classes import IGNORED
from hfseq.comparison.report.html.sources.forecasts import forecast_outputs
from hfseq.comparison.report.html.sources.model_runs import ModelRuns, same_size
from hfseq.comparison.report.html.sources.thumbnails import series_thumbnail
from hfseq.comparison.report.metric_names import metric_name
from hfseq.metrics.sums import metric_from_sums
from hfseq.training.saved_predictions import SavedPredictions

MOST_ITEMS = 6


@dataclass(frozen=True)
class Shown:
    """The predictions of a model that the lists of examples show.

    Attributes:
        model (`str`): name of the model.
        saved (`SavedPredictions`): the predictions of its first run.
        goodness (`np.ndarray` of shape `(examples,)`): how good each prediction is; greater is better.
        baseline (`bool`): whether the model is a baseline.
    """

    model: str
    saved: SavedPredictions
    goodness: np.ndarray
    baseline: bool


Show = Callable[[Shown, int], dict[str, Any]]


def outputs(
    models: Sequence[ModelRuns], metric: str, greater_is_better: bool, task: str, labels: Sequence[str]
) -> dict[str, Any] | None:
    """Examples of predictions side by side: the key `outputs` of `report_data`.

    Args:
        models (`Sequence[ModelRuns]`): the models.
        metric (`str`): the primary metric.
        greater_is_better (`bool`): its direction.
        task (`str`): the task.
        labels (`Sequence[str]`): names of classes or tags.

    Returns:
        `dict`: `None` if the runs saved no previews of examples, or no predictions of single examples.
    """
    if task == "forecasting":
        return forecast_outputs(models, MOST_ITEMS)
    sign = 1.0 if greater_is_better else -1.0
    shown = [
        Shown(model.name, model.first, goodness, model.baseline)
        for model in models
        if model.first is not None and (goodness := _goodness(model.first, metric, sign)) is not None
    ]
    usual = same_size([len(one.goodness) for one in shown])
    shown = [one for one, same in zip(shown, usual, strict=True) if same]
    previews = {number: preview for model in reversed(models) for number, preview in model.examples.items()}
    if not shown or not previews:
        return None
    kind, truth, value = _kind(shown[0].saved, task, labels)
    if kind is None:
        return None
    groups = []
    for key, title, meaning, order in _orders(shown):
        chosen = [number for number in order if number in previews][:MOST_ITEMS]
        items = [_item(number, previews[number], shown, kind, truth, value) for number in chosen]
        if items:
            groups.append({"key": key, "title": title, "meaning": meaning, "items": items})
    named = {"score_name": metric_name(metric)[0]} if kind in ("text", "caption", "tags") else {}
    return {"kind": kind, "groups": groups, **named} if groups else None


def _orders(shown: Sequence[Shown]) -> list[tuple[str, str, str, list[int]]]:
    """Key, title, meaning and order of the examples of each list."""
    judges = [one for one in shown if not one.baseline] or list(shown)
    table = np.nan_to_num(np.stack([one.goodness for one in judges]))
    worst = np.argsort(table.mean(0), kind="stable").tolist()
    found = [("worst", "Worst examples", "the examples that the models together predict worst", worst)]
    if len(judges) > 1:
        spread = table.std(0)
        order = [number for number in np.argsort(-spread, kind="stable").tolist() if spread[number] > 0]
        meaning = "the examples on which the models differ most"
        found.append(("disagreement", "Largest disagreement", meaning, order))
    return found


def _goodness(saved: SavedPredictions, metric: str, sign: float) -> np.ndarray | None:
    """How good each prediction is: the log-likelihood of the label, or the primary metric of the example alone."""
    logits = logits_of(saved)
    if logits is not None and not logits.several:
        return np.log(np.maximum(logits.probabilities()[np.arange(len(logits.labels)), logits.labels], 1e-12))
    if metric in saved.sums:
        return sign * metric_from_sums(metric, saved.sums[metric])
    return None


def _kind(
    saved: SavedPredictions, task: str, labels: Sequence[str]
) -> tuple[str | None, Callable[[SavedPredictions, int], Any], Show]:
    """Kind of the outputs, the truth of an example, and what a model predicted for it."""
    if saved.texts is not None and saved.references is not None:
        caption = task == "captioning"
        return "caption" if caption else "text", _captions if caption else _reference, _text
    if len(saved.predictions) != 1 or len(saved.labels) != 1:
        return None, _reference, _text
    predictions, true = saved.predictions[0], saved.labels[0]
    if predictions.ndim == 2 and true.ndim == 2 and np.issubdtype(predictions.dtype, np.integer):
        return "tags", lambda one, number: _tags(one.labels[0][number], one.labels[0][number], labels), _tagged(labels)
    if logits_of(saved) is not None and len(labels) == (predictions.shape[1] if predictions.ndim == 2 else 0):
        several = true.ndim == 2
        return "classification", _several_labels(labels) if several else _label(labels), _classified(labels)
    if np.issubdtype(true.dtype, np.floating) and predictions.size == true.size == len(true):
        return "regression", lambda one, number: _number(one.labels[0].reshape(-1)[number]), _estimated
    return None, _reference, _text


def _item(
    number: int,
    preview: dict[str, Any],
    shown: Sequence[Shown],
    kind: str,
    truth: Callable[[SavedPredictions, int], Any],
    value: Show,
) -> dict[str, Any]:
    item: dict[str, Any] = {"id": number}
    texts = [preview[key] for key in ("text", "text_pair", "description") if preview.get(key)]
    if texts and kind != "tags":
        item["input"] = " / ".join(texts)
    item |= {key: preview[key] for key in ("image", "tokens") if preview.get(key)}
    if preview.get("series") and (image := series_thumbnail(preview["series"])):
        item["image"] = image
    item["truth"] = truth(shown[0].saved, number)
    item["predictions"] = [{"model": one.model, **value(one, number)} for one in shown]
    if kind == "tags":
        size = len(preview.get("tokens") or item["truth"])
        item["truth"] = item["truth"][:size]
        item["predictions"] = [{**row, "value": row["value"][:size]} for row in item["predictions"]]
    return item


# Truth and predictions of each kind.


def _reference(saved: SavedPredictions, number: int) -> str:
    return saved.references[number][0] if saved.references else ""


def _captions(saved: SavedPredictions, number: int) -> list[str]:
    return list(saved.references[number]) if saved.references else []


def _text(one: Shown, number: int) -> dict[str, Any]:
    assert one.saved.texts is not None  # the kind of the outputs
    return {"value": one.saved.texts[number], "score": _number(abs(one.goodness[number]))}


def _tags(numbers: np.ndarray, true: np.ndarray, labels: Sequence[str]) -> list[str]:
    words = true != IGNORED
    return [labels[tag] if tag != IGNORED else "" for tag in numbers[words].tolist()]


def _tagged(labels: Sequence[str]) -> Show:
    def show(one: Shown, number: int) -> dict[str, Any]:
        predicted, true = (_tags(part[0][number], one.saved.labels[0][number], labels) for part in _both(one.saved))
        score = one.goodness[number]
        known = {"score": _number(abs(score))} if np.isfinite(score) else {}
        return {"value": predicted, "correct": predicted == true, **known}

    return show


def _both(saved: SavedPredictions) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    return saved.predictions, saved.labels


def _label(labels: Sequence[str]) -> Callable[[SavedPredictions, int], str]:
    return lambda saved, number: labels[int(saved.labels[0][number])]


def _several_labels(labels: Sequence[str]) -> Callable[[SavedPredictions, int], str]:
    return lambda saved, number: _joined(saved.labels[0][number] > 0.5, labels)


def _joined(chosen: np.ndarray, labels: Sequence[str]) -> str:
    return ", ".join(label for label, there in zip(labels, chosen, strict=True) if there) or "(none)"


def _classified(labels: Sequence[str]) -> Show:
    def show(one: Shown, number: int) -> dict[str, Any]:
        logits = logits_of(one.saved)
        assert logits is not None  # the kind of the outputs
        probs, true = logits.probabilities()[number], logits.labels[number]
        if logits.several:
            chosen = probs > 0.5
            return {"value": _joined(chosen, labels), "correct": bool((chosen == (true > 0.5)).all())}
        best = int(probs.argmax())
        return {"value": labels[best], "confidence": _number(probs[best]), "correct": best == int(true)}

    return show


def _estimated(one: Shown, number: int) -> dict[str, Any]:
    return {"value": _number(one.saved.predictions[0].reshape(-1)[number])}


def _number(value: Any) -> float:
    return float(f"{float(value):.5g}")
