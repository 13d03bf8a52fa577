"""A finished run's folder on the Hub."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from hfseq.errors import HfseqError, first_line
from hfseq.hub import RECORD_NAME
from hfseq.hub.card_text import public_name
from hfseq.hub.model_card import write_model_card

# Of the run, not of the model. Trainer leaves out checkpoints and what begins with an underscore, too.
NOT_PUSHED = ["_*", ".*", "checkpoint-*", "config.yaml", "train.log", "training_args.bin"]
# Settings of the machine, and settings that may name a place on it.
_LOCAL = ("cache_dir", "logging_dir", "output_dir", "preprocessing_num_workers")
_PLACES = ("dataset", "model", "tokenizer_name")


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
) -> str:
    """Uploads the model of a run, with its card and its record.

    Args:
        folder (`Path`): the run's folder.
        repo_id (`str`): `user/name`, or a name alone, for one's own account.
        record (`dict`): the run record, for the card.
        token (`str`, *optional*): by default the one that is logged in.
        private (`bool`, *optional*): whether a repository that does not exist yet is made private.
        revision (`str`, *optional*): the branch.

    Returns:
        `str`: the full id of the repository.

    Raises:
        HfseqError: where the Hub cannot be reached or refuses.
    """
    api = HfApi(token=token)
    with hub_errors(f"push to {repo_id!r}"):
        full_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        write_model_card(os.fspath(folder), record, repo_id=full_id)
        api.upload_folder(
            repo_id=full_id,
            folder_path=folder,
            commit_message="Model trained with hfseq",
            ignore_patterns=[*NOT_PUSHED, RECORD_NAME],
            revision=revision,
        )
        api.upload_file(
            repo_id=full_id,
            path_or_fileobj=json.dumps(public_record(record), indent=2, ensure_ascii=False).encode(),
            path_in_repo=RECORD_NAME,
            commit_message="Record of the run",
            revision=revision,
        )
    return full_id


def public_record(record: dict[str, Any]) -> dict[str, Any]:
    """A run record without the folders of the machine that it was made on.

    Args:
        record (`dict`): a run record's fields.
    """
    data = record["data"]
    name, shown = str(data.get("dataset")), public_name(data.get("dataset"))
    config = {key: value for key, value in record["config"].items() if key not in _LOCAL}
    return {
        **record,
        "config": {key: public_name(value) if key in _PLACES else value for key, value in config.items()},
        "model": {
            key: public_name(value) if key == "base_model" and value else value
            for key, value in record["model"].items()
        },
        "data": _replaced(data, name, shown) if name != shown else data,
    }


def _replaced(value: Any, old: str, new: str) -> Any:
    """A text with another in the place of a part of it, at any depth."""
    if isinstance(value, dict):
        return {key: _replaced(part, old, new) for key, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, old, new) for part in value]
    return value.replace(old, new) if isinstance(value, str) else value
