"""Confusion, scores per class, reliability, precision and recall."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.report.html.figures.figure import DataTable, Figure, Look, Panel, both
from hfseq.comparison.report.html.formats import show
from hfseq.comparison.report.html.svg.bars import Bar, bar_chart
from hfseq.comparison.report.html.svg.dots import DotRow, dot_chart, legend
from hfseq.comparison.report.html.svg.frame import Axis
from hfseq.comparison.report.html.svg.heatmap import confusion_chart
from hfseq.comparison.report.html.svg.lines import Line, LinePoint, line_chart
from hfseq.comparison.report.html.svg.reliability import ReliabilityBin, axis_starts, reliability_chart

# Matrices of up to this many classes are shown side by side.
_SIDE_BY_SIDE = 6
# Classes in the picture of the scores. If there are more, the ones with the lowest F1 are shown.
_MAX_CLASSES = 15


def confusion_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """Confusion matrices, or the most confused pairs if there are many classes; `None` without them."""
    confusion = dataset.get("confusion")
    if not confusion or not confusion.get("models"):
        return None
    models = sorted(confusion["models"], key=lambda model: model["model"] != look.chosen)
    labels = confusion["labels"]
    if all(model.get("matrix") for model in models):
        return _matrices(models, labels, confusion["split"])
    models = [model for model in models if model.get("pairs")]
    if not models:
        return None
    panels = []
    for model in models:
        bars = [
            Bar(f"{p['true']} → {p['predicted']}", p["count"] / max(p["of"], 1), f"{p['count']:,} of {p['of']:,}")
            for p in model["pairs"]
        ]
        label = f"Most confused classes of {model['model']}. " + " ".join(f"{bar.name}: {bar.note}." for bar in bars)
        panels.append(both(model["model"], bar_chart, bars, label=label))
    columns = [("model", "text"), ("true", "text"), ("predicted", "text"), ("count", "integer"), ("of", "integer")]
    rows = [
        [model["model"], p["true"], p["predicted"], p["count"], p["of"]] for model in models for p in model["pairs"]
    ]
    caption = (
        f"The most confused pairs of {len(labels)} classes on the {confusion['split']} split: "
        "the true class, the predicted class, and how many examples of the true class that are."
    )
    return Figure("confusion", panels, DataTable(columns, rows), caption, "Model")


def _matrices(models: Sequence[Mapping[str, Any]], labels: Sequence[str], split: str) -> Figure:
    together = len(labels) <= _SIDE_BY_SIDE
    panels = []
    for model in models:
        matrix = model["matrix"]
        label = f"Confusion matrix of {model['model']}. " + " ".join(
            f"True {labels[i]}: " + ", ".join(f"{count:,} {labels[j]}" for j, count in enumerate(row) if count) + "."
            for i, row in enumerate(matrix)
        )
        if together:
            panels.append(Panel(model["model"], confusion_chart(labels, matrix, 270, label)))
        else:
            wide, narrow = (confusion_chart(labels, matrix, width, label) for width in (640, 340))
            panels.append(Panel(model["model"], wide, narrow))
    columns = [("model", "text"), ("true", "text"), ("predicted", "text"), ("count", "integer")]
    rows = [
        [model["model"], labels[i], labels[j], count]
        for model in models
        for i, row in enumerate(model["matrix"])
        for j, count in enumerate(row)
    ]
    caption = (
        f"Number of examples of the {split} split. Blue cells are correct, orange cells are wrong; "
        "the darker, the larger the share of the true class."
    )
    return Figure("confusion", panels, DataTable(columns, rows), caption, "Model", together)


def class_scores_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """F1, precision and recall of each class; `None` without them."""
    scores = dataset.get("class_scores")
    if not scores or not scores.get("models"):
        return None
    labels, models = scores["labels"], scores["models"]
    support = scores.get("support") or [None] * len(labels)
    order = list(range(len(labels)))
    if len(labels) > _MAX_CLASSES:
        order = sorted(order, key=lambda i: sum(model["f1"][i] or 0 for model in models))[:_MAX_CLASSES]
    panels = []
    for key, name in (("f1", "F1"), ("precision", "precision"), ("recall", "recall")):
        rows = [
            DotRow(
                labels[i],
                f"({support[i]:,})" if support[i] is not None else "",
                [(m["model"], look.slot(m["model"]), m[key][i]) for m in models if m[key][i] is not None],
            )
            for i in order
        ]
        label = f"{name} of each class. " + " ".join(
            f"{row.name}: " + ", ".join(f"{model} {show(value, 'score')}" for model, _, value in row.values) + "."
            for row in rows
        )
        axis = Axis(name, "score", True)
        panels.append(both(name, dot_chart, rows, axis, label=label))
    shown = f"The {_MAX_CLASSES} classes of {len(labels)} with the lowest F1. " if len(labels) > _MAX_CLASSES else ""
    columns = [("model", "text"), ("class", "text"), ("examples", "integer")]
    columns += [("F1", "score"), ("precision", "score"), ("recall", "score")]
    rows_ = [
        [m["model"], labels[i], support[i], m["f1"][i], m["precision"][i], m["recall"][i]]
        for m in models
        for i in range(len(labels))
    ]
    caption = f"{shown}Test split. In parentheses: the number of examples of the class."
    models_legend = legend([(m["model"], look.slot(m["model"])) for m in models])
    return Figure("class-scores", panels, DataTable(columns, rows_), caption, "Score", legend=models_legend)


def reliability_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """Reliability of each model, before and after temperature scaling; `None` without it."""
    reliability = dataset.get("reliability")
    if not reliability or not reliability.get("models"):
        return None
    panels, rows = [], []
    models = [(m, _bins(m.get("bins")), _bins(m.get("scaled_bins"))) for m in reliability["models"] if m.get("bins")]
    start = axis_starts([b for _, bins, scaled in models for b in (*bins, *scaled)])
    for model, bins, scaled in models:
        texts = [f"calibration error {show(model['ece'], 'score')}"]
        if model.get("scaled_ece") is not None:
            texts.append(f"{show(model['scaled_ece'], 'score')} with temperature {model['temperature']:.2f}")
        label = f"Reliability of {model['model']}: {', '.join(texts)}."
        chart = reliability_chart(bins, scaled, look.slot(model["model"]), start, label=label)
        panels.append(Panel(model["model"], chart, note="; ".join(texts)))
        for kind, found in (("before scaling", bins), ("after scaling", scaled)):
            rows += [[model["model"], kind, b.confidence, b.accuracy, b.examples] for b in found]
    if not panels:
        return None
    columns = [("model", "text"), ("probabilities", "text"), ("confidence", "score"), ("correct", "score")]
    caption = (
        "Share of correct answers against the confidence of the model, on the test split. On the dotted diagonal, the "
        "confidence is right; below it, the model is too sure. Larger points stand for more examples."
    )
    if any(scaled for _, _, scaled in models):
        caption += " Dashed lines with outlined points: after temperature scaling on the validation split."
    table = DataTable([*columns, ("examples", "integer")], rows)
    return Figure("reliability", panels, table, caption, together=True)


def _bins(bins: Sequence[Mapping[str, Any]] | None) -> list[ReliabilityBin]:
    return [
        ReliabilityBin(b["confidence"], b["accuracy"], b["examples"])
        for b in bins or ()
        if b.get("confidence") is not None and b.get("accuracy") is not None
    ]


def precision_recall_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """Precision against recall; `None` without it."""
    curves = dataset.get("precision_recall")
    if not curves or not curves.get("models"):
        return None
    lines, rows = [], []
    for model in curves["models"]:
        points = [LinePoint(r, p) for r, p in zip(model["recall"], model["precision"], strict=True)]
        if points:
            lines.append(Line(model["model"], look.slot(model["model"]), points))
            rows += [[model["model"], point.x, point.y] for point in points]
    if not lines:
        return None
    averages = [
        f"{model['model']} {show(model['average_precision'], 'score')}"
        for model in curves["models"]
        if model.get("average_precision") is not None
    ]
    of = f"class {curves['label']}" if curves.get("label") else "micro average over the classes"
    label = f"Precision by recall, {of}. Average precision: {', '.join(averages)}."
    x, y = Axis("recall", "score", log=False), Axis("precision", "score")
    return Figure(
        "precision-recall",
        [both("", line_chart, lines, x, y, height=360, label=label, names=False)],
        DataTable([("model", "text"), ("recall", "score"), ("precision", "score")], rows),
        f"Test split, {of}. Each line shows which precision and recall other thresholds would give.",
        remarks=[f"Average precision: {', '.join(averages)}."] if averages else (),
        legend=legend([(line.name, line.slot) for line in lines]),
    )
