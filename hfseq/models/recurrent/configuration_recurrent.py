"""Configuration of the recurrent family."""

import difflib
import math
from itertools import pairwise
from typing import Any, ClassVar, Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from .cell_types import find_cell_type, look_up_cell_type

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")


@strict
class RecurrentConfig(PreTrainedConfig):
    r"""
    Configuration of [`RecurrentModel`] and of the heads built on it. Types and ranges are checked.

    Args:
        vocab_size (`int`, *optional*):
            Size of the vocabulary. With `input_features`, it is the vocabulary of the outputs only, for a head that
            transcribes a numeric series, such as CTC.
        input_features (`int`, *optional*):
            Number of features per step of a numeric series, for inputs of shape `(batch, length, input_features)`. By
            default the inputs are tokens.
        embedding_size (`int`, *optional*, defaults to 128):
            Size of the token embeddings. Not used with `input_features`.
        hidden_size (`int`, *optional*, defaults to 256):
            Size of the hidden state of one direction.
        num_hidden_layers (`int`, *optional*, defaults to 1):
            Number of recurrent layers.
        cell_type (`str`, *optional*, defaults to `"lstm"`):
            `"rnn"` (Elman 1990, tanh), `"lstm"` (Hochreiter & Schmidhuber 1997), `"gru"` (Cho et al. 2014),
            `"mingru"` and `"minlstm"` (Feng et al. 2024), whose gates read only the tokens and not the hidden state.
            Plug-ins can register other cells.
        cell_plugin (`str`, *optional*):
            Module of the plug-in that registers `cell_type`. The configuration sets it itself.
        bidirectional (`bool`, *optional*, defaults to `True`):
            Whether a second recurrent layer reads each sequence backwards (Schuster & Paliwal 1997).
        pooling (`str`, *optional*, defaults to `"mean"`):
            How the hidden states of a sequence are reduced to one vector: `"last"` (the final state of each
            direction), `"mean"` or `"max"` over the real tokens, or `"attention"` (a learned weighted mean, Yang et
            al. 2016).
        dropout (`float`, *optional*, defaults to 0.0):
            Dropout probability for the elements of the input of each layer, including the embeddings.
        locked_dropout (`bool`, *optional*, defaults to `False`):
            Whether `dropout` uses the same mask at all steps of a sequence (Gal & Ghahramani 2016). This also applies
            to the dropout before a head that has an output for each token.
        embedding_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping a token type at all its positions in the batch (Gal & Ghahramani 2016).
        recurrent_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping a hidden-to-hidden weight (weight drop, Merity et al. 2018). minGRU and minLSTM
            have no such weights.
        classifier_dropout (`float`, *optional*, defaults to 0.0):
            Dropout probability for the inputs of the head: the pooled vector, or the outputs of the last layer for a
            head that has an output for each token.
        forget_gate_bias (`float`, *optional*, defaults to 1.0):
            Initial bias of the forget gate of an LSTM (Jozefowicz et al. 2015) or a minLSTM.
        initializer_range (`float`, *optional*, defaults to 0.1):
            Standard deviation of the initial token embeddings. Recurrent weights get orthogonal initialisation, other
            weights that of Glorot & Bengio (2010), for each gate separately.
        problem_type (`str`, *optional*):
            `"single_label_classification"`, `"multi_label_classification"` or `"regression"`. By default inferred from
            the number and the dtype of the labels, as in transformers.
        class_weights (`list[float]`, *optional*):
            One weight per label in the loss. With a single label, it is the weight of the examples of that class. With
            several labels, it is the weight of the positive examples of each label.
        label_smoothing (`float`, *optional*, defaults to 0.0):
            Share of the target that is distributed evenly over the labels (Szegedy et al. 2016).
        ctc_zero_infinity (`bool`, *optional*, defaults to `True`):
            Whether a sequence with too few frames for its labels has a CTC loss of 0 and no gradient, instead of an
            infinite loss. The default in transformers is `False`. But one such row would make the loss of its whole
            batch infinite, and Trainer omits infinite losses from its logs.
        use_crf (`bool`, *optional*, defaults to `False`):
            Whether token classification uses a conditional random field over the tags (Lafferty et al. 2001). It
            cannot be combined with `class_weights` or `label_smoothing`.
        crf_constraints (`str`, *optional*):
            The tagging scheme whose rules the CRF enforces: `"bio"` (an `I-X` follows a `B-X` or `I-X`) or `"bioes"`.
        prediction_length (`int`, *optional*):
            Number of steps to forecast.
        forecast_mode (`str`, *optional*, defaults to `"direct"`):
            `"direct"` predicts all steps at once from the pooled history. `"autoregressive"` predicts one step (or
            patch) after the other and reads each prediction before the next. It cannot be `bidirectional`.
        teacher_forcing (`bool`, *optional*, defaults to `True`):
            Whether an autoregressive model reads the true values during training, instead of its own predictions.
        scaling (`str`, *optional*, defaults to `"std"`):
            How each channel of each history is scaled: `"std"` (to mean 0 and standard deviation 1, Kim et al. 2022),
            `"mean"` (to mean absolute value 1, Salinas et al. 2020) or None. Forecasts are scaled back.
        subtract_last (`bool`, *optional*, defaults to `False`):
            Whether the last observed value is subtracted from a history instead of its mean (Zeng et al. 2023).
        mask_channels (`bool`, *optional*, defaults to `False`):
            Whether the model gets an additional channel of zeros and ones per channel, which marks the observed values
            (Lipton et al. 2016). In both cases a missing value is zero after scaling.
        channel_independent (`bool`, *optional*, defaults to `False`):
            Whether each channel is forecast only from its own history, with shared weights (Nie et al. 2023).
        patch_length (`int`, *optional*, defaults to 1):
            Number of consecutive steps of a history that are read as one input (Nie et al. 2023).
        quantiles (`list[float]`, *optional*):
            Quantiles to forecast instead of a single value, in ascending order. The loss is then the pinball loss.
        forecast_loss (`str`, *optional*, defaults to `"mse"`):
            `"mse"`, `"mae"` or `"huber"`, in the units of the data. Not used with `quantiles`.
        use_cache (`bool`, *optional*):
            Whether the model returns its final state, from which it can continue. By default only if `forward` is
            called with `use_cache=True`, as `generate()` does.
        pad_token_id (`int`, *optional*):
            The padding token. Its embedding is zero. `attention_mask` decides which positions are padding. It is also
            the blank of CTC, as in transformers.
        bos_token_id (`int`, *optional*):
            The token at the beginning of a text. `generate()` starts with it if it gets no prompt.
        eos_token_id (`int` or `list[int]`, *optional*):
            The token, or tokens, at which `generate()` stops.
        tie_word_embeddings (`bool`, *optional*, defaults to `False`):
            Whether the head of a language model uses the weights of the token embeddings (Press & Wolf 2017; Inan
            et al. 2017).
    """

    model_type = "hfseq_recurrent"
    # Saving copies the code of this folder next to the weights and lists the class in `auto_map` under this key.
    _auto_class = "AutoConfig"
    # Auto class of transformers -> file and class of the model that it loads.
    model_classes: ClassVar[dict[str, str]] = {
        "AutoModel": "modeling_recurrent.RecurrentModel",
        "AutoModelForCTC": "modeling_ctc.RecurrentForCTC",
        "AutoModelForCausalLM": "modeling_causal_lm.RecurrentForCausalLM",
        "AutoModelForSequenceClassification": "modeling_sequence_classification.RecurrentForSequenceClassification",
        "AutoModelForAudioClassification": "modeling_sequence_classification.RecurrentForSequenceClassification",
        "AutoModelForTimeSeriesPrediction": "modeling_time_series.RecurrentForTimeSeriesPrediction",
        "AutoModelForTokenClassification": "modeling_token_classification.RecurrentForTokenClassification",
    }
    attribute_map = {"num_layers": "num_hidden_layers"}  # noqa: RUF012 (transformers reads a dict from the class)
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012 (transformers reads a list from the class)

    vocab_size: int | None = None
    input_features: int | None = None
    embedding_size: int = 128
    hidden_size: int = 256
    num_hidden_layers: int = 1
    cell_type: str = "lstm"
    cell_plugin: str | None = None
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "attention"] = "mean"
    dropout: int | float = 0.0
    locked_dropout: bool = False
    embedding_dropout: int | float = 0.0
    recurrent_dropout: int | float = 0.0
    classifier_dropout: int | float = 0.0
    forget_gate_bias: int | float = 1.0
    initializer_range: int | float = 0.1
    class_weights: list[int | float] | None = None
    label_smoothing: int | float = 0.0
    ctc_zero_infinity: bool = True
    use_crf: bool = False
    crf_constraints: Literal["bio", "bioes"] | None = None
    prediction_length: int | None = None
    forecast_mode: Literal["direct", "autoregressive"] = "direct"
    teacher_forcing: bool = True
    scaling: Literal["std", "mean"] | None = "std"
    subtract_last: bool = False
    mask_channels: bool = False
    channel_independent: bool = False
    patch_length: int = 1
    quantiles: list[int | float] | None = None
    forecast_loss: Literal["mse", "mae", "huber"] = "mse"
    use_cache: bool | None = None
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        self._reject_mistyped(kwargs)
        cell = look_up_cell_type(str(self.cell_type))
        if cell is not None and cell.plugin is not None:
            self.cell_plugin = cell.plugin
        super().__post_init__(**kwargs)

    @property
    def num_directions(self) -> int:
        """Number of directions: 1, or 2 for a bidirectional model."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Size of the outputs of a layer: `hidden_size` times the number of directions."""
        return self.hidden_size * self.num_directions

    @property
    def encoder_input_size(self) -> int:
        """Size of the input of the first layer at each step: an embedding, or the features of a step or patch."""
        if self.input_features is None:
            return self.embedding_size
        channels = 1 if self.channel_independent else self.input_features
        return channels * (1 + self.mask_channels) * self.patch_length

    @classmethod
    def _reject_mistyped(cls, unknown: dict[str, Any]) -> None:
        # The base class stores unknown keywords as attributes, because a config.json may have any keys. A keyword that
        # is almost the name of a field is a typing error, and the default would be used without a message.
        fields = [name for name in cls.__dataclass_fields__ if not name.startswith("_")]
        for name in unknown:
            close = difflib.get_close_matches(name, fields, n=1, cutoff=0.85)
            if close and not hasattr(cls, name):
                raise ValueError(f"{cls.__name__} has no field {name!r}: did you mean {close[0]!r}?")

    @property
    def inputs_to_logits_ratio(self) -> int:
        """Input samples per output step, which the speech recognition pipeline of transformers uses to cut recordings.

        Raises:
            ValueError: always. Only the feature extractor knows the number of samples per step.
        """
        raise ValueError(
            "chunk_length_s and stride cannot be used, because this model reads whole recordings: omit them"
        )

    def validate_pad_token(self) -> None:
        """The padding token is in the vocabulary."""
        if self.pad_token_id is not None and self.vocab_size is not None and self.pad_token_id >= self.vocab_size:
            raise ValueError(f"pad_token_id ({self.pad_token_id}) must be below vocab_size ({self.vocab_size})")

    def validate_sizes(self) -> None:
        """Sizes are positive."""
        names = ("vocab_size", "input_features", "embedding_size", "hidden_size", "num_hidden_layers")
        for name in (*names, "prediction_length", "patch_length"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")

    def validate_probabilities(self) -> None:
        """Dropout probabilities and label smoothing are in [0, 1)."""
        for name in ("dropout", "embedding_dropout", "recurrent_dropout", "classifier_dropout", "label_smoothing"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {value}")

    def validate_recurrent_dropout(self) -> None:
        """The cell has hidden-to-hidden weights that can be dropped."""
        cell = find_cell_type(self.cell_type, self.cell_plugin)
        if self.recurrent_dropout and not cell.drops_recurrent_weights:
            raise ValueError(
                f"recurrent_dropout must be 0 for the cell {self.cell_type!r}, not {self.recurrent_dropout}: it drops "
                "hidden-to-hidden weights of torch.nn.RNN, LSTM and GRU"
            )

    def validate_labels(self) -> None:
        """The problem type is valid, and the settings of the loss can be used with it."""
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ValueError(f"problem_type must be one of {', '.join(PROBLEM_TYPES)}, not {self.problem_type!r}")
        if self.class_weights is not None and len(self.class_weights) != self.num_labels:
            raise ValueError(f"class_weights has {len(self.class_weights)} values for {self.num_labels} labels")
        if self.class_weights is not None and not all(0 < weight < math.inf for weight in self.class_weights):
            raise ValueError(f"class_weights must be above 0 and finite, not {self.class_weights}")
        if self.problem_type == "regression" and (self.class_weights is not None or self.label_smoothing):
            raise ValueError("class_weights and label_smoothing are for classification, not for regression")

    def validate_crf(self) -> None:
        """The loss of a CRF is over whole sequences, and only a CRF has constraints."""
        if self.use_crf and (self.class_weights is not None or self.label_smoothing):
            raise ValueError("class_weights and label_smoothing cannot be combined with use_crf")
        if self.crf_constraints is not None and not self.use_crf:
            raise ValueError(f"crf_constraints ({self.crf_constraints!r}) needs use_crf=True")

    def validate_forecasting(self) -> None:
        """Autoregressive forecasts have one direction; quantiles are between 0 and 1, in ascending order."""
        if self.forecast_mode == "autoregressive" and self.bidirectional:
            raise ValueError(
                "an autoregressive forecast must have one direction: set bidirectional=False or forecast_mode='direct'"
            )
        if self.quantiles is not None:
            bounded = [0, *self.quantiles, 1]
            if not self.quantiles or any(low >= high for low, high in pairwise(bounded)):
                raise ValueError(f"quantiles must be between 0 and 1 in ascending order, not {self.quantiles}")
