"""How a trainer saves a model, loads it again, and uploads its checkpoints."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, TrainingArguments
from transformers.trainer_utils import HubStrategy
from transformers.utils.hub import PushInProgress

from hfseq.hub.public_record import relative_name
from hfseq.hub.push import push_checkpoint, push_folder


@contextmanager
def public_arguments(args: TrainingArguments) -> Iterator[None]:
    """While it lasts, training arguments have no tokens and no absolute paths: Trainer saves them beside the model."""
    given = dict(vars(args))
    vars(args).update({name: None for name in given if name.endswith("_token")})
    vars(args).update(
        {name: relative_name(value) for name, value in given.items() if isinstance(value, str) and _is_absolute(value)}
    )
    try:
        yield
    finally:
        vars(args).update(given)


def _is_absolute(path: str) -> bool:
    return os.path.isabs(os.path.expanduser(path))


def has_renamed_weights(load_result: Any, model: PreTrainedModel) -> bool:
    """Whether a checkpoint names weights otherwise than the model in memory does.

    Tied weights, which a checkpoint has once, are removed from the missing ones.

    Args:
        load_result: the result of `model.load_state_dict`.
        model (`PreTrainedModel`): the model that was loaded.
    """
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    load_result.missing_keys[:] = [name for name in load_result.missing_keys if name not in tied]
    return bool(load_result.missing_keys and load_result.unexpected_keys)


def load_renamed_weights(model: PreTrainedModel, folder: str) -> None:
    """Loads a checkpoint whose weights have other names than those in memory.

    transformers saves some architectures with the names of weights that an earlier version had. `from_pretrained`
    translates the names; Trainer does not.

    Args:
        model (`PreTrainedModel`): the model that gets the weights.
        folder (`str`): the checkpoint.
    """
    saved = type(model).from_pretrained(folder, config=model.config, dtype=model.dtype)
    model.load_state_dict(saved.state_dict())


def push_checkpoint_in_background(trainer: Any, checkpoint: str) -> None:
    """Starts the upload of a checkpoint, unless `hub_strategy` excludes it or an earlier upload has not ended.

    Args:
        trainer (`transformers.Trainer`): the trainer, which waits for its uploads at the end of the training.
        checkpoint (`str`): the folder of the checkpoint.
    """
    args = trainer.args
    pending: Any = trainer.push_in_progress
    busy = pending is not None and not pending.is_done()
    if not trainer.is_world_process_zero() or args.hub_strategy == HubStrategy.END:
        return
    if busy and not args.hub_always_push:
        return
    trainer.callback_handler.on_push_begin(args, trainer.state, trainer.control)
    job = push_checkpoint(
        Path(checkpoint),
        str(trainer.hub_model_id),
        strategy=args.hub_strategy,
        token=args.hub_token,
        revision=args.hub_revision,
    )
    if not busy:
        pending = PushInProgress()
        trainer.push_in_progress = pending
    pending.jobs.append(job)


def push_output_dir(
    trainer: Any, commit_message: str | None, token: str | None, revision: str | None, private: bool | None
) -> str:
    """Uploads the files of the saved model in the output folder of a trainer.

    Args:
        trainer (`SequenceTrainer`): the trainer, with the record of its run, if there is one.
        commit_message (`str`, *optional*): message of the commit.
        token, revision, private (*optional*): by default `hub_token`, `hub_revision` and `hub_private_repo`.

    Returns:
        `str`: the id of the repository.
    """
    args = trainer.args
    folder = Path(str(args.output_dir))
    return push_folder(
        folder,
        trainer.hub_model_id or args.hub_model_id or folder.name,
        trainer.record or {},
        token=token or args.hub_token,
        private=args.hub_private_repo if private is None else private,
        revision=revision or args.hub_revision,
        commit_message=commit_message,
    )
