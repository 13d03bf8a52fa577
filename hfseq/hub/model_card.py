"""The model card of a trained model, written from its run record.

The card that the Trainer writes drops every metric other than accuracy and F1, and calls a model that was trained from
scratch a fine-tuned version of nothing; this one says what the record says, and leaves out what it does not.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from hfseq.errors import HfseqError
from hfseq.hub.card_sections import flatten, write_body
from hfseq.hub.card_text import is_hub_id, is_missing, public_name
from hfseq.hub.public_record import without_places
from hfseq.hub.task_tags import task_tags
from hfseq.writing import write_text

CARD_NAME = "README.md"
_SECTIONS = ("config", "model", "data", "metrics", "costs", "environment")
_INNER_SECTIONS = {"model": ("description",), "data": ("examples", "truncated_share"), "environment": ("versions",)}


def write_model_card(folder: str | os.PathLike[str], record: dict[str, Any], *, repo_id: str | None = None) -> Path:
    """Writes the `README.md` of a trained model, in place of one that is there.

    The metadata hold every metric of the test split as a model index (Mitchell et al., [Model Cards for Model
    Reporting](https://arxiv.org/abs/1810.03993), 2019, for what a card is to tell). Whatever the record does not know
    is left out.

    Args:
        folder (`str` or `os.PathLike`): the folder that the model was saved to.
        record (`dict`): the run record: its keys `task`, `name`, `seed`, `status`, `num_processes` and
            `config_fingerprint`, and its sections `config`, `model`, `data`, `metrics`, `costs` and `environment`. Any
            of them may be missing or `None`.
        repo_id (`str`, *optional*): the id on the Hub that the model will have; the code on the card loads it from
            there. Without one it loads from `"path/to/folder"`.

    Returns:
        `Path`: the file that was written.

    Raises:
        [`HfseqError`]: if the folder is missing, the record or one of its sections is not a mapping, or `repo_id` is
            not an id.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise HfseqError(f"{folder} is not a folder: save the model there before its card is written")
    _check(record, repo_id)
    title = repo_id.split("/")[-1] if repo_id else str(record.get("name") or folder.resolve().name)
    body = write_body(record, title=title, location=repo_id or "path/to/folder")
    # Notes may name the file that they are about.
    data, model = record.get("data") or {}, record.get("model") or {}
    body = without_places(body, [data.get("dataset"), model.get("base_model"), os.fspath(folder)])
    card = ModelCard(f"---\n{_metadata(record, title).to_yaml()}\n---\n\n{body}")
    path = folder / CARD_NAME
    write_text(path, str(card))
    return path


def _check(record: Any, repo_id: str | None) -> None:
    if not isinstance(record, Mapping):
        raise HfseqError(f"a run record must be a mapping, not {type(record).__name__}")
    for section in _SECTIONS:
        values = _demand_mapping(section, record.get(section))
        for name in values if section == "metrics" else _INNER_SECTIONS.get(section, ()):
            _demand_mapping(f"{section}.{name}", values.get(name))
    if repo_id is not None:
        try:
            validate_repo_id(repo_id)
        except HFValidationError as error:
            raise HfseqError(f"repo_id {repo_id!r} is not an id on the Hub; write it as 'user/name'") from error


def _demand_mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise HfseqError(f"{name!r} in the run record must be a mapping, not {type(value).__name__} ({value!r})")
    return value or {}


def _metadata(record: Mapping[str, Any], title: str) -> ModelCardData:
    model, data, config = (record.get(key) or {} for key in ("model", "data", "config"))
    base_model, dataset = model.get("base_model"), data.get("dataset")
    is_derived = model.get("initialization") == "pretrained" and is_hub_id(base_model)
    cell_type = (model.get("description") or {}).get("cell_type")
    lora = "lora" if config.get("finetuning") == "lora" else None
    results = _results(record)
    return ModelCardData(
        library_name="transformers",
        pipeline_tag=None if (tags := task_tags(record)) is None else tags.tag,
        base_model=base_model if is_derived else None,
        datasets=[str(dataset)] if is_hub_id(dataset) else None,
        tags=[str(tag) for tag in ("hfseq", model.get("model_type"), cell_type, lora) if not is_missing(tag)],
        model_name=title if results else None,
        eval_results=results or None,
    )


def _results(record: Mapping[str, Any]) -> list[EvalResult]:
    # A model index must name a task and a data set: these words stand in where the record does not.
    task = str(record.get("task") or "sequence_modelling")
    tags = task_tags(record)
    dataset = public_name(str((record.get("data") or {}).get("dataset") or "unnamed"))
    return [
        EvalResult(
            task_type=tags.tag if tags else task.replace("_", "-"),
            task_name=task.replace("_", " ").capitalize(),
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_config=(record.get("config") or {}).get("dataset_config_name"),
            dataset_split="test",
            metric_type=name,
            metric_name=name.replace("_", " ").capitalize(),
            metric_value=value,
        )
        for name, value in flatten((record.get("metrics") or {}).get("test") or {}).items()
    ]
