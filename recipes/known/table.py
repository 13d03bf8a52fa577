"""The table of the runs on known data sets, from their run records."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A run record (run.json) as it is read from the file.
Record = Mapping[str, Any]
# (data set, model) -> records of its finished runs, one per seed.
Runs = dict[tuple[str, str], list[Record]]

MODELS = ("lstm", "gru", "transformer", "minilm")


@dataclass(frozen=True)
class KnownData:
    """One row of the table.

    Attributes:
        title (`str`): name of the data set and of the metric.
        metric (`str`): key of the metric in a run record.
        style (`str`): Python format of a figure. `"%"` formats are given as percentages.
        expected (`str`): result of comparable models in the literature; empty if unknown.
        factor (`float`, *optional*, defaults to 1): the figure is multiplied by it.
        also (`str`, *optional*): key of a second metric, which follows in brackets.
    """

    title: str
    metric: str
    style: str
    expected: str = ""
    factor: float = 1.0
    also: str = ""


# Folder in recipes/configs/known -> its row.
KNOWN = {
    "banking77": KnownData("banking77, accuracy", "accuracy", ".1%", "85 %; pretrained 92 %"),
    "splice": KnownData("splice, accuracy", "accuracy", ".1%", "95 %"),
    "pendigits": KnownData("pendigits, accuracy", "accuracy", ".1%", "97 %"),
    "basic_motions": KnownData("BasicMotions, accuracy", "accuracy", ".1%", "97 %"),
    "italy_power_demand": KnownData("ItalyPowerDemand, accuracy", "accuracy", ".1%", "96 %"),
    "gunpoint": KnownData("GunPoint, accuracy", "accuracy", ".1%", "95 %"),
    "indoor": KnownData("indoor movement, accuracy", "accuracy", ".1%", "95 %"),
    "ud_ewt": KnownData("UD English EWT, accuracy of UPOS", "accuracy", ".1%", "92 %; pretrained 94 %"),
    "wnut17": KnownData("WNUT 2017, F1 of spans", "f1", ".1f", "15; pretrained 38", factor=100),
    "nlupp": KnownData("NLU++, micro F1 of intents", "f1_micro", ".3f"),
    "tinyshakespeare": KnownData("tinyshakespeare, bits per character", "bits_per_character", ".2f", "2.1"),
    "multi30k": KnownData("Multi30k en-de, test_2016_flickr, BLEU", "bleu", ".1f", "33"),
    "jsb": KnownData("JSB chorales, NLL per time step", "nll_per_frame", ".2f", "8.5"),
    "fsdd": KnownData("FSDD letters, CER", "cer", ".2%", "5 %"),
    "flickr8k": KnownData("Flickr8k, 875 of its images, BLEU-1 (BLEU-4)", "bleu_1", ".1f", also="bleu_4"),
    "etth1": KnownData("ETTh1, 96 steps, MSE", "mse", ".3f", "0.45"),
    "airline": KnownData("airline, MASE", "mase", ".3f", "1"),
    "sunspots": KnownData("sunspots, MASE", "mase", ".3f", "1"),
}


def read_runs(folder: Path) -> Runs:
    """Reads the records of all finished runs below `folder/DATA/MODEL`.

    If a seed was run several times, the run that finished last counts.
    """
    latest: dict[tuple[str, str, int], Record] = {}
    for path in sorted(folder.rglob("run.json")):
        data, model, *_ = path.relative_to(folder).parts
        record = json.loads(path.read_text(encoding="utf-8"))
        if data not in KNOWN or model not in MODELS or record["status"] != "finished":
            continue
        key = (data, model, record["seed"])
        if key not in latest or record["finished_at"] >= latest[key]["finished_at"]:
            latest[key] = record
    runs: Runs = {}
    for (data, model, _), record in sorted(latest.items(), key=lambda item: item[0]):
        runs.setdefault((data, model), []).append(record)
    return runs


def missing_runs(runs: Runs, configs: Path) -> list[tuple[str, str]]:
    """Data sets and models of the YAML files that have no finished run."""
    wanted = [(data, path.stem) for data in KNOWN for path in sorted((configs / data).glob("*.yaml"))]
    return [key for key in wanted if key not in runs]


def make_table(runs: Runs) -> list[str]:
    """Lines of a Markdown table: one row per data set, one column per model."""
    lines = ["| data | literature | " + " | ".join(MODELS) + " | seeds |", "| --- " * 2 + "| ---: " * 5 + "|"]
    for name, data in KNOWN.items():
        records = [runs.get((name, model), []) for model in MODELS]
        seeds = "; ".join(dict.fromkeys(_seeds(found) for found in records if found))
        cells = [data.title, data.expected, *(cell(data, found) for found in records), seeds]
        lines.append("| " + " | ".join(cells) + " |")
    explained = "Mean of the seeds on the test split. ± is one standard error, from the seeds and, for the accuracy of"
    return [*lines, "", f"{explained} whole sequences, also from the number of test examples."]


def cell(data: KnownData, records: Sequence[Record]) -> str:
    """A figure with its standard error, and those of simple baselines if there are any. Empty without records."""
    if not records:
        return ""
    text = _figure(data, [record["metrics"]["test"][data.metric] for record in records])
    error = standard_error(data, records)
    if not math.isnan(error):
        text += f" ± {_figure(data, [error])}"
    if data.also:
        text += f" ({_figure(data, [record['metrics']['test'][data.also] for record in records])})"
    baselines = records[0]["data"].get("baselines", {})
    shown = [f"{name} {_figure(data, [values[data.metric]])}" for name, values in baselines.items()]
    return f"{text} ({', '.join(shown)})" if shown else text


def standard_error(data: KnownData, records: Sequence[Record]) -> float:
    """One standard error of the mean; NaN if it cannot be estimated."""
    values = [record["metrics"]["test"][data.metric] for record in records]
    variances = []
    if len(values) > 1:
        variances.append(statistics.variance(values) / len(values))
    if data.metric == "accuracy" and records[0]["task"] == "sequence_classification":
        share, count = statistics.fmean(values), records[0]["data"]["examples"]["test"]
        variances.append(share * (1 - share) / count)
    return math.sqrt(sum(variances)) if variances else math.nan


def _figure(data: KnownData, values: Iterable[float]) -> str:
    text = format(statistics.fmean(values) * data.factor, data.style)
    return text.replace("%", " %")


def _seeds(records: Sequence[Record]) -> str:
    return ", ".join(str(record["seed"]) for record in records)
