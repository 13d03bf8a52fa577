"""Upload of a run or a checkpoint to the Hub."""

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
def hub_errors(action: str) -> Iterator[None]:
    """Converts errors of the Hub and of the connection to an HfseqError.

    Args:
        action (`str`): name of the action in the error message, for example `"push to 'me/model'"`.

    Raises:
        HfseqError: the Hub cannot be reached, or it rejects the request.
    """
    try:
        yield
    except (HfHubHTTPError, LocalTokenNotFoundError, httpx.HTTPError, ConnectionError) as error:
        raise HfseqError(
            f"cannot {action}: {first_line(error)}. Check the connection, HF_ENDPOINT and the token "
            "(`hf auth login`). The trained model is saved; run the same command again to retry"
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
    """Uploads the model of a run with its model card and its record. [`pushed_files`] lists the files.

    Args:
        folder (`Path`): folder of the run.
        repo_id (`str`): `user/name`, or only a name for a repository of the logged-in user.
        record (`dict`): the run record, for the model card; may be empty.
        token (`str`, *optional*, defaults to the token of `hf auth login`): token of the Hub.
        private (`bool`, *optional*): whether a new repository is private.
        revision (`str`, *optional*, defaults to the main branch): branch to push to.
        written (`Collection[str]`, *optional*): names of the files that hfseq wrote into the folder. Other files are
            not uploaded. By default, files are selected by their names only.
        commit_message (`str`, *optional*, defaults to `"Model trained with hfseq"`): message of the commit.

    Returns:
        `str`: full id of the repository.

    Raises:
        HfseqError: the Hub cannot be reached, it rejects the upload, or a file is a link to a file outside the folder.
    """
    pushed_files(folder, written)  # checks the folder before the repository is created
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
    """Uploads the model of a checkpoint in the background, while the training continues.

    Args:
        folder (`Path`): folder of the checkpoint.
        repo_id (`str`): id of an existing repository.
        strategy (`str`): `hub_strategy` of the training arguments. With `checkpoint` and `all_checkpoints`, the files
            that are needed to resume the training are also uploaded, to the folder `last-checkpoint` or
            `checkpoint-N`.
        token (`str`, *optional*, defaults to the token of `hf auth login`): token of the Hub.
        revision (`str`, *optional*, defaults to the main branch): branch to push to.

    Returns:
        `Future`: the upload.
    """
    files: dict[str, Any] = dict(pushed_files(folder))
    if strategy in ("checkpoint", "all_checkpoints"):
        subfolder = "last-checkpoint" if strategy == "checkpoint" else folder.name
        files |= {f"{subfolder}/{name}": content for name, content in checkpoint_files(folder).items()}
    step = folder.name.rpartition("-")[2]
    return HfApi(token=token).create_commit(
        repo_id,
        [CommitOperationAdd(name, content) for name, content in files.items()],
        commit_message=f"Training in progress, step {step}",
        revision=revision,
        run_as_future=True,
    )
