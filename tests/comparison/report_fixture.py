"""Data of reports, written by hand: what `report_data` returns for comparisons of several kinds."""

import base64
import math
import struct
import zlib
from typing import Any

import numpy as np

COSTS = [
    ("latency_p50_ms", "latency per example (median)", "ms"),
    ("size_on_disk_bytes", "size on disk", "bytes"),
    ("train_seconds", "training time", "seconds"),
]
# Model -> accuracy, milliseconds, bytes, seconds, parameters.
SENTIMENT = {
    "minilm": (0.868, 11.2, 91.2e6, 412.0, 22.7e6),
    "minilm-frozen": (0.801, 11.0, 91.0e6, 96.0, 22.7e6),
    "lstm": (0.812, 1.9, 5.4e6, 38.0, 1.34e6),
    "gru": (0.806, 1.6, 4.9e6, 33.0, 1.21e6),
    "tfidf-logistic": (0.795, 0.31, 2.1e6, 1.4, 61_000),
    "majority": (0.502, 0.002, 210, 0.01, 2),
}
BASELINES = ("tfidf-logistic", "majority")


def value(mean: float, half: float | None = None, seeds: int = 3, rng: np.random.Generator | None = None) -> dict:
    found: dict[str, Any] = {"value": mean}
    if half is not None:
        found |= {"low": mean - half, "high": mean + half, "std": half / 3}
    if rng is not None:
        found["values"] = (mean + rng.normal(0, (half or 0.01) / 3, seeds)).tolist()
    return found


def classification() -> dict[str, Any]:
    """Four models and two baselines on sentences of two classes, with all sections."""
    rng = np.random.default_rng(0)
    quality = {name: value(row[0], 0.017 + 0.004 * (row[0] < 0.6), 3, rng) for name, row in SENTIMENT.items()}
    models = [
        {
            "name": name,
            "kind": "baseline" if name in BASELINES else "model",
            "status": "finished",
            "description": _DESCRIPTIONS[name],
            "quality": quality[name],
        }
        for name in SENTIMENT
    ]
    dataset = {
        "id": "sst2",
        "name": "sst2",
        "description": "sst2: sentences of film reviews, 2 classes",
        "task": "sequence-classification",
        "examples": {"train": 6920, "validation": 872, "test": 1821},
        "seeds": [0, 1, 2],
        "metric": _metric("accuracy", "accuracy", "share of labels that are predicted correctly", "score", True),
        "models": models,
        "verdict": {
            "model": "minilm",
            "status": "decided",
            "sentence": "Choose minilm: its validation accuracy (0.871) is the best, with 95 % confidence. "
            "It is 0.058 (0.040 to 0.076) better than lstm, the next one. "
            "Test accuracy: minilm 0.868 (0.851 to 0.885).",
            "metric": "accuracy",
            "margin": 0.01,
            "prefer": "size",
            "split": "validation",
            "best": "minilm",
            "candidates": ["minilm"],
        },
        "costs": [
            {
                "key": key,
                "name": title,
                "format": kind,
                "greater_is_better": False,
                "values": {
                    name: {"value": row[i + 1], "low": row[i + 1] * 0.97, "high": row[i + 1] * 1.06}
                    for name, row in SENTIMENT.items()
                },
            }
            for i, (key, title, kind) in enumerate(COSTS)
        ],
        "table": _table(quality, rng),
        "pairs": _pairs(rng),
        "epochs": _epochs(rng),
        "train_sizes": _train_sizes(),
        "by_length": _by_length(rng),
        "confusion": {
            "labels": ["negative", "positive"],
            "split": "test",
            "models": [
                {"model": name, "matrix": _matrix(row[0], [912, 909])}
                for name, row in SENTIMENT.items()
                if name != "majority"
            ],
        },
        "class_scores": {
            "labels": ["negative", "positive"],
            "support": [912, 909],
            "models": [
                {
                    "model": name,
                    "precision": [row[0] + 0.012, row[0] - 0.011],
                    "recall": [row[0] - 0.014, row[0] + 0.013],
                    "f1": [row[0] - 0.002, row[0] + 0.001],
                }
                for name, row in SENTIMENT.items()
                if name != "majority"
            ],
        },
        "reliability": _reliability(rng),
        "precision_recall": _precision_recall(),
        "outputs": _reviews(),
        "checks": _checks(),
        "method": _method("hfseq compare --models minilm lstm gru --dataset sst2 --seeds 0 1 2 --output_dir R"),
    }
    return _page("Comparison on sst2", [dataset])


def forecasting() -> dict[str, Any]:
    """Three models and two baselines on a forecast of hourly temperatures; a baseline is the best."""
    rng = np.random.default_rng(1)
    errors = {"linear": (0.371, 0.02), "last-value": (0.84, 0.03), "lstm": (0.452, 0.02), "gru": (0.447, 0.02)}
    errors["transformer"] = (0.521, 0.03)
    quality = {name: value(mean, half, 3, rng) for name, (mean, half) in errors.items()}
    costs = {"linear": 0.05, "last-value": 0.004, "lstm": 3.1, "gru": 2.7, "transformer": 4.4}
    dataset = {
        "id": "etth1",
        "name": "ETTh1",
        "description": "ETTh1: hourly load and oil temperature of a transformer station, 7 channels, horizon 96",
        "task": "forecasting",
        "examples": {"train": 8449, "validation": 2785, "test": 2785},
        "seeds": [0, 1, 2],
        "metric": _metric("mse", "MSE", "mean squared error of the standardised values", "number", False),
        "models": [
            {
                "name": name,
                "kind": "baseline" if name in ("linear", "last-value") else "model",
                "status": "finished",
                "quality": quality[name],
            }
            for name in errors
        ],
        "verdict": {
            "model": None,
            "status": "none",
            "sentence": "None of these models beats the baseline linear (MSE 0.371): gru, the best, has 0.447.",
            "metric": "mse",
            "margin": 0.007,
            "prefer": "latency",
            "split": "validation",
            "best": "linear",
            "candidates": [],
        },
        "costs": [
            {
                "key": "latency_p50_ms",
                "name": "latency per example (median)",
                "format": "ms",
                "greater_is_better": False,
                "values": {name: {"value": cost} for name, cost in costs.items()},
            }
        ],
        "table": {
            "columns": [
                _column("mse", "MSE", "mean squared error", "number", "lower", "quality"),
                _column("latency_p50_ms", "latency p50", "median time per example", "ms", "lower", "cost"),
            ],
            "rows": [
                {"model": name, "cells": {"mse": quality[name], "latency_p50_ms": {"value": costs[name]}}}
                for name in errors
            ],
        },
        "channels": {
            "metrics": [
                {"key": "mae", "name": "MAE in the unit of the channel", "format": "number"},
                {"key": "mae_standardized", "name": "MAE, standardised", "format": "number"},
            ],
            "rows": [
                {
                    "channel": channel,
                    "unit": unit,
                    "cells": {
                        name: {"mae": mean**0.5 * scale, "mae_standardized": mean**0.5 * 0.8}
                        for name, (mean, _) in errors.items()
                    },
                }
                for channel, unit, scale in (("HUFL", "MW", 5.1), ("MULL", "MW", 1.7), ("OT", "°C", 8.6))
            ],
        },
        "outputs": _forecasts(rng),
        "checks": [
            {
                "code": "HFS003",
                "severity": "error",
                "title": "No better than a baseline",
                "message": "lstm, gru and transformer have a larger MSE than the baseline linear.",
                "models": ["lstm", "gru", "transformer"],
                "explanation": "A simple baseline is better.\n\nTry `--tune 20`, or use the baseline.",
            }
        ],
        "method": _method("hfseq compare --models lstm gru transformer --dataset ETTh1 --horizon 96"),
    }
    return _page("Comparison on ETTh1", [dataset])


def tags() -> dict[str, Any]:
    """Tags of entities, from one seed: the verdict is provisional."""
    sentences = [
        ("Angela Merkel visited Paris in May .", "B-PER I-PER O B-LOC O O O"),
        ("The Bank of England raised rates .", "O B-ORG I-ORG I-ORG O O O"),
    ]
    items = []
    for number, (sentence, truth) in enumerate(sentences):
        gold = truth.split()
        wrong = ["B-LOC" if tag == "B-ORG" else "O" if tag == "I-ORG" else tag for tag in gold]
        wrong[0] = "O"
        predictions = [
            {"model": "lstm", "value": wrong, "score": 0.4, "correct": False},
            {"model": "minilm", "value": gold, "score": 1.0, "correct": True},
        ]
        items.append({"id": number, "tokens": sentence.split(), "truth": gold, "predictions": predictions})
    return _small("conll", "token-classification", "F1", "tags", items, [0])


def texts() -> dict[str, Any]:
    """Generated texts."""
    item = {
        "id": 3,
        "input": "Ein Hund läuft durch den Schnee.",
        "truth": "A dog runs through the snow.",
        "predictions": [
            {"model": "lstm", "value": "A dog is running in the the snow.", "score": 31.0},
            {"model": "minilm", "value": "A dog runs through the snow.", "score": 100.0},
        ],
    }
    return _small("multi30k", "text-to-text", "BLEU", "text", [item], [0, 1])


def captions() -> dict[str, Any]:
    """Captions of pictures."""
    items = [
        {
            "id": number,
            "image": picture(number),
            "truth": ["a brown dog runs over the grass", "a dog on a meadow"],
            "predictions": [
                {"model": "lstm", "value": "a dog runs over the sand", "score": 0.6},
                {"model": "minilm", "value": "two children play", "score": 0.1},
            ],
        }
        for number in range(3)
    ]
    return _small("flickr8k", "image-to-text", "BLEU-3", "caption", items, [0, 1])


HOSTILE = '<script>alert("a")</script>'


def hostile() -> dict[str, Any]:
    """Names with HTML, a failed model, one seed, no validation predictions, 77 classes, a long name, a control."""
    rng = np.random.default_rng(2)
    labels = [f"{HOSTILE} & 'class' {index}" if index == 0 else f"card_arrival_{index}" for index in range(77)]
    long_name = "a-model-whose-name-says-everything-about-its-layers-and-its-hidden-size-512"
    names = [HOSTILE, long_name, "bell\x07"]
    quality = {name: {"value": 0.6 + 0.1 * i} for i, name in enumerate(names)}
    models: list[dict[str, Any]] = [
        {"name": name, "kind": "model", "status": "finished", "quality": quality[name]} for name in names
    ]
    models.append({"name": "failed", "kind": "model", "status": "failed", "reason": "seed 0: <b>out of memory</b>"})
    dataset = {
        "id": "banking77",
        "name": HOSTILE,
        "description": f"queries {HOSTILE}",
        "task": "sequence-classification",
        "examples": {"train": 10003, "test": 3080},
        "seeds": [0],
        "metric": _metric("accuracy", "accuracy", "share of correct labels", "share", True),
        "models": models,
        "verdict": {
            "model": None,
            "status": "undecided",
            "sentence": f"The data cannot tell {HOSTILE} and {long_name} apart.",
            "metric": "accuracy",
            "margin": 0.01,
            "prefer": "size",
            "split": "test",
            "best": HOSTILE,
            "candidates": names,
            "needs": {"examples": 9000, "seeds": 5},
        },
        "table": {
            "columns": [_column("accuracy", "accuracy", "share of correct labels", "share", "higher", "quality")],
            "rows": [{"model": name, "cells": {"accuracy": quality[name]}} for name in names]
            + [{"model": "failed", "cells": {}}],
        },
        "confusion": {
            "labels": labels,
            "split": "test",
            "models": [
                {
                    "model": name,
                    "pairs": [
                        {"true": labels[i], "predicted": labels[i + 1], "count": 20 - i, "of": 40} for i in range(12)
                    ],
                }
                for name in names
            ],
        },
        "class_scores": {
            "labels": labels,
            "support": [40] * 77,
            "models": [
                {"model": name, **{key: rng.uniform(0.3, 1, 77).tolist() for key in ("precision", "recall", "f1")}}
                for name in names
            ],
        },
        "outputs": {
            "kind": "classification",
            "groups": [
                {
                    "key": "worst",
                    "title": "Worst examples",
                    "meaning": "all models are wrong",
                    "items": [
                        {
                            "id": 1,
                            "input": f"where is my card {HOSTILE}",
                            "truth": labels[0],
                            "predictions": [{"model": name, "value": labels[3], "correct": False} for name in names],
                        }
                    ],
                }
            ],
        },
        "checks": [
            {
                "code": "HFS010",
                "severity": "info",
                "title": HOSTILE,
                "message": HOSTILE,
                "models": [HOSTILE],
                "explanation": HOSTILE,
            }
        ],
        "method": _method(f"hfseq compare --models '{HOSTILE}'"),
    }
    return _page(HOSTILE, [dataset])


def several() -> dict[str, Any]:
    """Two data sets, with mean ranks over six."""
    first, second = classification()["datasets"][0], tags()["datasets"][0]
    page = _page("Comparison on 2 data sets", [first, second])
    page["summary"] = {
        "rows": [
            {
                "dataset": dataset["name"],
                "id": dataset["id"],
                "metric": dataset["metric"]["name"],
                "format": dataset["metric"]["format"],
                "status": dataset["verdict"]["status"],
                "model": dataset["verdict"]["model"],
                "sentence": dataset["verdict"]["sentence"],
                "values": {model["name"]: model["quality"] for model in dataset["models"]},
            }
            for dataset in page["datasets"]
        ],
        "models": ["minilm", "lstm", "gru"],
        "ranks": {"minilm": 1.2, "lstm": 2.2, "gru": 2.6},
        "critical_difference": 1.35,
        "cliques": [["minilm", "lstm"], ["lstm", "gru"]],
        "test": {"name": "Friedman", "statistic": 6.3, "p_value": 0.043, "datasets": 6},
    }
    return page


def picture(seed: int, width: int = 60, height: int = 40) -> str:
    """A small PNG picture as a data URI."""
    rows = b"".join(
        b"\x00" + bytes(c for x in range(width) for c in (90 + 2 * x, 120 + 3 * y, 60 + 40 * seed))
        for y in range(height)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


_DESCRIPTIONS = {
    "minilm": "MiniLM, 6 layers, pretrained",
    "minilm-frozen": "MiniLM, 6 layers, pretrained, frozen",
    "lstm": "LSTM, 2 layers of 128, from scratch",
    "gru": "GRU, 2 layers of 128, from scratch",
    "tfidf-logistic": "TF-IDF of words and characters, logistic regression",
    "majority": "most frequent class",
}


def _page(title: str, datasets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format": 1,
        "title": title,
        "hfseq_version": "0.1.0",
        "created": "2026-12-01 05:10 UTC",
        "summary": None,
        "datasets": datasets,
    }


def _metric(key: str, name: str, meaning: str, kind: str, greater: bool) -> dict[str, Any]:
    return {"key": key, "name": name, "meaning": meaning, "format": kind, "greater_is_better": greater}


def _column(key: str, heading: str, meaning: str, kind: str, better: str, group: str) -> dict[str, Any]:
    return {"key": key, "heading": heading, "meaning": meaning, "format": kind, "better": better, "group": group}


def _table(quality: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    columns = [
        _column("accuracy", "accuracy", "share of labels that are predicted correctly", "score", "higher", "quality"),
        _column("f1_macro", "macro F1", "F1 of each class, averaged over the classes", "score", "higher", "quality"),
        _column("ece", "calibration error", "gap between confidence and accuracy", "score", "lower", "quality"),
        _column("parameters", "parameters", "number of parameters", "count", "lower", "cost"),
        _column("latency_p50_ms", "latency p50", "median time per example on the CPU", "ms", "lower", "cost"),
        _column("size_on_disk_bytes", "on disk", "size of the saved model", "bytes", "lower", "cost"),
        _column("train_seconds", "training", "time of the training steps", "seconds", "lower", "cost"),
        _column("trials", "trials", "settings that were tried", "count", "", "budget"),
    ]
    rows = []
    for name, (mean, latency, size, seconds, parameters) in SENTIMENT.items():
        cells = {
            "accuracy": quality[name],
            "f1_macro": value(mean - 0.004 if mean > 0.6 else 0.334, 0.018, 3, rng),
            "ece": value(0.021 + 0.05 * (name == "minilm"), 0.008),
            "parameters": {"value": parameters},
            "latency_p50_ms": {"value": latency, "low": latency * 0.97, "high": latency * 1.06},
            "size_on_disk_bytes": {"value": size},
            "train_seconds": {"value": seconds},
        }
        if name not in BASELINES:
            cells["trials"] = {"value": 1}
        rows.append({"model": name, "cells": cells})
    notes = ["Metrics of the test split: mean over 3 seeds, with a 95 % interval over examples and seeds."]
    return {"columns": columns, "rows": rows, "notes": notes}


def _pairs(rng: np.random.Generator) -> dict[str, Any]:
    names = list(SENTIMENT)
    rows = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            gap = SENTIMENT[a][0] - SENTIMENT[b][0]
            half = 0.017 + 0.004 * rng.random()
            p = math.erfc(abs(gap) / half * 1.96 / math.sqrt(2))
            rows.append(
                {
                    "a": a,
                    "b": b,
                    "difference": gap,
                    "low": gap - half,
                    "high": gap + half,
                    "p_value": p,
                    "p_adjusted": min(1.0, 6 * p),
                    "effect_size": gap * 2.4,
                    "effect_name": "Cohen's h",
                    "test": "McNemar",
                }
            )
    head = {"split": "validation", "metric": "accuracy", "format": "score", "margin": 0.01}
    return {**head, "correction": "Holm", "confidence": 0.95, "rows": rows}


def _epochs(rng: np.random.Generator) -> dict[str, Any]:
    losses, figures = [], []
    x = list(range(1, 11))
    for name, (mean, *_) in SENTIMENT.items():
        if name in BASELINES:
            continue
        speed = 0.9 if "minilm" in name else 0.35
        train = [0.68 * math.exp(-speed * e * mean) + 0.9 - mean for e in x]
        valid = [0.30 + 0.36 * math.exp(-speed * e) + 0.012 * e * (mean > 0.81) + (0.87 - mean) for e in x]
        accuracy = [mean + 0.004 - 0.25 * math.exp(-speed * e) - 0.001 * max(0, e - 5) for e in x]
        spread = (0.01 + 0.004 * rng.random(len(x))).tolist()
        best = x[valid.index(min(valid))]
        losses.append({"model": name, "split": "train", "x": x, "y": train})
        losses.append(
            {
                "model": name,
                "split": "validation",
                "x": x,
                "y": valid,
                "low": [v - s for v, s in zip(valid, spread, strict=True)],
                "high": [v + s for v, s in zip(valid, spread, strict=True)],
                "best": best,
            }
        )
        figures.append(
            {
                "model": name,
                "split": "validation",
                "x": x,
                "y": accuracy,
                "low": [v - s / 2 for v, s in zip(accuracy, spread, strict=True)],
                "high": [v + s / 2 for v, s in zip(accuracy, spread, strict=True)],
                "best": best,
            }
        )
    return {
        "panels": [
            {"key": "loss", "name": "loss", "format": "number", "lines": losses},
            {"key": "accuracy", "name": "accuracy", "format": "score", "lines": figures},
        ]
    }


def _train_sizes() -> dict[str, Any]:
    sizes = [100, 300, 1000, 3000, 6920]
    shapes = {"minilm": (0.871, 0.9), "lstm": (0.86, 3.3), "gru": (0.85, 3.2), "tfidf-logistic": (0.815, 1.6)}
    lines = []
    for name, (limit, gap) in shapes.items():
        points = []
        for size in sizes:
            mean = max(0.5, limit - gap / math.sqrt(size))
            half = 0.16 / math.sqrt(size) + 0.008
            points.append({"size": size, "mean": mean, "low": mean - half, "high": mean + half})
        lines.append({"model": name, "points": points})
    crossing = {
        "a": "tfidf-logistic",
        "b": "lstm",
        "size": 1430,
        "low": 900,
        "high": 2600,
        "sentence": "lstm overtakes tfidf-logistic at about 1,400 labelled examples (900 to 2,600).",
    }
    return {"name": "accuracy", "format": "score", "sizes": sizes, "lines": lines, "crossings": [crossing]}


def _by_length(rng: np.random.Generator) -> dict[str, Any]:
    bins = [(1, 8, 260), (9, 14, 412), (15, 20, 455), (21, 27, 398), (28, 56, 296)]
    lines = []
    for name, (mean, *_) in SENTIMENT.items():
        if name == "majority":
            continue
        slope = 0.004 if "minilm" in name else 0.017
        points = []
        for index, (_, _, count) in enumerate(bins):
            middle = mean + 0.03 - slope * index + rng.normal(0, 0.006)
            half = 1.96 * math.sqrt(middle * (1 - middle) / count)
            points.append({"value": middle, "low": middle - half, "high": middle + half})
        lines.append({"model": name, "points": points})
    return {
        "name": "accuracy",
        "format": "score",
        "unit": "tokens",
        "bins": [{"low": low, "high": high, "examples": count} for low, high, count in bins],
        "lines": lines,
    }


def _matrix(accuracy: float, support: list[int]) -> list[list[int]]:
    wrong = [round(n * (1 - accuracy)) for n in support]
    return [[support[0] - wrong[0] - 9, wrong[0] + 9], [wrong[1] - 9, support[1] - wrong[1] + 9]]


def _reliability(rng: np.random.Generator) -> dict[str, Any]:
    models = []
    for name, over in (("minilm", 0.10), ("lstm", 0.06), ("gru", 0.05), ("tfidf-logistic", -0.03)):
        bins, scaled = [], []
        for index in range(5):
            confidence = 0.55 + 0.1 * index
            noise = rng.normal(0, 0.012)
            bins.append(
                {
                    "confidence": confidence,
                    "accuracy": confidence - over * (0.5 + index / 5) + noise,
                    "examples": 60 + 180 * index,
                }
            )
            scaled.append({"confidence": confidence, "accuracy": confidence + noise, "examples": 120 + 110 * index})
        models.append(
            {
                "model": name,
                "bins": bins,
                "ece": abs(over) * 0.8,
                "temperature": 1 + 6 * over,
                "scaled_bins": scaled,
                "scaled_ece": 0.013,
            }
        )
    return {"models": models}


def _precision_recall() -> dict[str, Any]:
    recall = [i / 40 for i in range(1, 41)]
    models = []
    for name, (mean, *_) in SENTIMENT.items():
        if name == "majority":
            continue
        power = 4 + (mean - 0.79) * 60
        precision = [1 - 0.5 * r**power for r in recall]
        models.append(
            {"model": name, "recall": recall, "precision": precision, "average_precision": float(np.mean(precision))}
        )
    return {"label": "positive", "models": models}


def _reviews() -> dict[str, Any]:
    texts = [
        ("It is not that the film is bad; it is that it could have been so good.", "negative", "positive"),
        ("A gorgeous, witty, seductive movie, if you forgive it the first forty minutes.", "positive", "negative"),
        ("The emperor's club, ruthless in its own placid way, finds nothing new to say.", "negative", "positive"),
    ]
    groups = []
    for key, title, meaning in (
        ("worst", "Worst examples", "Most of the models are wrong, with high confidence."),
        ("disagreement", "Largest disagreement", "The models give different answers."),
    ):
        items = []
        for number, (text, truth, wrong) in enumerate(texts):
            answers = {"minilm": truth if key == "disagreement" else wrong, "lstm": wrong, "gru": wrong}
            answers["tfidf-logistic"] = truth if number == 1 else wrong
            items.append(
                {
                    "id": 100 + number,
                    "input": text,
                    "truth": truth,
                    "predictions": [
                        {"model": name, "value": answer, "confidence": 0.93 - 0.07 * i, "correct": answer == truth}
                        for i, (name, answer) in enumerate(answers.items())
                    ],
                }
            )
        groups.append({"key": key, "title": title, "meaning": meaning, "items": items})
    return {"kind": "classification", "groups": groups}


def _forecasts(rng: np.random.Generator) -> dict[str, Any]:
    items = []
    for number in range(3):
        phase = rng.uniform(0, 24)
        x = np.arange(144)
        series = 20 + 6 * np.sin((x + phase) * 2 * np.pi / 24) + np.cumsum(rng.normal(0, 0.35, 144))
        history, truth = series[:96], series[96:]
        predictions = []
        for name, size in (("linear", 1.0), ("gru", 2.0), ("lstm", 2.3), ("transformer", 3.1), ("last-value", 0)):
            drift = np.linspace(0, 1, 48)
            forecast = truth + size * drift * rng.choice([-1, 1]) + rng.normal(0, 0.25, 48)
            if name == "last-value":
                forecast = np.full(48, history[-1])
            row = {"model": name, "value": [forecast.tolist()], "score": float(np.mean((forecast - truth) ** 2))}
            if name == "gru":
                row |= {"low": [(forecast - 2 - drift).tolist()], "high": [(forecast + 2 + drift).tolist()]}
            predictions.append(row)
        items.append(
            {
                "id": number,
                "channels": ["OT"],
                "unit": "°C",
                "history": [history.tolist()],
                "truth": [truth.tolist()],
                "predictions": predictions,
            }
        )
    meaning = "Largest error, averaged over the models."
    group = {"key": "worst", "title": "Worst examples", "meaning": meaning, "items": items}
    return {"kind": "forecast", "score_name": "MSE", "groups": [group]}


def _checks() -> list[dict[str, Any]]:
    return [
        {
            "code": "HFS003",
            "severity": "warning",
            "title": "No better than a baseline",
            "message": "minilm-frozen is not better than tfidf-logistic by more than the margin.",
            "models": ["minilm-frozen"],
            "explanation": "A simple baseline is as good.\n\nUse the baseline, or find better settings: `--tune 20`.",
        },
        {
            "code": "HFS003",
            "severity": "warning",
            "title": "No better than a baseline",
            "message": "gru is not better than tfidf-logistic by more than the margin.",
            "models": ["gru"],
        },
        {
            "code": "HFS008",
            "severity": "info",
            "title": "Truncated inputs",
            "message": "minilm truncates 0.2 % of the test examples.",
            "models": ["minilm"],
            "explanation": "Inputs longer than `--max_length` lose their end.",
        },
    ]


def _method(command: str) -> dict[str, Any]:
    return {
        "command": command,
        "facts": [
            {
                "title": "Data",
                "rows": [
                    ["fingerprint", "5f1c9e0a77d24b6c"],
                    ["training", "6,920 examples"],
                    ["validation", "872 examples"],
                    ["test", "1,821 examples"],
                ],
            },
            {
                "title": "Protocol",
                "rows": [["seeds", "0, 1, 2"], ["margin", "0.01 of accuracy"], ["verdict", "validation split"]],
            },
            {"title": "Machine", "rows": [["processor", "AMD EPYC 9B14"], ["threads", "2"], ["engine", "compiled"]]},
            {"title": "Versions", "rows": [["hfseq", "0.1.0"], ["torch", "2.13.0"], ["transformers", "5.23.0"]]},
        ],
        "settings": [{"model": "lstm", "rows": [["learning_rate", "0.001"], ["hidden_size", "128"]]}],
        "notes": ["The training times are from one machine."],
    }


def _small(
    name: str, task: str, metric: str, kind: str, items: list[dict[str, Any]], seeds: list[int]
) -> dict[str, Any]:
    """Two models with one quality figure each, a table, and outputs."""
    format_ = "points" if metric.startswith("BLEU") else "share"
    factor = 100 if format_ == "points" else 1
    quality = {"minilm": value(0.72 * factor, 0.02 * factor), "lstm": value(0.64 * factor, 0.03 * factor)}
    verdict = {
        "model": "lstm",
        "status": "provisional" if len(seeds) == 1 else "decided",
        "sentence": "Choose lstm (provisional: the spread over seeds is unknown).",
        "metric": metric,
        "margin": 0.01 * factor,
        "prefer": "size",
        "split": "validation",
        "best": "minilm",
        "candidates": ["lstm", "minilm"],
        "needs": {"seeds": 3},
    }
    group = {"key": "disagreement", "title": "Largest disagreement", "meaning": "Scores differ most.", "items": items}
    dataset = {
        "id": name,
        "name": name,
        "description": f"{name}, a small data set",
        "task": task,
        "examples": {"train": 500, "validation": 100, "test": 100},
        "seeds": seeds,
        "metric": _metric(metric.lower(), metric, f"{metric} on the test split", format_, True),
        "models": [{"name": key, "kind": "model", "status": "finished", "quality": quality[key]} for key in quality],
        "verdict": verdict,
        "table": {
            "columns": [_column(metric.lower(), metric, f"{metric} on the test split", format_, "higher", "quality")],
            "rows": [{"model": key, "cells": {metric.lower(): quality[key]}} for key in quality],
        },
        "outputs": {"kind": kind, "score_name": metric, "groups": [group]},
        "method": _method(f"hfseq compare --dataset {name}"),
    }
    return _page(f"Comparison on {name}", [dataset])
