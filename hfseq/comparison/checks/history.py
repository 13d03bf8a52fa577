"""Curves of a training, from the history in its record."""

from dataclasses import dataclass
from typing import Any

from hfseq.comparison.checks.facts import entries, number


@dataclass(frozen=True)
class Curve:
    """A value over the steps of a training.

    Attributes:
        steps (`tuple[float, ...]`): numbers of steps, in ascending order.
        values (`tuple[float, ...]`): the value at each.
    """

    steps: tuple[float, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.values)

    def before(self, step: float) -> float | None:
        """The last value up to a step."""
        found = [value for at_step, value in zip(self.steps, self.values, strict=True) if at_step <= step]
        return found[-1] if found else None


def curve(record: Any, key: str) -> Curve:
    """The curve of a value of the history, such as `loss` (training) or `eval_loss` (validation).

    The evaluation of the best model after the training, at a step that was evaluated before, is left out.

    Args:
        record (`RunRecord`): the record of the run.
        key (`str`): key of the entries of the history.
    """
    found: dict[float, float] = {}
    for entry in entries({"history": record.history}, "history"):
        step, value = number(entry, "step"), number(entry, key)
        if step is not None and value is not None:
            found.setdefault(step, value)
    steps = sorted(found)
    return Curve(tuple(steps), tuple(found[step] for step in steps))
