"""How `hfseq predict` writes what a model says."""

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

# Takes what an example is shown as, and what the model says of it.
Writer = Callable[[str | int, Any], None]


def text_writer(out: TextIO, key: str, names: list[str]) -> Writer:
    """A line an example, made to be read: label, score and example; or what was written. Of a forecast, a line a step:
    series, step, and the numbers."""

    def write(shown: str | int, prediction: Any) -> None:
        example = " ".join(str(shown).split())
        if prediction.text is not None:
            out.write(" ".join(prediction.text.split()) + "\n")
        elif prediction.values is not None:
            for step, numbers in enumerate(_steps(prediction.values), 1):
                out.write("\t".join([example, str(step), *numbers]) + "\n")
        elif not prediction.scores:
            out.write(f"{' '.join(prediction.labels) or '-'}\t{example}\n")
        else:
            labels = ",".join(prediction.labels) if names != ["value"] else next(iter(prediction.scores))
            score = max((prediction.scores[name] for name in prediction.labels), default=None)
            if score is None:
                score = prediction.scores[labels] if names == ["value"] else max(prediction.scores.values())
            out.write(f"{labels or '-'}\t{score:.4f}\t{example}\n")

    return write


def jsonl_writer(out: TextIO, key: str, names: list[str]) -> Writer:
    """An object an example."""

    def write(shown: str | int, prediction: Any) -> None:
        classified = {"labels": prediction.labels, "scores": prediction.scores} if prediction.scores else {}
        row = {key: shown, **prediction.as_dict(), **classified}
        out.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def csv_writer(out: TextIO, key: str, names: list[str]) -> Writer:
    """A row an example, or of a forecast a row a step, below a header that says what the cells are."""
    writer = csv.writer(out, lineterminator="\n")
    header: list[str] = []

    def write(shown: str | int, prediction: Any) -> None:
        if not header:
            header.extend([key, *_csv_columns(prediction, names)])
            writer.writerow(header)
        if prediction.values is not None:
            writer.writerows([shown, step, *numbers] for step, numbers in enumerate(_steps(prediction.values), 1))
            return
        if prediction.scores:
            figures = (f"{prediction.scores[name]:.6f}" for name in _score_names(prediction, names))
            cells = ["|".join(prediction.labels), *figures]
        elif prediction.text is not None:
            cells = [prediction.text]
        else:
            cells = [" ".join(prediction.labels)]
        writer.writerow([shown, *cells])

    return write


def _csv_columns(prediction: Any, names: list[str]) -> list[str]:
    if prediction.scores:
        return ["labels", *_score_names(prediction, names)]
    if prediction.text is not None:
        return ["prediction"]
    return ["step", *names] if prediction.values is not None else ["labels"]


def _steps(values: list[Any]) -> Iterator[list[str]]:
    """The numbers of each step, whatever lists they stand in: channels, or channels of quantiles."""
    for step in values:
        yield [f"{number:.6g}" for number in _flat(step)]


def _flat(values: Any) -> Iterator[float]:
    if not isinstance(values, list):
        yield values
        return
    for value in values:
        yield from _flat(value)


def _score_names(prediction: Any, names: list[str]) -> list[str]:
    """The labels or, where a model has none, what it gives a figure for."""
    return list(prediction.scores) if names == ["value"] else names


WRITERS = {"text": text_writer, "jsonl": jsonl_writer, "csv": csv_writer}
