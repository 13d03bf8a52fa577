"""Loads a saved model with its processor, its task, and the settings for its examples."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from hfseq.data.arguments import DataArguments, data_settings
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.errors import HfseqError, first_line
from hfseq.hub import RECORD_NAME
from hfseq.inference.saved_reading import guess_modality, saved_record, training_data, warn_of_changes
from hfseq.modalities import Modality
from hfseq.registry import get_modality, get_task, tasks
from hfseq.tasks import SequenceClassification, Task
from hfseq.training.checkpoints import resolve_checkpoint, unreachable
from hfseq.training.engine import check_recurrence_engine
from hfseq.training.loading import check_trained, check_vocabulary, load_config, load_model
from hfseq.training.reading import parse_mapping
from hfseq.training.record import RunRecord

# Tokenizers without a limit of their own have a larger model_max_length than this.
_NO_LIMIT = int(1e9)


@dataclasses.dataclass(frozen=True)
class SavedModel:
    """A saved model with what is needed to use it.

    Attributes:
        model (`PreTrainedModel`): the model.
        processor: its processor.
        task (`Task`): its task.
        arguments (`DataArguments`): how examples are read.
        record (`RunRecord`, *optional*): record of the run that trained the model.
        trained_on (`str`, *optional*): the data of that run, as `dataset` in its settings.
    """

    model: PreTrainedModel
    processor: Any
    task: Task
    arguments: DataArguments
    record: RunRecord | None
    trained_on: str | None


def load_saved_model(
    model: str, *, trust_remote_code: bool = False, revision: str | None = None, device: str | None = None
) -> SavedModel:
    """Loads a model from a folder or the Hub. Arguments as in [`~hfseq.load_predictor`]."""
    check_recurrence_engine()
    chosen = _device(device)
    source = resolve_checkpoint(model)
    warn_of_changes(source, model)
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code, "revision": revision or "main"}
    # The plug-ins of the run are imported with its record: the configuration may need their cells.
    record = saved_record(source, options["revision"])
    config = load_config(source, model, **options)
    task_class = _task_class(config, record)
    try:
        modality = _modality_of(config, record, source, options["revision"])
        processor = task_class.load_processor(modality, source, **options)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_processor(model, error) from error
    loaded = load_model(task_class, source, model, **options)
    check_trained(loaded, model, task_class)
    if modality.is_tokens:
        check_vocabulary(inputs_of(processor), loaded.model, model)
    arguments = _arguments_of(record, loaded.model, inputs_of(processor))
    task = task_class.from_saved(loaded.model, processor, arguments, modality.for_processor(inputs_of(processor)))
    trained_on = training_data(source, record) if record else None
    return SavedModel(loaded.model.to(chosen), processor, task, arguments, record, trained_on)


def _device(name: str | None) -> torch.device:
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise HfseqError(f"unknown device {name!r}: {first_line(error)}") from error


def _task_class(config: Any, record: RunRecord | None) -> type[Task]:
    if record is not None:
        return get_task(record.task)
    return next((task for task in tasks().values() if task.matches(config)), SequenceClassification)


def _modality_of(config: Any, record: RunRecord | None, source: str, revision: str) -> Modality:
    if record is None:
        return get_modality(guess_modality(config, source, revision))
    return get_modality(record.data.get("modality", "text"))


def _no_processor(name: str, error: Exception) -> HfseqError:
    if isinstance(error, HfseqError) or not Path(name).expanduser().is_dir():
        return unreachable("model", name, error)
    return HfseqError(
        f"the folder {name} has no usable processor ({first_line(error)}). Copy the files of the processor that the "
        "model was trained with into it, such as tokenizer.json or preprocessor_config.json"
    )


def _arguments_of(record: RunRecord | None, model: PreTrainedModel, processor: Any) -> DataArguments:
    """How examples were read in training, as far as the record or the processor tells."""
    names = data_settings()
    given = {key: value for key, value in record.config.items() if key in names} if record else {}
    known = parse_mapping(given, where=f"the settings in {RECORD_NAME}")
    if hasattr(processor, "model_max_length"):
        positions = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
        trained = (record.data.get("max_length") if record else None) or _NO_LIMIT
        known["max_length"] = min(processor.model_max_length, positions, trained, _NO_LIMIT)
        side = "tail" if processor.truncation_side == "left" else "head"
        known["truncation"] = (record.data.get("truncation") if record else None) or side
    return DataArguments(**known)
