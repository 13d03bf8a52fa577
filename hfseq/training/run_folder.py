"""Checks the folder of a run: its owner, and the state of the run in it."""

import logging
from pathlib import Path
from typing import Any

from transformers.trainer import TRAINER_STATE_NAME

from hfseq.errors import HfseqError
from hfseq.hub import RECORD_NAME
from hfseq.hub.public_record import public_settings
from hfseq.modalities.shared_settings import TOKENIZER_KINDS, TokenizerSettings
from hfseq.registry import preset_names
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.manifest import MANIFEST_NAME, Manifest
from hfseq.training.record import RunRecord, fingerprint_settings
from hfseq.training.run_checkpoints import find_checkpoints
from hfseq.training.run_files import CONFIG_NAME
from hfseq.training.saved_predictions import REPORT_FILES
from hfseq.training.settings import setting_defaults
from hfseq.training.storage import check_output_name

logger = logging.getLogger(__name__)

_CONTINUED = "the run was interrupted and continued in another environment"

# In a folder without a record, these files are from another program.
_WRITTEN_OVER = ("config.json", "model.safetensors", "tokenizer.json", "training_args.bin", "README.md")
# Other files of a run.
_ALSO_WRITTEN = (RECORD_NAME, MANIFEST_NAME, CONFIG_NAME, *REPORT_FILES, "tokenizer_config.json")


def check_output_dir(arguments: RunArguments) -> RunRecord | None:
    """The record of an earlier attempt of the same run in this folder, if there is one.

    A finished run whose files do not match its manifest counts as interrupted. A warning gives the reason.

    Raises:
        HfseqError: the folder contains a run with other settings, or files that hfseq did not write.
    """
    check_output_name(arguments.training.output_dir)
    folder = arguments.folder
    if folder.exists() and not folder.is_dir():
        raise HfseqError(f"output_dir {folder} is a file; name a folder")
    above = next((path for path in folder.parents if path.exists()), None)
    if above is not None and not above.is_dir():
        raise HfseqError(f"output_dir {folder} is below {above}, which is a file; name a folder")
    for name in (*_WRITTEN_OVER, *_ALSO_WRITTEN):
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            raise HfseqError(
                f"output_dir {folder} has a folder {name}, where a run writes a file of that name. Move it away, or "
                "give another --output_dir"
            )
    _check_starting_point(arguments)
    if arguments.training.overwrite_output_dir:
        return None  # the old files are deleted when the new run is ready to start
    record = RunRecord.load(folder)
    checkpoints = [path for path in find_checkpoints(folder) if _is_resumable(path)]
    if record is None:
        _check_foreign(folder, checkpoints)
        return None
    if record.config_fingerprint == fingerprint_settings(arguments.settings):
        return _checked(record, folder)
    if record.status != "finished" and not checkpoints:
        return None  # there is nothing to lose
    raise HfseqError(
        f"output_dir {folder} holds a run with other settings{_difference(record.config, arguments.settings)}. Give "
        "another --output_dir, or --overwrite_output_dir to start again there"
    )


def _check_starting_point(arguments: RunArguments) -> None:
    """
    Raises:
        HfseqError: the model or the tokenizer that a run starts from is in its output folder.
    """
    folder, model = arguments.folder.resolve(), arguments.model
    pretrained = model.model if model.model_type is None else None
    tokenizer = arguments.data.group(TokenizerSettings).tokenizer_name
    for setting, name in (("model", pretrained), ("tokenizer_name", tokenizer)):
        if not name or name in (*preset_names(), *TOKENIZER_KINDS):
            continue
        place = Path(name).expanduser().resolve()
        if place == folder or (place.parent == folder and place in find_checkpoints(folder)):
            raise HfseqError(
                f"{setting} {name} is in output_dir {arguments.folder}, where this run would replace it. Give another "
                "--output_dir"
            )


def _is_resumable(path: Path) -> bool:
    return Manifest.load(path) is not None or (path / TRAINER_STATE_NAME).is_file()


def _check_foreign(folder: Path, checkpoints: list[Path]) -> None:
    """
    Raises:
        HfseqError: a folder without a record contains files that the run would overwrite.
    """
    found = [path.name for path in (*checkpoints, *(folder / name for name in _WRITTEN_OVER)) if path.exists()]
    if found:
        raise HfseqError(
            f"output_dir {folder} has no {RECORD_NAME}, but holds {', '.join(found[:3])}, which a run would write "
            "over. Give another --output_dir, or --overwrite_output_dir if they can go"
        )


def _checked(record: RunRecord, folder: Path) -> RunRecord:
    if record.status != "finished":
        return record
    problem = _problem_of_finished(record, folder)
    if problem is not None:
        logger.warning("the finished run in %s is damaged and is done again: %s", folder, problem)
        record.status = "interrupted"
    return record


def _problem_of_finished(record: RunRecord, folder: Path) -> str | None:
    manifest = Manifest.load(folder)
    if manifest is not None and manifest.files:
        return manifest.problem(folder)
    if record.format_version >= 2:
        return f"{MANIFEST_NAME} is missing or damaged"
    # Earlier versions wrote no manifest.
    return None if any(folder.glob("*.safetensors")) else "its weights are missing"


def _difference(earlier: dict[str, Any], settings: dict[str, Any]) -> str:
    defaults, settings = setting_defaults(), public_settings(settings)
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
        HfseqError: the data differs from that of the earlier run in this folder.
    """
    before = record.data.get("fingerprint")
    if before is not None and before != data.fingerprint:
        raise HfseqError(
            f"the data has changed since the run in {folder} began (fingerprint {before[:12]} then, "
            f"{data.fingerprint[:12]} now). Give another --output_dir, or --overwrite_output_dir to start again there"
        )


def check_same_processes(record: RunRecord, num_processes: int, checkpoint: Path | None, folder: Path) -> None:
    """
    Raises:
        HfseqError: the interrupted run in this folder had another number of processes, so that its batches were
            different.
    """
    if checkpoint is not None and record.num_processes != num_processes:
        raise HfseqError(
            f"the run in {folder} was begun with {record.num_processes} processes and would go on with "
            f"{num_processes}: start as many as before, or --overwrite_output_dir to start again"
        )


def continuation_notes(earlier: RunRecord, record: RunRecord) -> list[str]:
    """A note if an interrupted run continues in another environment, which may change its result.

    Args:
        earlier (`RunRecord`): record of the interrupted run.
        record (`RunRecord`): record of the continuation.
    """
    before, here = _environment(earlier), _environment(record)
    changed = [
        f"{name} {before[name]} then, {here[name]} now" for name in here if before.get(name, here[name]) != here[name]
    ]
    kept = [note for note in earlier.data.get("notes", []) if note.startswith(_CONTINUED)]
    return [*kept, f"{_CONTINUED} ({'; '.join(changed)})"] if changed else kept


def _environment(record: RunRecord) -> dict[str, Any]:
    found = {name: record.environment.get(name) for name in ("device", "recurrence")}
    versions = record.environment.get("versions") or {}
    found |= {name: versions.get(name) for name in ("hfseq", "torch", "transformers")}
    return {name: value for name, value in found.items() if value is not None}
