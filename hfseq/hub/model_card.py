"""Model card of a trained model, written from its run record.

It replaces the card of the Trainer, which leaves out all metrics except accuracy and F1, and which describes a model
that was trained from scratch as a fine-tuned version of an unknown model.
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
from hfseq.hub.public_record import remove_local_paths
from hfseq.hub.task_tags import task_tags
from hfseq.writing import write_text

CARD_NAME = "README.md"
_SECTIONS = ("config", "model", "data", "metrics", "costs", "environment")
_INNER_SECTIONS = {"model": ("description",), "data": ("examples", "truncated_share"), "environment": ("versions",)}


def write_model_card(folder: str | os.PathLike[str], record: dict[str, Any], *, repo_id: str | None = None) -> Path:
    """Writes the `README.md` of a trained model. An existing file is replaced.

    The content follows [Model Cards for Model Reporting](https://arxiv.org/abs/1810.03993) (Mitchell et al. 2019). The
    metadata contain all metrics of the test split as a model index. Values that the record lacks are left out.

    Args:
        folder (`str` or `os.PathLike`): folder of the saved model.
        record (`dict`): run record with the keys `task`, `name`, `seed`, `status`, `num_processes` and
            `config_fingerprint`, and the sections `config`, `model`, `data`, `metrics`, `costs` and `environment`.
            Each of them may be missing or `None`.
        repo_id (`str`, *optional*, defaults to `"path/to/folder"` in the example code): id of the model on the Hub,
            from which the example code of the card loads it.

    Returns:
        `Path`: path of the model card.

    Raises:
        HfseqError: the folder does not exist, the record or one of its sections is not a mapping, or `repo_id` is not
            a valid id.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise HfseqError(f"{folder} is not a folder: save the model there before you write its card")
    _check(record, repo_id)
    title = repo_id.split("/")[-1] if repo_id else str(record.get("name") or folder.resolve().name)
    body = write_body(record, title=title, location=repo_id or "path/to/folder")
    # Notes may contain paths of local files.
    data, model = record.get("data") or {}, record.get("model") or {}
    body = remove_local_paths(body, [data.get("dataset"), model.get("base_model"), os.fspath(folder)])
    card = ModelCard(f"---\n{_metadata(record, title).to_yaml()}\n---\n\n{body}")
    path = folder / CARD_NAME
    write_text(path, str(card))
    return path


def _check(record: Any, repo_id: str | None) -> None:
    if not isinstance(record, Mapping):
        raise HfseqError(f"a run record must be a mapping, not {type(record).__name__}")
    for section in _SECTIONS:
        values = _check_mapping(section, record.get(section))
        for name in values if section == "metrics" else _INNER_SECTIONS.get(section, ()):
            _check_mapping(f"{section}.{name}", values.get(name))
    if repo_id is not None:
        try:
            validate_repo_id(repo_id)
        except HFValidationError as error:
            raise HfseqError(f"repo_id {repo_id!r} is not a valid id of the Hub; use the form 'user/name'") from error


def _check_mapping(name: str, value: Any) -> Mapping[str, Any]:
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
    # A model index must name a task and a data set. If the record has none, default names are used.
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
