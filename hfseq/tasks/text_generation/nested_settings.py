"""Configurations of models with two halves, from what is known of the data and what the user sets."""

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from hfseq.errors import HfseqError, nearest
from hfseq.modalities import Modality

RECURRENT = "hfseq_encoder_decoder"
VISION = "vision-encoder-decoder"


def check_overrides(config: PreTrainedConfig, overrides: Mapping[str, Any]) -> None:
    """
    Raises:
        HfseqError: where the configuration has no such setting: transformers would store it, and nobody would read it.
    """
    known = {name for name in config.to_dict() if not name.startswith("_")} | set(config.attribute_map)
    for name in overrides:
        if name not in known:
            raise HfseqError(f"the configuration of {config.model_type!r} has no {name!r}: {nearest(name, known)}")


def writer_settings(
    model_type: str,
    modality: Modality,
    sources: Mapping[str, Any],
    targets: Mapping[str, Any],
    positions: tuple[int, int],
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """The settings of a model that reads sources and writes targets.

    Args:
        model_type (`str`): the architecture.
        modality (`Modality`): modality of the sources.
        sources (`dict`): what an encoder's configuration is told of the inputs.
        targets (`dict`): what a decoder's configuration is told of the vocabulary and its special tokens.
        positions (`tuple[int, int]`): the most tokens of a source and of a target.
        overrides (`dict`): the user's settings; those of the halves under `encoder` and `decoder`.

    Raises:
        HfseqError: where a half is of an unknown architecture or has no such setting, or the architecture does not
            read such sources.
    """
    rest = {name: value for name, value in overrides.items() if name not in ("encoder", "decoder")}
    if model_type in (RECURRENT, VISION):
        default = "vit" if model_type == VISION else modality.encoder_model_type
        encoder = _half("encoder", overrides, default, sources, positions[0])
    if model_type == RECURRENT:
        # Cell types are an axis of a comparison: both halves have the same unless one says otherwise.
        if encoder["model_type"] == "hfseq_recurrent" and "cell_type" in rest:
            encoder.setdefault("cell_type", rest["cell_type"])
        return {**targets, "encoder": encoder, **rest}
    if model_type == VISION:
        as_decoder = {**targets, "is_decoder": True, "add_cross_attention": True}
        decoder = _half("decoder", overrides, "gpt2", as_decoder, positions[1])
        return {**_known(CONFIG_MAPPING[VISION](), targets), **targets, "encoder": encoder, "decoder": decoder, **rest}
    blank = CONFIG_MAPPING[model_type]()
    if not blank.is_encoder_decoder:
        raise HfseqError(
            f"model_type {model_type!r} has no decoder to write with; hfseq_encoder_decoder, bart and marian do"
        )
    if not modality.is_tokens:
        raise HfseqError(f"model_type {model_type!r} does not read {modality.name}; hfseq_encoder_decoder does")
    told = _known(
        blank, {**sources, **targets, "forced_eos_token_id": None, "max_position_embeddings": max(positions)}
    )
    if hasattr(blank, "decoder_vocab_size"):
        told["decoder_vocab_size"] = targets["vocab_size"]
    return {**told, "decoder_start_token_id": targets["decoder_start_token_id"], **overrides}


def _half(
    name: str, overrides: Mapping[str, Any], default: str, values: Mapping[str, Any], positions: int
) -> dict[str, Any]:
    given = dict(overrides.get(name) or {})
    model_type = given.pop("model_type", default)
    if model_type not in CONFIG_MAPPING:
        raise HfseqError(f"{name}: model_type {model_type!r} is not known to transformers: "
                         f"{nearest(str(model_type), CONFIG_MAPPING)}")  # fmt: skip
    blank = CONFIG_MAPPING[model_type]()
    check_overrides(blank, given)
    told = _known(blank, {**values, "max_position_embeddings": positions})
    return {"model_type": model_type, **told, **given}


def _known(blank: PreTrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that the configuration has a place for."""
    return {name: value for name, value in values.items() if hasattr(blank, name)}
