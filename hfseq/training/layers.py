"""Default settings of a run, in layers: family of models < built-in data set < preset < settings that were given."""

from collections.abc import Mapping
from typing import Any

from hfseq.data.builtin import builtin_settings
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX
from hfseq.errors import HfseqError
from hfseq.registry import family_settings, preset_names, preset_settings
from hfseq.tasks.families import RECURRENT_WHOLE, is_recurrent_folder, scratch_family
from hfseq.training.family_defaults import FAMILY_DEFAULTS, PRESET_TRAINING
from hfseq.training.model_arguments import ModelArguments, check_finetuning
from hfseq.training.reading import layer, parse_mapping

DEFAULT_DATASET = "builtin:docstrings"


def with_preset(given: Mapping[str, Any], task: str, modality: str, like: str | None) -> dict[str, Any]:
    """The settings over those of the preset that `model` names, if it names one.

    Args:
        given (`Mapping[str, Any]`): the settings that were given.
        task (`str`): the task of the run.
        modality (`str`): the modality of the run.
        like (`str`, *optional*): the modality whose presets this modality shares.
    """
    model = given.get("model", ModelArguments.model)
    if given.get("model_type") is not None or model not in preset_names():
        return dict(given)
    preset = preset_settings(model, task, modality, like)
    # The settings of a built-in data set are more specific than those of a preset.
    source = _source_settings(given)
    preset |= {name: value for name, value in source.items() if name in preset}
    return layer(parse_mapping(preset, where=f"preset {model!r}"), given)


def family_layer(given: Mapping[str, Any], family: str, task: str, modality: str, like: str | None) -> dict[str, Any]:
    """The default settings of a family of models, for the task, the modality and the data set of a run.

    Args:
        given (`Mapping[str, Any]`): the settings of the run, those of its preset included.
        family (`str`): the family, see [`family_of`].
        task (`str`): the task of the run.
        modality (`str`): the modality of the run.
        like (`str`, *optional*): the modality whose settings this modality shares.
    """
    source = _source_settings(given)
    if given.get("model_type") is None:
        source.pop("tokenizer_name", None)  # a checkpoint has its own
    return {
        **FAMILY_DEFAULTS[family],
        **family_settings(family, task, modality, like),
        **PRESET_TRAINING.get((given.get("model", ""), family), {}),
        **source,
    }


def _source_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The default settings of a built-in data set."""
    dataset = given.get("dataset", DEFAULT_DATASET)
    return builtin_settings(dataset.removeprefix(BUILTIN_PREFIX)) if dataset.startswith(BUILTIN_PREFIX) else {}


def family_of(given: Mapping[str, Any]) -> str:
    """The family of the model: by its architecture from scratch, or by the part of a pretrained model that is trained.

    Raises:
        HfseqError: `finetuning` is given for a model from scratch.
    """
    model_type, finetuning = given.get("model_type"), given.get("finetuning")
    check_finetuning(finetuning)
    if model_type is None:
        if finetuning in (None, "whole") and is_recurrent_folder(given.get("model", "")):
            return RECURRENT_WHOLE
        return finetuning if finetuning in FAMILY_DEFAULTS else "whole"
    if finetuning is not None:
        raise HfseqError(
            f"finetuning {finetuning!r} is for a pretrained model, but this run trains {model_type!r} from scratch"
        )
    return scratch_family(model_type)
