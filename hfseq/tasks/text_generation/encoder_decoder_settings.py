"""Configuration of encoder-decoder models: settings that follow from the data, and settings of the user."""

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from hfseq.errors import HfseqError, nearest
from hfseq.modalities import Modality

RECURRENT = "hfseq_encoder_decoder"
VISION = "vision-encoder-decoder"


def check_overrides(config: PreTrainedConfig, overrides: Mapping[str, Any]) -> None:
    """Checks that a configuration has the settings of the user. transformers would store unknown ones without effect.

    Args:
        config (`PreTrainedConfig`): the configuration.
        overrides (`dict`): settings of the user.

    Raises:
        HfseqError: if the configuration does not have one of the settings.
    """
    known = {name for name in config.to_dict() if not name.startswith("_")} | set(config.attribute_map)
    for name in overrides:
        if name not in known:
            raise HfseqError(f"the configuration of {config.model_type!r} has no {name!r}: {nearest(name, known)}")


def encoder_decoder_settings(
    model_type: str,
    modality: Modality,
    sources: Mapping[str, Any],
    targets: Mapping[str, Any],
    positions: tuple[int, int],
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """Settings of the configuration of an encoder-decoder.

    Args:
        model_type (`str`): the architecture.
        modality (`Modality`): modality of the sources.
        sources (`dict`): settings of the encoder that follow from the inputs.
        targets (`dict`): settings of the decoder that follow from the tokenizer: vocabulary and special tokens.
        positions (`tuple[int, int]`): maximum numbers of tokens of a source and of a target.
        overrides (`dict`): settings of the user. `encoder` and `decoder` hold those of the sub-models.

    Raises:
        HfseqError: if the architecture of a sub-model is unknown or does not have a setting, or if the architecture
            does not read this modality.
    """
    rest = {name: value for name, value in overrides.items() if name not in ("encoder", "decoder")}
    if model_type in (RECURRENT, VISION):
        default = "vit" if model_type == VISION else modality.encoder_model_type
        encoder = _sub_model("encoder", overrides, default, sources, positions[0])
    if model_type == RECURRENT:
        # A comparison varies the cell type: encoder and decoder have the same one, unless the settings differ.
        if encoder["model_type"] == "hfseq_recurrent" and "cell_type" in rest:
            encoder.setdefault("cell_type", rest["cell_type"])
        return {**targets, "encoder": encoder, **rest}
    if model_type == VISION:
        as_decoder = {**targets, "is_decoder": True, "add_cross_attention": True}
        decoder = _sub_model("decoder", overrides, "gpt2", as_decoder, positions[1])
        return {
            **_supported(CONFIG_MAPPING[VISION](), targets),
            **targets,
            "encoder": encoder,
            "decoder": decoder,
            **rest,
        }
    default_config = CONFIG_MAPPING[model_type]()
    if not default_config.is_encoder_decoder:
        raise HfseqError(
            f"model_type {model_type!r} has no decoder to generate text; use hfseq_encoder_decoder, bart or marian"
        )
    if not modality.is_tokens:
        raise HfseqError(f"model_type {model_type!r} does not read {modality.name}; use hfseq_encoder_decoder")
    settings = _supported(
        default_config, {**sources, **targets, "forced_eos_token_id": None, "max_position_embeddings": max(positions)}
    )
    if hasattr(default_config, "decoder_vocab_size"):
        settings["decoder_vocab_size"] = targets["vocab_size"]
    return {**settings, "decoder_start_token_id": targets["decoder_start_token_id"], **overrides}


def _sub_model(
    name: str, overrides: Mapping[str, Any], default: str, values: Mapping[str, Any], positions: int
) -> dict[str, Any]:
    given = dict(overrides.get(name) or {})
    model_type = given.pop("model_type", default)
    if model_type not in CONFIG_MAPPING:
        raise HfseqError(f"{name}: model_type {model_type!r} is not known to transformers: "
                         f"{nearest(str(model_type), CONFIG_MAPPING)}")  # fmt: skip
    default_config = CONFIG_MAPPING[model_type]()
    check_overrides(default_config, given)
    settings = _supported(default_config, {**values, "max_position_embeddings": positions})
    return {"model_type": model_type, **settings, **given}


def _supported(default_config: PreTrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values for which the configuration has a setting."""
    return {name: value for name, value in values.items() if hasattr(default_config, name)}
