"""Configuration of the transformers for numeric inputs."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")

# Fields that are passed to every encoder.
_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_SHARED = (*_SIZES, "initializer_range")
# Fields of these that may be None. The encoder's own default is then used.
_OPTIONAL = ("intermediate_size", "max_position_embeddings")


@strict
class FeatureTransformerConfig(PreTrainedConfig):
    r"""
    Configuration of [`FeatureTransformerModel`] and of the heads built on it. Types and ranges are checked.

    Args:
        input_features (`int`, *optional*):
            Number of features per step, for inputs of shape `(batch, length, input_features)`. Required by the models.
        encoder_type (`str`, *optional*, defaults to `"modernbert"`):
            Model type of the encoder: any model of transformers whose `forward` accepts `inputs_embeds` and
            `attention_mask`. The default (Warner et al. 2024) has rotary position embeddings and local attention.
        encoder_config (`dict`, *optional*):
            Further settings of the encoder, with the names of its own configuration.
        hidden_size (`int`, *optional*, defaults to 128):
            Size of the hidden states.
        num_hidden_layers (`int`, *optional*, defaults to 2):
            Number of layers.
        num_attention_heads (`int`, *optional*, defaults to 4):
            Number of attention heads per layer.
        intermediate_size (`int`, *optional*, defaults to 256):
            Size of the feed-forward layers. `None` uses the default of the encoder. Some encoders have another name
            for it, which can be set in `encoder_config`.
        dropout (`float`, *optional*, defaults to 0.1):
            Dropout probability for all dropout layers of the encoder.
        max_position_embeddings (`int`, *optional*):
            Maximum length of a sequence. By default that of the encoder.
        initializer_range (`float`, *optional*):
            Standard deviation of the initial weights. By default `hidden_size ** -0.5`. The usual value of 0.02 is for
            hidden sizes of several hundred: with a small size, the attention weights are almost uniform, and training
            makes no progress.
        classifier_dropout (`float`, *optional*, defaults to 0.0):
            Dropout probability for the inputs of the head.
        problem_type (`str`, *optional*):
            `"single_label_classification"`, `"multi_label_classification"` or `"regression"`. By default inferred from
            the number and the dtype of the labels, as in transformers.
        vocab_size (`int`, *optional*):
            Number of symbols of a CTC head, including the blank.
        pad_token_id (`int`, *optional*):
            The blank of a CTC head.
        ctc_zero_infinity (`bool`, *optional*, defaults to `True`):
            Whether a transcript that is too long for its input has a loss of 0 instead of an infinite loss.
    """

    model_type = "hfseq_feature_transformer"
    # Saving copies the code of this folder next to the weights and lists the class in `auto_map` under this key.
    _auto_class = "AutoConfig"
    # Auto class of transformers -> file and class of the model that it loads.
    model_classes: ClassVar[dict[str, str]] = {
        "AutoModel": "modeling_feature_transformer.FeatureTransformerModel",
        "AutoModelForCTC": "modeling_ctc.FeatureTransformerForCTC",
        "AutoModelForSequenceClassification": (
            "modeling_sequence_classification.FeatureTransformerForSequenceClassification"
        ),
        "AutoModelForAudioClassification": (
            "modeling_sequence_classification.FeatureTransformerForSequenceClassification"
        ),
    }

    input_features: int | None = None
    encoder_type: str = "modernbert"
    encoder_config: dict[str, Any] | None = None
    hidden_size: int = 128
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    intermediate_size: int | None = 256
    dropout: int | float = 0.1
    max_position_embeddings: int | None = None
    initializer_range: int | float | None = None
    classifier_dropout: int | float = 0.0
    vocab_size: int | None = None
    pad_token_id: int | None = None
    ctc_zero_infinity: bool = True
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            _reject_mistyped(type(self).__name__, name, _fields(type(self)), hasattr(type(self), name))
        if self.initializer_range is None:
            self.initializer_range = max(self.hidden_size, 1) ** -0.5
        super().__post_init__(**kwargs)

    def make_encoder_config(self) -> PreTrainedConfig:
        """The configuration of the encoder, from the fields of this configuration and `encoder_config`.

        Raises:
            ValueError: the encoder does not have a setting.
        """
        config_class = _known_configurations()[self.encoder_type]
        fields = _fields(config_class)
        # The encoder does not read tokens, so its embeddings have a single row, which is that of all special tokens.
        values: dict[str, Any] = {name: 0 for name in fields if name.endswith("_token_id")} | {"vocab_size": 1}
        # The classifier of the encoder is not used.
        names = (name for name in fields if name.endswith(("dropout", "dropout_prob")) and "classifier" not in name)
        values |= {name: float(self.dropout) for name in names if not isinstance(getattr(config_class, name), bool)}
        for name in _SHARED:
            value = getattr(self, name)
            if value is None:
                continue
            if name not in {*fields, *config_class.attribute_map}:
                if name == "initializer_range":
                    continue  # it has its own initialisation
                raise ValueError(
                    f"the configuration of {self.encoder_type!r} has no {name}: "
                    + (f"set {name} to None" if name in _OPTIONAL else "choose another encoder_type")
                )
            values[name] = value
        return config_class(**values | (self.encoder_config or {}))

    @property
    def inputs_to_logits_ratio(self) -> int:
        """Input samples per output step, which the speech recognition pipeline of transformers uses to cut recordings.

        Raises:
            ValueError: always. Only the feature extractor knows the number of samples per step.
        """
        raise ValueError(
            "chunk_length_s and stride cannot be used, because this model reads whole recordings: omit them"
        )

    def validate_encoder(self) -> None:
        """transformers has the encoder and its settings, and no setting is given twice."""
        known = _known_configurations()
        if self.encoder_type not in known:
            close = difflib.get_close_matches(self.encoder_type, list(known), n=1)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"unknown encoder_type {self.encoder_type!r}{hint}")
        config_class = _known_configurations()[self.encoder_type]
        fields = _fields(config_class)
        for name in self.encoder_config or {}:
            if name in _SHARED and getattr(self, name) is not None:
                raise ValueError(
                    f"encoder_config has {name}, which is a field of {type(self).__name__}: set that field instead"
                )
            _reject_mistyped(config_class.__name__, name, fields, name in {*fields, *config_class.attribute_map})

    def validate_sizes(self) -> None:
        """Sizes are positive, and the hidden size is divisible by the number of heads."""
        for name in ("input_features", "vocab_size", *_SIZES):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if self.initializer_range is not None and self.initializer_range <= 0:
            raise ValueError(f"initializer_range must be above 0, not {self.initializer_range}")
        # Even, because rotary position embeddings rotate pairs of values.
        if self.hidden_size % (2 * self.num_attention_heads):
            raise ValueError(
                f"hidden_size ({self.hidden_size}) must be an even multiple of num_attention_heads "
                f"({self.num_attention_heads})"
            )

    def validate_probabilities(self) -> None:
        """Dropout probabilities are in [0, 1)."""
        for name in ("dropout", "classifier_dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {value}")

    def validate_outputs(self) -> None:
        """The problem type is valid, and the blank is in the vocabulary."""
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ValueError(f"problem_type must be one of {', '.join(PROBLEM_TYPES)}, not {self.problem_type!r}")
        if self.pad_token_id is not None and self.vocab_size is not None and self.pad_token_id >= self.vocab_size:
            raise ValueError(f"pad_token_id ({self.pad_token_id}) must be below vocab_size ({self.vocab_size})")


def _fields(config_class: type[PreTrainedConfig]) -> list[str]:
    return [name for name in config_class.__dataclass_fields__ if not name.startswith("_")]


def _reject_mistyped(owner: str, name: str, fields: Iterable[str], known: bool) -> None:
    # transformers stores unknown keywords as attributes, because a config.json may have any keys. A keyword that is
    # almost the name of a field is a typing error, and the default would be used without a message.
    close = [] if known else difflib.get_close_matches(name, fields, n=1, cutoff=0.85)
    if close:
        raise ValueError(f"{owner} has no field {name!r}: did you mean {close[0]!r}?")


def _known_configurations() -> Mapping[str, type[PreTrainedConfig]]:
    # Not at the top: this file is imported while transformers imports its Auto classes, to register the family.
    from transformers import CONFIG_MAPPING

    return CONFIG_MAPPING
