"""The folder of a run: whose it is, and where the run in it stands."""

import shutil
from pathlib import Path
from typing import Any

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from hfseq.data.labelled import TaskData
from hfseq.errors import HfseqError
from hfseq.hub import RECORD_NAME
from hfseq.training.adapters import ADAPTER_FOLDER
from hfseq.training.arguments import RunArguments
from hfseq.training.record import RunRecord, fingerprint_settings
from hfseq.training.saved_predictions import PREDICTIONS_NAME
from hfseq.training.settings import setting_defaults


def check_output_dir(arguments: RunArguments) -> RunRecord | None:
    """The record of the same run begun earlier in this folder, if there is one.

    Raises:
        HfseqError: where the folder holds a run with other settings.
    """
    folder = arguments.folder
    if folder.exists() and not folder.is_dir():
        raise HfseqError(f"output_dir {folder} is a file; name a folder")
    if arguments.training.overwrite_output_dir:
        return None  # what is there goes when the new run is ready to start
    record = RunRecord.load(folder)
    checkpoints = bool(_checkpoints(folder))
    if record is None and not checkpoints:
        return None
    if record is not None and record.config_fingerprint == fingerprint_settings(arguments.settings):
        return record
    if record is not None and record.status != "finished" and not checkpoints:
        return None  # nothing was achieved there that could be lost
    differing = _difference(record.config if record else {}, arguments.settings)
    raise HfseqError(
        f"output_dir {folder} holds a run with other settings{differing}. Give another --output_dir, or "
        "--overwrite_output_dir to begin anew there"
    )


def _difference(earlier: dict[str, Any], settings: dict[str, Any]) -> str:
    defaults = setting_defaults()
    pairs = {
        name: [side.get(name, defaults.get(name)) for side in (earlier, settings)] for name in {*earlier, *settings}
    }
    parts = [
        f"{name} {there} there, {here} here"
        for name, (there, here) in sorted(pairs.items())
        if fingerprint_settings({name: there}) != fingerprint_settings({name: here})
    ]
    return f" ({'; '.join(parts[:3])})" if parts and earlier else ""


def check_same_data(record: RunRecord, data: TaskData, folder: Path) -> None:
    """
    Raises:
        HfseqError: where the data is not what the earlier run of this folder was trained on.
    """
    before = record.data.get("fingerprint")
    if before is not None and before != data.fingerprint:
        raise HfseqError(
            f"the data has changed since the run in {folder} began (fingerprint {before[:12]} then, "
            f"{data.fingerprint[:12]} now). Give another --output_dir, or --overwrite_output_dir to begin anew there"
        )


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end: an interruption may have left a part of one."""
    whole = [path for path in _checkpoints(folder) if (path / "trainer_state.json").is_file()]
    return str(whole[-1]) if whole else None


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if path.name.rpartition("-")[2].isdigit()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def remove_checkpoints(folder: Path) -> None:
    """Deletes all checkpoints of a folder."""
    for path in _checkpoints(folder):
        shutil.rmtree(path)


def check_same_processes(record: RunRecord, num_processes: int, folder: Path) -> None:
    """
    Raises:
        HfseqError: where the interrupted run of this folder was trained by another number of processes, which would
            cut the batches otherwise.
    """
    if last_checkpoint(folder) is not None and record.num_processes != num_processes:
        raise HfseqError(
            f"the run in {folder} was begun with {record.num_processes} processes and would go on with "
            f"{num_processes}: start as many as before, or --overwrite_output_dir to begin anew"
        )


def clear_run(folder: Path) -> None:
    """Deletes what an earlier run left that the next one would not replace."""
    for name in (RECORD_NAME, PREDICTIONS_NAME):
        (folder / name).unlink(missing_ok=True)
    if (folder / ADAPTER_FOLDER).is_dir():
        shutil.rmtree(folder / ADAPTER_FOLDER)
    remove_checkpoints(folder)


def check_writable(folder: Path) -> None:
    """
    Raises:
        HfseqError: where nothing can be written to the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".hfseq-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise HfseqError(f"cannot write to output_dir {folder}: {error.strerror or error}") from error
