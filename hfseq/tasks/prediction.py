"""Prediction of a model for one example."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """Prediction of a model for one example. Each task fills the fields that apply to it; the others are empty.

    Attributes:
        labels (`list[str]`): the predicted label, or labels; for token classification, one per token.
        scores (`dict[str, float]`): the probability of each label; for regression, `{"value": ...}`.
        text (`str`, *optional*): the generated text: a translation, a caption or a transcript.
        values (`list`, *optional*): a forecast of shape `(steps, channels)`.
        times (`list[str]`, *optional*): the time of each forecast step, if the times of the past are known.
    """

    labels: list[str] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    text: str | None = None
    values: list[Any] | None = None
    times: list[str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields that are not empty."""
        return {name: value for name, value in asdict(self).items() if value not in (None, [], {})}
