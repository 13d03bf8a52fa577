"""The files of a run. They are written to a staging folder and then moved; only files of hfseq are deleted."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hfseq.data.yaml_files import dump_yaml
from hfseq.hub import RECORD_NAME
from hfseq.training.adapters import ADAPTER_FOLDER
from hfseq.training.arguments import RunArguments
from hfseq.training.manifest import MANIFEST_NAME, Manifest
from hfseq.training.run_checkpoints import CheckpointKeeper
from hfseq.training.saved_predictions import REPORT_FILES
from hfseq.writing import write_text

CONFIG_NAME = "config.yaml"
_CONFIG_HEAD = "# Written by hfseq: the settings of the run in this folder.\n"
_STAGING_NAME = ".saving"


def clear_run(folder: Path) -> None:
    """Deletes the files of an earlier run of hfseq: those in its manifest, its record, and its checkpoints."""
    is_adapter = (folder / ADAPTER_FOLDER / "adapter_config.json").is_file() and (folder / RECORD_NAME).is_file()
    if is_adapter and Manifest.load(folder) is None:
        shutil.rmtree(folder / ADAPTER_FOLDER)  # written by a version without manifests
    clear_model(folder)
    for name in (RECORD_NAME, *REPORT_FILES):
        _delete_file(folder, name)


def clear_model(folder: Path) -> None:
    """Deletes the saved model of a run of hfseq and its checkpoints: the files in its manifest. Its record stays."""
    manifest = Manifest.load(folder)
    if manifest is not None:
        keeper = CheckpointKeeper(folder, manifest.run, limit=None)
        for path in keeper.own():
            keeper.delete(path)
        for name in manifest.files:
            _delete_file(folder, name)
    _delete_file(folder, MANIFEST_NAME)


def _delete_file(folder: Path, name: str) -> None:
    path = folder / name
    # Never follows a link to another folder.
    if any(parent.is_symlink() for parent in path.parents if folder in parent.parents):
        return
    path.unlink(missing_ok=True)
    with suppress(OSError):  # not empty, or the run's folder itself
        if path.parent != folder:
            path.parent.rmdir()


def staging_folder(folder: Path, empty: bool = True) -> Path:
    """Makes a folder next to the files of a run for new files. [`install`] moves them to their places.

    Args:
        folder (`Path`): the run's folder.
        empty (`bool`, *optional*, defaults to `True`): whether to empty it first. One process of a run does so.
    """
    staging = folder / _STAGING_NAME
    if not empty:
        return staging
    if staging.is_symlink() or staging.is_file():
        staging.unlink()
    elif staging.exists():
        shutil.rmtree(staging)  # of a run that was killed
    staging.mkdir(parents=True)
    return staging


def install(staging: Path, folder: Path) -> None:
    """Moves the files of a staging folder into the run's folder, each completely or not at all.

    If a link has the name of a file or a folder, it is replaced. Its target is not changed.

    Args:
        staging (`Path`): from [`staging_folder`]. It is removed.
        folder (`Path`): the run's folder.
    """
    for path in sorted(staging.rglob("*")):  # a folder comes before its files
        target = folder / path.relative_to(staging)
        if path.is_dir():
            if target.is_symlink():
                target.unlink()
            target.mkdir(exist_ok=True)
        else:
            os.replace(path, target)
    shutil.rmtree(staging)


def write_config(arguments: RunArguments, replace: bool = False) -> Path:
    """Writes the settings of a run as `config.yaml` into its folder: `hfseq train FOLDER/config.yaml` repeats it.

    Args:
        arguments (`RunArguments`): the run.
        replace (`bool`, *optional*, defaults to `False`): whether to replace a file of this name that hfseq did not
            write.

    Returns:
        `Path`: the file.
    """
    path = arguments.folder / CONFIG_NAME
    if path.exists() and not (replace or _is_own_config(path)):
        return path
    settings = {**arguments.settings, "output_dir": str(arguments.folder)}
    # Only the first attempt overwrites. The file is for repeating and resuming the run.
    settings.pop("overwrite_output_dir", None)
    write_text(path, _CONFIG_HEAD + dump_yaml(settings))
    return path


def _is_own_config(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(_CONFIG_HEAD)) == _CONFIG_HEAD


@contextmanager
def resume_note(arguments: RunArguments) -> Iterator[None]:
    """Adds to an interruption how the run can be resumed."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        interruption.add_note(_resume_hint(arguments.folder))
        raise


def _resume_hint(folder: Path) -> str:
    """A sentence on how an interrupted run can be resumed."""
    manifest, config = Manifest.load(folder), folder / CONFIG_NAME
    if not (folder / RECORD_NAME).is_file():
        return "nothing had been written yet; the same command starts it again"
    whole = [name for name in (manifest.checkpoints if manifest else []) if Manifest.load(folder / name)]
    start = f"from {max(whole, key=lambda name: int(name.rpartition('-')[2]))}" if whole else "from the start"
    if config.is_file() and _is_own_config(config):
        return f"to continue {start}: hfseq train {config}"
    return f"the same command continues {start}"
