"""Configuration of the encoder-decoder: any encoder, and a recurrent decoder that attends to it."""

from typing import Any, ClassVar, Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from .cell_types import find_cell_type, look_up_cell_type
from .configuration_recurrent import RecurrentConfig


@strict
class RecurrentEncoderDecoderConfig(PreTrainedConfig):
    r"""
    Configuration of [`RecurrentEncoderDecoder`]. Types and ranges are checked. Fields that do not begin with
    `encoder` describe the decoder.

    Args:
        encoder (`PreTrainedConfig` or `dict`, *optional*):
            Configuration of the encoder: [`RecurrentConfig`], or the configuration of any model of transformers with
            outputs of shape `(batch, length, features)` or a feature map `(batch, channels, height, width)`, such as
            BERT, ViT or ResNet. A dictionary must have the key `model_type`.
        encoder_frozen (`bool`, *optional*, defaults to `False`):
            Whether the weights of the encoder are frozen. It then always stays in evaluation mode.
        encoder_output_size (`int`, *optional*):
            Number of features of the outputs of the encoder. By default taken from its configuration.
        vocab_size (`int`, *optional*):
            Size of the target vocabulary.
        embedding_size (`int`, *optional*, defaults to 128):
            Size of the target token embeddings.
        hidden_size (`int`, *optional*, defaults to 256):
            Size of the hidden state.
        num_hidden_layers (`int`, *optional*, defaults to 1):
            Number of recurrent layers.
        cell_type (`str`, *optional*, defaults to `"lstm"`):
            The recurrent cell: see [`RecurrentConfig`]. `"mingru"` and `"minlstm"` cannot be used with both attention
            and `input_feeding`.
        cell_plugin (`str`, *optional*):
            Module of the plug-in that registers `cell_type`. The configuration sets it itself.
        attention (`str`, *optional*, defaults to `"multiplicative"`):
            Attention of the decoder to the source: `"multiplicative"` (the general score of Luong et al. 2015),
            `"additive"` (Bahdanau et al. 2015), or `"none"`: it only gets one vector for the source (Sutskever et al.
            2014, Cho et al. 2014). A training step, measured as for `input_feeding`, takes 1.8 to 3.4 times as long
            with additive attention as with multiplicative attention.
        attention_size (`int`, *optional*):
            Size of the hidden layer of additive attention. By default `hidden_size`.
        input_feeding (`bool`, *optional*, defaults to `False`):
            Whether the result of the attention is an input of the recurrent layers: with multiplicative attention the
            output of the previous step (Luong et al. 2015), with additive attention the context of the previous state
            (Bahdanau et al. 2015), without attention the source vector at each step (Cho et al. 2014). With attention
            the steps must then be computed one by one. For a training step of 32 pairs of up to 30 or 80 tokens, with
            the default sizes, this takes 2.0 to 2.4 times the processor time with multiplicative attention, and 1.2
            to 1.6 times with additive attention.
        dropout (`float`, *optional*, defaults to 0.0):
            Dropout probability for the elements of the input of each layer, and of the vector from which the logits
            are computed.
        embedding_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping a token type at all its positions in the batch (Gal & Ghahramani 2016).
        forget_gate_bias (`float`, *optional*, defaults to 1.0):
            Initial bias of the forget gate of an LSTM (Jozefowicz et al. 2015).
        initializer_range (`float`, *optional*, defaults to 0.1):
            Standard deviation of the initial token embeddings.
        label_smoothing (`float`, *optional*, defaults to 0.0):
            Share of the target that is distributed evenly over the vocabulary (Szegedy et al. 2016).
        tie_word_embeddings (`bool`, *optional*, defaults to `False`):
            Whether the output layer uses the weights of the embeddings (Press & Wolf 2017). Its input then has the
            size of the embeddings.
        use_cache (`bool`, *optional*):
            Whether the model returns its final state, from which it can continue. By default only if `forward` is
            called with `use_cache=True`, as `generate()` does.
        pad_token_id (`int`, *optional*):
            The padding token. Its embedding is zero.
        bos_token_id (`int`, *optional*):
            The token before a target, if `decoder_start_token_id` is not given.
        eos_token_id (`int` or `list[int]`, *optional*):
            The token, or tokens, at which `generate()` stops.
        decoder_start_token_id (`int`, *optional*):
            The first token of the decoder's input. By default `bos_token_id`.
    """

    model_type = "hfseq_encoder_decoder"
    _auto_class = "AutoConfig"
    # Auto class of transformers -> file and class of the model that it loads: one for each kind of source.
    model_classes: ClassVar[dict[str, str]] = dict.fromkeys(
        ("AutoModelForSeq2SeqLM", "AutoModelForImageTextToText", "AutoModelForSpeechSeq2Seq"),
        "modeling_encoder_decoder.RecurrentEncoderDecoder",
    )
    sub_configs: ClassVar[dict[str, type[PreTrainedConfig]]] = {"encoder": PreTrainedConfig}
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["past_key_values", "encoder_last_hidden_state"]

    encoder: PreTrainedConfig | dict | None = None
    encoder_frozen: bool = False
    encoder_output_size: int | None = None
    vocab_size: int | None = None
    embedding_size: int = 128
    hidden_size: int = 256
    num_hidden_layers: int = 1
    cell_type: str = "lstm"
    cell_plugin: str | None = None
    attention: Literal["none", "additive", "multiplicative"] = "multiplicative"
    attention_size: int | None = None
    input_feeding: bool = False
    dropout: int | float = 0.0
    embedding_dropout: int | float = 0.0
    forget_gate_bias: int | float = 1.0
    initializer_range: int | float = 0.1
    label_smoothing: int | float = 0.0
    tie_word_embeddings: bool = False
    use_cache: bool | None = None
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    decoder_start_token_id: int | None = None
    is_encoder_decoder: bool = True

    # The same check as in the other configuration. A classmethod binds to the class on which it is called.
    _reject_mistyped = RecurrentConfig.__dict__["_reject_mistyped"]

    def __post_init__(self, **kwargs: Any) -> None:
        self._reject_mistyped(kwargs)
        if isinstance(self.encoder, dict):
            self.encoder = _encoder_config(self.encoder)
        cell = look_up_cell_type(str(self.cell_type))
        if cell is not None and cell.plugin is not None:
            self.cell_plugin = cell.plugin
        super().__post_init__(**kwargs)

    def get_text_config(self, decoder: bool | None = None, encoder: bool | None = None) -> PreTrainedConfig:
        """The configuration that generation uses: this one. Its vocabulary is that of the decoder."""
        return self

    @property
    def source_size(self) -> int:
        """Number of features of the outputs of the encoder.

        Raises:
            ValueError: neither this configuration nor that of the encoder has the size.
        """
        if self.encoder_output_size is not None:
            return self.encoder_output_size
        for name in ("output_size", "hidden_size", "hidden_sizes"):
            size = getattr(self.encoder, name, None)
            if size is not None:
                return size if isinstance(size, int) else size[-1]
        raise ValueError(
            f"{type(self.encoder).__name__} does not have the number of features of its outputs: set "
            "encoder_output_size"
        )

    @property
    def has_start_token(self) -> bool:
        """Whether there is a start token for the decoder."""
        return self.decoder_start_token_id is not None or self.bos_token_id is not None

    @property
    def start_token_id(self) -> int:
        """The start token of the decoder.

        Raises:
            ValueError: there is none.
        """
        start = self.bos_token_id if self.decoder_start_token_id is None else self.decoder_start_token_id
        if start is None:
            raise ValueError(
                "the configuration needs decoder_start_token_id or bos_token_id, the first token of the decoder's "
                "input"
            )
        return start

    def stack_config(self) -> RecurrentConfig:
        """The settings of the decoder's recurrent layers."""
        return RecurrentConfig(
            hidden_size=self.hidden_size,
            num_hidden_layers=self.num_hidden_layers,
            cell_type=self.cell_type,
            cell_plugin=self.cell_plugin,
            bidirectional=False,
            dropout=self.dropout,
        )

    def validate_sizes(self) -> None:
        """Sizes are positive, and only additive attention has an attention_size."""
        sizes = ("vocab_size", "embedding_size", "hidden_size", "num_hidden_layers", "attention_size")
        for name in (*sizes, "encoder_output_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if self.attention_size is not None and self.attention != "additive":
            raise ValueError(f"attention_size is a setting of additive attention, but attention is {self.attention!r}")

    def validate_cell(self) -> None:
        """The cell is registered. With attention and input feeding, it can take single steps."""
        cell = find_cell_type(self.cell_type, self.cell_plugin)
        if self.input_feeding and self.attention != "none" and not cell.reads_single_steps:
            raise ValueError(
                f"the cell {self.cell_type!r} cannot be used with attention and input_feeding: set "
                "input_feeding=False, or choose 'rnn', 'lstm' or 'gru'"
            )

    def validate_probabilities(self) -> None:
        """Dropout probabilities and label smoothing are in [0, 1)."""
        for name in ("dropout", "embedding_dropout", "label_smoothing"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {value}")

    def validate_tokens(self) -> None:
        """The special tokens are in the vocabulary."""
        for name in ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"):
            value = getattr(self, name)
            for token in value if isinstance(value, list) else [value]:
                if token is not None and self.vocab_size is not None and not 0 <= token < self.vocab_size:
                    raise ValueError(f"{name} ({value}) must be at least 0 and below vocab_size ({self.vocab_size})")


def _encoder_config(values: dict[str, Any]) -> PreTrainedConfig:
    """The configuration of the encoder, from its values in config.json."""
    # Not at the top: this file is imported while transformers imports its Auto classes, to register the family.
    from transformers import CONFIG_MAPPING

    model_type = values.get("model_type")
    if model_type is None:
        raise ValueError(
            "the configuration of the encoder has no model_type: add it, for example 'bert' or 'hfseq_recurrent'"
        )
    # If the code was loaded from the folder of a model, transformers does not know the family.
    if model_type == RecurrentConfig.model_type:
        return RecurrentConfig(**values)
    if model_type not in CONFIG_MAPPING:
        raise ValueError(
            f"unknown model_type {model_type!r} of the encoder: update transformers, or import the library that "
            "defines the encoder first"
        )
    return CONFIG_MAPPING[model_type](**values)
