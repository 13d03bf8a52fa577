"""Configuration of the attention models for numeric inputs."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")

# Our fields that every encoder is told of.
_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_SHARED = (*_SIZES, "initializer_range")
# Those of them that may be None, and are then left to the encoder.
_OPTIONAL = ("intermediate_size", "max_position_embeddings")


@strict
class FeatureTransformerConfig(PreTrainedConfig):
    r"""
    Configuration of [`FeatureTransformerModel`] and of the heads built on it. Types and ranges are checked.

    Args:
        input_features (`int`, *optional*):
            Size of one step, for inputs of shape `(batch, length, input_features)`. The models need it.
        encoder_type (`str`, *optional*, defaults to `"modernbert"`):
            The model type of the encoder: any of transformers whose forward takes `inputs_embeds` and
            `attention_mask`. The default (Warner et al. 2024) has rotary positions and attention within a window.
        encoder_config (`dict`, *optional*):
            Further settings of the encoder, by the names of its own configuration.
        hidden_size (`int`, *optional*, defaults to 128):
            Size of the hidden states.
        num_hidden_layers (`int`, *optional*, defaults to 2):
            Number of layers.
        num_attention_heads (`int`, *optional*, defaults to 4):
            Number of attention heads of a layer.
        intermediate_size (`int`, *optional*, defaults to 256):
            Size of the feed-forward part of a layer. `None` leaves it to the encoder: some have another name for it,
            to be given in `encoder_config`.
        dropout (`float`, *optional*, defaults to 0.1):
            Probability of dropping an element, wherever the encoder drops any.
        max_position_embeddings (`int`, *optional*):
            The longest sequence; by default the encoder's own.
        initializer_range (`float`, *optional*):
            Standard deviation of the initial weights; by default one over the root of `hidden_size`. The encoders' own
            0.02 is meant for several hundred units: with few, attention hardly tells steps apart, and training stalls.
        classifier_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping an element of what the head reads.
        problem_type (`str`, *optional*):
            `"single_label_classification"`, `"multi_label_classification"` or `"regression"`; where not given, the
            head takes it from the number of labels and the type of the labels, as transformers does.
        vocab_size (`int`, *optional*):
            Number of symbols that a CTC head tells apart, the blank included.
        pad_token_id (`int`, *optional*):
            The blank of a CTC head.
        ctc_zero_infinity (`bool`, *optional*, defaults to `True`):
            Whether a transcript that does not fit into its input counts nothing, instead of making the loss infinite.
    """

    model_type = "hfseq_feature_transformer"
    # Saving copies this folder's code beside the weights, and names the class under this key of `auto_map`.
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
            _refuse_mistyped(type(self).__name__, name, _fields(type(self)), hasattr(type(self), name))
        if self.initializer_range is None:
            self.initializer_range = max(self.hidden_size, 1) ** -0.5
        super().__post_init__(**kwargs)

    def make_encoder_config(self) -> PreTrainedConfig:
        """The configuration of the encoder: our fields under its names, then what `encoder_config` says.

        Raises:
            ValueError: if the encoder knows nothing of a setting.
        """
        config_class = _known_configurations()[self.encoder_type]
        fields = _fields(config_class)
        # It reads no tokens: of the table of embeddings a single row is left, which every special token may stand for.
        values: dict[str, Any] = {name: 0 for name in fields if name.endswith("_token_id")} | {"vocab_size": 1}
        # An encoder's classifier is not used.
        names = (name for name in fields if name.endswith(("dropout", "dropout_prob")) and "classifier" not in name)
        values |= {name: float(self.dropout) for name in names if not isinstance(getattr(config_class, name), bool)}
        for name in _SHARED:
            value = getattr(self, name)
            if value is None:
                continue
            if name not in {*fields, *config_class.attribute_map}:
                if name == "initializer_range":
                    continue  # it starts in a way of its own
                raise ValueError(
                    f"the configuration of {self.encoder_type!r} has no {name}: "
                    + (f"set {name} to None" if name in _OPTIONAL else "choose another encoder_type")
                )
            values[name] = value
        return config_class(**values | (self.encoder_config or {}))

    @property
    def inputs_to_logits_ratio(self) -> int:
        """What the speech recognition pipeline of transformers cuts recordings by.

        Raises:
            ValueError: always; the number of samples in a step is known to the feature extractor alone.
        """
        raise ValueError("chunk_length_s and stride cannot be used: this model reads whole recordings; leave them out")

    def validate_encoder(self) -> None:
        """The encoder is known to transformers, and so are its settings; none is given twice."""
        known = _known_configurations()
        if self.encoder_type not in known:
            close = difflib.get_close_matches(self.encoder_type, list(known), n=1)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"encoder_type {self.encoder_type!r} is not known to transformers{hint}")
        config_class = _known_configurations()[self.encoder_type]
        fields = _fields(config_class)
        for name in self.encoder_config or {}:
            if name in _SHARED and getattr(self, name) is not None:
                raise ValueError(
                    f"encoder_config gives {name}, which is a field of {type(self).__name__}: give it there"
                )
            _refuse_mistyped(config_class.__name__, name, fields, name in {*fields, *config_class.attribute_map})

    def validate_sizes(self) -> None:
        """Sizes are positive, and the heads divide the hidden size."""
        for name in ("input_features", "vocab_size", *_SIZES):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if self.initializer_range is not None and self.initializer_range <= 0:
            raise ValueError(f"initializer_range must be above 0, not {self.initializer_range}")
        # Even, because rotary positions turn pairs of values.
        if self.hidden_size % (2 * self.num_attention_heads):
            raise ValueError(
                f"hidden_size ({self.hidden_size}) must be an even multiple of num_attention_heads "
                f"({self.num_attention_heads})"
            )

    def validate_probabilities(self) -> None:
        """Dropouts lie in [0, 1)."""
        for name in ("dropout", "classifier_dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {value}")

    def validate_outputs(self) -> None:
        """The problem type is one that the loss knows, and the blank is one of the symbols."""
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ValueError(f"problem_type must be one of {', '.join(PROBLEM_TYPES)}, not {self.problem_type!r}")
        if self.pad_token_id is not None and self.vocab_size is not None and self.pad_token_id >= self.vocab_size:
            raise ValueError(f"pad_token_id ({self.pad_token_id}) must be below vocab_size ({self.vocab_size})")


def _fields(config_class: type[PreTrainedConfig]) -> list[str]:
    return [name for name in config_class.__dataclass_fields__ if not name.startswith("_")]


def _refuse_mistyped(owner: str, name: str, fields: Iterable[str], known: bool) -> None:
    # transformers keeps unknown keywords as attributes, because a config.json may carry anything. A keyword that is
    # nearly a field is a slip of the pen, and would silently leave the default in force.
    close = [] if known else difflib.get_close_matches(name, fields, n=1, cutoff=0.85)
    if close:
        raise ValueError(f"{owner} has no field {name!r}: did you mean {close[0]!r}?")


def _known_configurations() -> Mapping[str, type[PreTrainedConfig]]:
    # Not at the top: importing the Auto classes imports this file, to register what is in it.
    from transformers import CONFIG_MAPPING

    return CONFIG_MAPPING
