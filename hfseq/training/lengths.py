"""Default of `max_length`: number of tokens of an example that are read."""

import math

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset
from transformers import AutoConfig

from hfseq.data.arguments import DEFAULT_MAX_LENGTH
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.tasks import CausalLM, Task
from hfseq.tasks.families import RECURRENT, is_recurrent_folder, scratch_family
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.checkpoints import resolve_checkpoint

_PERCENTILE = 99
# Largest default. The cost of attention grows with the square of the length.
_RECURRENT_BOUND, _ATTENTION_BOUND = 1024, 512


def encode_data(task: Task, data: TaskData, processor: object, arguments: RunArguments) -> EncodedSplits:
    """Encodes the splits, and chooses `max_length` from their lengths if it is not set.

    The choice is written to `arguments.data.max_length`: the 99th percentile of the lengths in the training split, at
    least 128, and at most 1,024 (512 for a model with attention) or what the model can read. A language model, whose
    blocks have any length, keeps 128.

    Args:
        task (`Task`): the task.
        data (`TaskData`): raw splits.
        processor: the processor.
        arguments (`RunArguments`): the settings.
    """
    settings = arguments.data
    if settings.max_length is not None or not task.modality.is_tokens or isinstance(task, CausalLM):
        return task.encode(data, processor, settings)
    settings.max_length = longest = _longest_default(arguments, processor)
    encoded = task.encode(data, processor, settings)
    lengths = {name: _input_lengths(split) for name, split in encoded.splits.items()}
    usual = math.ceil(np.percentile(lengths["train"], _PERCENTILE, method="higher"))
    settings.max_length = min(max(usual, DEFAULT_MAX_LENGTH), longest)
    if settings.max_length < max(int(split.max(initial=0)) for split in lengths.values()):
        return task.encode(data, processor, settings)
    inputs_of(processor).model_max_length = settings.max_length
    return encoded


def _longest_default(arguments: RunArguments, processor: object) -> int:
    model = arguments.model
    if model.model_type is not None:
        recurrent = scratch_family(model.model_type) == RECURRENT
    else:
        recurrent = is_recurrent_folder(model.model)
    bound = min(_RECURRENT_BOUND if recurrent else _ATTENTION_BOUND, inputs_of(processor).model_max_length)
    return bound if model.model_type is not None or recurrent else min(bound, _positions(arguments))


def _positions(arguments: RunArguments) -> int:
    """Number of positions of a checkpoint. Its tokenizer may not know it."""
    model = arguments.model
    try:
        config = AutoConfig.from_pretrained(
            resolve_checkpoint(model.model),
            revision=model.model_revision or "main",
            trust_remote_code=model.trust_remote_code,
            cache_dir=arguments.data.cache_dir,
        )
    except (OSError, ValueError):
        return _ATTENTION_BOUND  # building the model reports what is wrong
    positions = getattr(config, "max_position_embeddings", None) or _ATTENTION_BOUND
    # RoBERTa-like models count positions from after the padding id.
    return positions - 2 if "roberta" in config.model_type else positions


def _input_lengths(split: Dataset) -> np.ndarray:
    """Number of tokens of each example, without the target."""
    column = split.select_columns("input_ids").with_format("arrow")[:].column("input_ids")
    return pc.list_value_length(column).to_numpy()
