"""Output of `hfseq predict`: for each prediction a line of text, a JSON object, or rows of a csv file."""

from collections.abc import Callable, Iterator
from typing import Any, TextIO

from hfseq.commands.output import RecordWriter

# A function of the columns that identify an example, and its prediction.
Writer = Callable[[dict[str, Any], Any], None]


def prediction_writer(out: TextIO, form: str, key: str, names: list[str]) -> tuple[Writer, Callable[[], None]]:
    """Returns the functions that write predictions and the end of the output.

    Args:
        out (`TextIO`): stream to write to.
        form (`str`): one of `FORMATS`.
        key (`str`): column that identifies the example: `text` or `input`.
        names (`list[str]`): names of the labels or of the channels.

    Returns:
        `tuple`: a function that writes one prediction, and a function to call at the end.
    """
    if form == "text":
        return (lambda example, prediction: out.writelines(_lines(str(example[key]), prediction, names))), lambda: None
    records = RecordWriter(out, form)

    def write(example: dict[str, Any], prediction: Any) -> None:
        if form == "csv":
            header, rows = _table(prediction, names)
            for cells in rows:
                records.write_row([*example, *header], [*example.values(), *cells])
        else:
            classified = {"labels": prediction.labels, "scores": prediction.scores} if prediction.scores else {}
            records.write({**example, **prediction.as_dict(), **classified})

    return write, records.close


def _lines(shown: str, prediction: Any, names: list[str]) -> Iterator[str]:
    """Lines for one prediction: label, score and example; or the generated text; or for each step of a forecast the
    series, the step, its time if it is known, and the values."""
    example = " ".join(shown.split())
    if prediction.text is not None:
        yield " ".join(prediction.text.split()) + "\n"
    elif prediction.values is not None:
        for cells in _steps(prediction):
            yield "\t".join([example, *cells]) + "\n"
    elif not prediction.scores:
        yield f"{' '.join(prediction.labels) or '-'}\t{example}\n"
    else:
        labels = ",".join(prediction.labels) if names != ["value"] else next(iter(prediction.scores))
        score = max((prediction.scores[name] for name in prediction.labels), default=None)
        if score is None:
            score = prediction.scores[labels] if names == ["value"] else max(prediction.scores.values())
        yield f"{labels or '-'}\t{score:.4f}\t{example}\n"


def _table(prediction: Any, names: list[str]) -> tuple[list[str], list[list[Any]]]:
    """The names of the cells, and one row; for a forecast one row per step."""
    if prediction.values is not None:
        times = [] if prediction.times is None else ["time"]
        return ["step", *times, *names], list(_steps(prediction))
    if prediction.scores:
        # The labels, or "value" for a regression.
        scored = list(prediction.scores) if names == ["value"] else names
        figures = [f"{prediction.scores[name]:.6f}" for name in scored]
        return ["labels", *scored], [["|".join(prediction.labels), *figures]]
    if prediction.text is not None:
        return ["prediction"], [[prediction.text]]
    return ["labels"], [[" ".join(prediction.labels)]]


def _steps(prediction: Any) -> Iterator[list[str]]:
    """For each step its number, its time if it is known, and the values of all channels and quantiles."""
    for number, step in enumerate(prediction.values):
        time = [] if prediction.times is None else [prediction.times[number]]
        yield [str(number + 1), *time, *(f"{value:.6g}" for value in _flat(step))]


def _flat(values: Any) -> Iterator[float]:
    if not isinstance(values, list):
        yield values
        return
    for value in values:
        yield from _flat(value)
