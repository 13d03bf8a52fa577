"""Loads the weights of a saved model. An error names missing weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import Filter, LogRecord, getLogger
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedModel

from hfseq.errors import HfseqError, first_line, last_line
from hfseq.tasks import Task
from hfseq.training.checkpoints import unreachable
from hfseq.training.model_files import listed
from hfseq.training.model_parts import is_of_body

# Parts of a body that published checkpoints often lack and that a training learns: BERT's pooler, which masked
# language models do not have, and the mask vector of wav2vec 2.0.
_LEARNED_PARTS = ("pooler.", "masked_spec_embed")
# Buffers that hold nothing learned.
_BUFFERS = ("position_ids", "num_batches_tracked")


@dataclass(frozen=True)
class LoadedModel:
    """A model, and the weights that are not in its checkpoint.

    Attributes:
        model (`PreTrainedModel`): the model.
        missing (`set[str]`): names of weights that are not in the checkpoint.
        mismatched (`set[str]`): names of weights that have another shape there.
    """

    model: Any
    missing: set[str]
    mismatched: set[str]

    @property
    def fresh(self) -> set[str]:
        """Names of the weights that are initialised at random."""
        return self.missing | self.mismatched


def load_config(source: str, name: str, **options: Any) -> Any:
    """The configuration of a saved model.

    Args:
        source (`str`): folder or Hub id.
        name (`str`): name that the user gave.
        options: those of `AutoConfig.from_pretrained`.

    Raises:
        HfseqError: it cannot be downloaded, or a value in it is not valid.
    """
    try:
        return AutoConfig.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        raise unreachable("model", name, error) from error
    except Exception as error:  # whatever the class of the configuration raises for a value that does not fit
        raise HfseqError(f"the configuration of {name!r} is not valid: {last_line(error)}") from error


def load_model(task: type[Task] | Task, source: str, name: str, **options: Any) -> LoadedModel:
    """Loads a model of a task's Auto class.

    Args:
        task (`Task`): an instance or the class.
        source (`str`): folder or Hub id.
        name (`str`): name that the user gave.
        options: those of `from_pretrained`.

    Raises:
        HfseqError: it cannot be loaded, or a weight is not a number.
    """
    try:
        with _without_load_report():
            model, found = task.auto_class.from_pretrained(
                source, ignore_mismatched_sizes=True, output_loading_info=True, **options
            )
    except OSError as error:
        raise unreachable("model", name, error) from error
    except Exception as error:  # whatever the model's own code raises for a configuration that does not fit
        raise HfseqError(f"{name!r} cannot be loaded as a model for {task.name}: {first_line(error)}") from error
    check_weights(model, name)
    mismatched = {key for key, *_ in found["mismatched_keys"]}
    return LoadedModel(model, set(found["missing_keys"]) - mismatched, mismatched)


def check_trained(loaded: LoadedModel, name: str, task: type[Task]) -> None:
    """Checks that every weight of a model for inference comes from its checkpoint.

    Raises:
        HfseqError: some would be random; the message names them.
    """
    if loaded.mismatched:
        raise HfseqError(
            f"the weights of {name!r} do not fit its config.json: {listed(sorted(loaded.mismatched))} have another "
            "shape. Restore the config.json that belongs to the weights"
        )
    missing = sorted(key for key in loaded.missing if not key.endswith(_BUFFERS))
    if not missing:
        return
    if any(is_of_body(loaded.model, key) for key in missing) and loaded.model.base_model is not loaded.model:
        raise HfseqError(f"{name!r} lacks weights of its own: {listed(missing)}. Copy or download it again")
    raise HfseqError(
        f"{name!r} has no trained weights for {task.name}: {listed(missing)} are missing, and random ones would give "
        f"random results. Train it first (hfseq train --model {name} --dataset ...), or name a model that was trained "
        f"for {task.name}"
    )


def check_body(loaded: LoadedModel, name: str) -> None:
    """Checks that the body of a model for further training comes from its checkpoint.

    Raises:
        HfseqError: some of its weights would be random; the message names them.
    """
    misfits = sorted(key for key in loaded.mismatched if is_of_body(loaded.model, key))
    if misfits:
        raise HfseqError(
            f"the weights of {name!r} have another shape than its configuration says: {listed(misfits)}. Leave out "
            "the config_overrides that change them, or restore its config.json"
        )
    missing = sorted(
        key
        for key in loaded.missing
        if is_of_body(loaded.model, key) and not any(part in key for part in (*_LEARNED_PARTS, *_BUFFERS))
    )
    if missing:
        raise HfseqError(
            f"{name!r} lacks weights of the pretrained model: {listed(missing)}. Copy or download it again, or train "
            "the architecture from scratch with --model_type"
        )


def check_weights(model: PreTrainedModel, name: str) -> None:
    """Checks that all parameters are numbers.

    Raises:
        HfseqError: one holds NaN or infinity.
    """
    damaged = [key for key, value in model.named_parameters() if not bool(torch.isfinite(value).all())]
    if damaged:
        raise HfseqError(
            f"the weights of {name!r} hold NaN or infinity, as after a training that diverged: {listed(damaged)}. "
            "Train it again, with a lower --learning_rate"
        )


def check_vocabulary(tokenizer: Any, model: Any, name: str) -> None:
    """Checks that a model has an embedding for each token of its tokenizer.

    Raises:
        HfseqError: the tokenizer has more.
    """
    size = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > size:
        raise HfseqError(
            f"the tokenizer has {len(tokenizer):,} tokens, but the model {name!r} has embeddings for {size:,}: use "
            "the tokenizer that the model was trained with"
        )


class _LoadReportFilter(Filter):
    def filter(self, record: LogRecord) -> bool:
        return "LOAD REPORT" not in record.getMessage()


@contextmanager
def _without_load_report() -> Iterator[None]:
    """Hides the table of missing weights of transformers. hfseq reports them as errors, or expects a new head."""
    logger, report = getLogger("transformers.modeling_utils"), _LoadReportFilter()
    logger.addFilter(report)
    try:
        yield
    finally:
        logger.removeFilter(report)
