"""A finished run's folder on the Hub."""

import json
import os
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from hfseq.errors import HfseqError, first_line
from hfseq.hub import RECORD_NAME
from hfseq.hub.model_card import write_model_card
from hfseq.hub.public_record import public_record
from hfseq.hub.pushed_files import checkpoint_files, pushed_files


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Turns what goes wrong with the Hub into an HfseqError that says what was tried.

    Args:
        what (`str`): for example `"push to 'me/model'"`.
    """
    try:
        yield
    except (HfHubHTTPError, LocalTokenNotFoundError, httpx.HTTPError, ConnectionError) as error:
        raise HfseqError(
            f"cannot {what}: {first_line(error)}. Check the connection, HF_ENDPOINT and the token (`hf auth login`); "
            "what was trained is kept, and the same command tries again"
        ) from error


def push_folder(
    folder: Path,
    repo_id: str,
    record: dict[str, Any],
    *,
    token: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    written: Collection[str] | None = None,
    commit_message: str | None = None,
) -> str:
    """Uploads the model of a run, with its card and its record: see [`pushed_files`].

    Args:
        folder (`Path`): the run's folder.
        repo_id (`str`): `user/name`, or a name alone, for one's own account.
        record (`dict`): the run record, for the card; may be empty.
        token (`str`, *optional*): by default the one that is logged in.
        private (`bool`, *optional*): whether a repository that does not exist yet is made private.
        revision (`str`, *optional*): the branch.
        written (`Collection[str]`, *optional*): the names of the files that hfseq wrote into the folder. By default
            they are told by their names alone.

    Returns:
        `str`: the full id of the repository.

    Raises:
        HfseqError: where the Hub cannot be reached or refuses, or a file is a link out of the folder.
    """
    pushed_files(folder, written)  # what is wrong with the folder is told before anything is created
    api = HfApi(token=token)
    with hub_errors(f"push to {repo_id!r}"):
        full_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        write_model_card(os.fspath(folder), record, repo_id=full_id)
        files: dict[str, Any] = dict(pushed_files(folder, written))
        if record:
            files[RECORD_NAME] = json.dumps(public_record(record), indent=2, ensure_ascii=False).encode()
        api.create_commit(
            full_id,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message=commit_message or "Model trained with hfseq",
            revision=revision,
        )
    return full_id


def push_checkpoint(
    folder: Path, repo_id: str, *, strategy: str, token: str | None = None, revision: str | None = None
) -> Future:
    """Uploads the model of a checkpoint while the training goes on.

    Args:
        folder (`Path`): the checkpoint.
        repo_id (`str`): an existing repository.
        strategy (`str`): `hub_strategy`: with `checkpoint` and `all_checkpoints` also what a training needs to go on
            from there, in the folder `last-checkpoint` or `checkpoint-N`.
        token (`str`, *optional*): by default the one that is logged in.
        revision (`str`, *optional*): the branch.

    Returns:
        `Future`: the upload.
    """
    files: dict[str, Any] = dict(pushed_files(folder))
    if strategy in ("checkpoint", "all_checkpoints"):
        place = "last-checkpoint" if strategy == "checkpoint" else folder.name
        files |= {f"{place}/{name}": content for name, content in checkpoint_files(folder).items()}
    step = folder.name.rpartition("-")[2]
    return HfApi(token=token).create_commit(
        repo_id,
        [CommitOperationAdd(name, content) for name, content in files.items()],
        commit_message=f"Training in progress, step {step}",
        revision=revision,
        run_as_future=True,
    )
