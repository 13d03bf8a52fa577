"""Upload of a run or a model to the Hub."""

from pathlib import Path

from hfseq.errors import HfseqError
from hfseq.hub.push import push_folder
from hfseq.training.manifest import Manifest
from hfseq.training.record import RunRecord


def push(
    folder: str | Path,
    repo_id: str | None = None,
    *,
    private: bool | None = None,
    token: str | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
) -> str:
    """Uploads a trained model to the Hub, with its processor, its model card and its record.

    Only files that belong to the model are uploaded, and no path of this machine.

    Args:
        folder (`str` or `Path`): the folder of a run or of a model.
        repo_id (`str`, *optional*, defaults to the name of the folder): `user/name`, or only a name for a repository
            of the user who is logged in.
        private (`bool`, *optional*): whether a new repository is private. By default as the Hub decides.
        token (`str`, *optional*): by default the token of `hf auth login`.
        revision (`str`, *optional*, defaults to `"main"`): the branch.
        commit_message (`str`, *optional*): message of the commit.

    Returns:
        `str`: the full id of the repository, for [`load_predictor`].

    Raises:
        HfseqError: there is no model in the folder, the run has not finished, or the Hub cannot be reached or refuses.

    Example:

    ```py
    >>> import hfseq
    >>> hfseq.push("runs/gru", "anna/reviews-gru", private=True)
    'anna/reviews-gru'
    ```
    """
    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise HfseqError(f"there is no model in {path}: a folder of a model has a config.json")
    record = RunRecord.load(path)
    if record is not None and record.status != "finished":
        raise HfseqError(f"the run in {path} has not finished (it is {record.status}): train it first")
    manifest = Manifest.load(path)
    return push_folder(
        path,
        repo_id or path.resolve().name,
        {} if record is None else vars(record),
        token=token,
        private=private,
        revision=revision,
        written=manifest.files if manifest is not None and manifest.files else None,
        commit_message=commit_message,
    )
