"""What transformers and the Hub call the tasks of a record."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class TaskTags(NamedTuple):
    """A task's names elsewhere.

    Args:
        auto_class (`str`): transformers' Auto class.
        tag (`str`): the Hub's pipeline tag.
        pipeline (`bool`, *optional*, defaults to `False`): whether transformers' `pipeline` of that name takes the
            model as it is.
    """

    auto_class: str
    tag: str
    pipeline: bool = False


# By task, and by task and modality where that makes a difference.
_TAGS = {
    "sequence_classification": TaskTags("AutoModelForSequenceClassification", "text-classification", pipeline=True),
    "sequence_classification/dna": TaskTags("AutoModelForSequenceClassification", "text-classification"),
    "sequence_classification/series": TaskTags("AutoModelForSequenceClassification", "time-series-classification"),
    "sequence_classification/audio": TaskTags("AutoModelForSequenceClassification", "audio-classification"),
    "sequence_classification/video": TaskTags("AutoModelForSequenceClassification", "video-classification"),
    "sequence_classification/image": TaskTags("AutoModelForSequenceClassification", "image-classification"),
    "sequence_classification/music": TaskTags("AutoModelForSequenceClassification", "audio-classification"),
    "token_classification": TaskTags("AutoModelForTokenClassification", "token-classification", pipeline=True),
    "causal_lm": TaskTags("AutoModelForCausalLM", "text-generation", pipeline=True),
    "causal_lm/music": TaskTags("AutoModelForCausalLM", "text-to-audio"),
    "sequence_to_sequence": TaskTags("AutoModelForSeq2SeqLM", "translation"),
    "captioning": TaskTags("AutoModelForImageTextToText", "image-to-text"),
    "ctc": TaskTags("AutoModelForCTC", "automatic-speech-recognition"),
    "forecasting": TaskTags("AutoModelForTimeSeriesPrediction", "time-series-forecasting"),
}


def task_tags(record: Mapping[str, Any]) -> TaskTags | None:
    """The names of a record's task, or `None` where it is not known."""
    task, modality = str(record.get("task")), (record.get("data") or {}).get("modality") or "text"
    return _TAGS.get(f"{task}/{modality}") or _TAGS.get(task)
