"""How a saved model reads its examples: from the record of its run, or else from what was saved with it."""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from transformers import FeatureExtractionMixin
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import cached_file
from yaml import YAMLError

from hfseq.data.yaml_files import load_yaml
from hfseq.hub import RECORD_NAME
from hfseq.plugins import load_saved_plugins
from hfseq.registry import modalities
from hfseq.training.manifest import Manifest
from hfseq.training.model_files import read_json_mapping
from hfseq.training.record import RunRecord

logger = logging.getLogger(__name__)

# Settings that are of the machine that the run was on, and not of the model.
_LOCAL = ("cache_dir", "preprocessing_num_workers")


def saved_record(source: str, revision: str) -> RunRecord | None:
    """The record of the run that made a model, where it stands beside it.

    Args:
        source (`str`): folder or Hub id.
        revision (`str`): of the Hub id.

    Raises:
        HfseqError: the record is damaged or was written by a newer hfseq, or a plug-in of the run is missing.
    """
    if Path(source).is_dir():
        return _with_plugins(RunRecord.load(source), source)
    file = _file(source, RECORD_NAME, revision)
    # Others have files of this name too, about something else.
    if file is None or not _is_record(file):
        return None
    record = RunRecord.load(file.parent)
    if record is None:
        return None
    config = {name: value for name, value in record.config.items() if name not in _LOCAL}
    return _with_plugins(dataclasses.replace(record, config=config), source)


def _with_plugins(record: RunRecord | None, source: str) -> RunRecord | None:
    """The record, with the plug-ins of its run imported."""
    if record is not None and record.config.get("plugins"):
        load_saved_plugins(record.config["plugins"], source)
    return record


def warn_of_changes(source: str, name: str) -> None:
    """Warns if files of a model are not those that its training wrote: it may give other results than the record says.

    Args:
        source (`str`): folder or Hub id.
        name (`str`): how the user called it.
    """
    manifest = Manifest.load(Path(source)) if Path(source).is_dir() else None
    problem = None if manifest is None else manifest.problem(Path(source))
    if problem is not None:
        logger.warning(
            "%s is not as its training wrote it: %s. Its results may differ from those in %s, or be wrong if files of "
            "several models were mixed",
            name,
            problem,
            RECORD_NAME,
        )


def training_data(source: str, record: RunRecord) -> str | None:
    """Where the data of the training was: as in the settings of the run, where they lie beside the model.

    The record does not name places of the machine, and so only the last part of an absolute path.

    Args:
        source (`str`): folder or Hub id.
        record (`RunRecord`): of the run.
    """
    settings = Path(source) / "config.yaml"
    try:
        given = load_yaml(settings.read_text(encoding="utf-8")) if settings.is_file() else None
    except (OSError, ValueError, YAMLError):
        given = None  # a file of this name from another program
    dataset = given.get("dataset") if isinstance(given, dict) else None
    return dataset if isinstance(dataset, str) else record.data.get("dataset")


def guess_modality(config: Any, source: str, revision: str) -> str:
    """Guesses the modality of a model without a record from its configuration and its processor.

    Args:
        config (`PreTrainedConfig`): the configuration of the model.
        source (`str`): folder or Hub id.
        revision (`str`): revision of the Hub id.

    Raises:
        OSError: the model reads numbers, but no feature extractor was saved with it.
        HfseqError: the file of its tokenizer is damaged.
    """
    reader = getattr(config, "encoder", config)
    if getattr(reader, "num_channels", None) is not None:
        processor: dict[str, Any] = {}
    elif getattr(reader, "input_features", None) is not None:
        processor, _ = FeatureExtractionMixin.get_feature_extractor_dict(source, revision=revision)
    else:
        processor = _tokenizer_settings(source, revision)
    *_, name = (name for name, modality in modalities().items() if modality.matches_model(reader, processor))
    return name


def _tokenizer_settings(source: str, revision: str) -> dict[str, Any]:
    """The settings of a tokenizer with its vocabulary. Empty if there is none."""
    settings = get_tokenizer_config(source, revision=revision)
    file = _file(source, "tokenizer.json", revision)
    model = None if file is None else read_json_mapping(file).get("model")
    return {**settings, "vocab": model.get("vocab") if isinstance(model, dict) else None}


def _file(source: str, name: str, revision: str) -> Path | None:
    """A file of a folder or of the Hub; `None` if it does not exist or cannot be downloaded."""
    try:
        found = cached_file(
            source,
            name,
            revision=revision,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_connection_errors=False,
        )
    except OSError:  # there is no such repository: loading the configuration reports it
        return None
    return None if found is None else Path(found)


def _is_record(file: Path) -> bool:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(values, dict) and {"format_version", "task", "config_fingerprint"} <= values.keys()
