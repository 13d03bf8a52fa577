"""Settings of sequence classification and regression."""

from dataclasses import dataclass

from hfseq.data.settings import TaskSettings, setting
from hfseq.modalities.shared_settings import ClassWeightSettings

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")


@dataclass(frozen=True)
class SequenceClassificationSettings(ClassWeightSettings, TaskSettings):
    """Classification and regression of whole sequences."""

    group = "sequence_classification"

    problem_type: str | None = setting(
        None, "Type of the labels. By default it is detected from the labels.", choices=PROBLEM_TYPES
    )
    label_separator: str | None = setting(
        None,
        "Character between the labels of an example with several labels, such as `|` in joy|anger. Cells that are "
        "lists, such as ['joy', 'anger'], need no separator.",
        for_new_data=True,
    )
