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
            Number of tokens. With `input_features`, the tokens are those of the outputs alone: of a head that writes
            text about a numeric series, such as CTC.
        input_features (`int`, *optional*):
            Size of one step of a numeric series, for inputs of shape `(batch, length, input_features)`. Without it,
            the inputs are tokens.
        embedding_size (`int`, *optional*, defaults to 128):
            Size of the token embeddings. Not used with `input_features`.
        hidden_size (`int`, *optional*, defaults to 256):
            Size of the hidden state of one direction.
        num_hidden_layers (`int`, *optional*, defaults to 1):
            Number of recurrent layers.
        cell_type (`str`, *optional*, defaults to `"lstm"`):
            `"rnn"` (Elman 1990, tanh), `"lstm"` (Hochreiter & Schmidhuber 1997), `"gru"` (Cho et al. 2014), or
            `"mingru"` and `"minlstm"` (Feng et al. 2024), whose gates read only the tokens and not the hidden state.
            Plug-ins can register other cells.
        cell_plugin (`str`, *optional*):
            Module of the plug-in that registers `cell_type`. The configuration sets it itself.
        bidirectional (`bool`, *optional*, defaults to `True`):
            Whether a second recurrence reads each sequence from its end (Schuster & Paliwal 1997).
        pooling (`str`, *optional*, defaults to `"mean"`):
            How a sequence becomes one vector: `"last"` (the final state of each direction), `"mean"`, `"max"` over the
            real tokens, or `"attention"` (a learned weighted mean, Yang et al. 2016).
        dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping an element of the input of each layer, embeddings included.
        locked_dropout (`bool`, *optional*, defaults to `False`):
            Whether `dropout` uses one mask for all steps of a sequence (Gal & Ghahramani 2016); so does the dropout
            before a head for each token.
        embedding_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping a token type, wherever it stands in the batch (Gal & Ghahramani 2016).
        recurrent_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping a hidden-to-hidden weight (weight drop, Merity et al. 2018). A minGRU and a
            minLSTM have none.
        classifier_dropout (`float`, *optional*, defaults to 0.0):
            Probability of dropping an element of what the head reads: the pooled vector, or where each token has an
            output of its own that of the last layer.
        forget_gate_bias (`float`, *optional*, defaults to 1.0):
            Initial bias of the forget gate of an LSTM (Jozefowicz et al. 2015) or a minLSTM.
        initializer_range (`float`, *optional*, defaults to 0.1):
            Standard deviation of the initial token embeddings. Recurrent weights start orthogonal, the others as
            Glorot & Bengio (2010) have it, one gate at a time.
        problem_type (`str`, *optional*):
            `"single_label_classification"`, `"multi_label_classification"` or `"regression"`; where not given, the
            head takes it from the number of labels and the type of the labels, as transformers does.
        class_weights (`list[float]`, *optional*):
            One weight per label in the loss. For a single label, the weight of an example is that of its class; for
            several labels, that of the positive examples of each label.
        label_smoothing (`float`, *optional*, defaults to 0.0):
            Share of the target spread evenly over the labels (Szegedy et al. 2016).
        ctc_zero_infinity (`bool`, *optional*, defaults to `True`):
            Whether a sequence with too few frames for its labels counts as a CTC loss of 0, with no gradient, and not
            as an infinite one. transformers' own models have `False`; but one such row would make the loss of all its
            batch infinite, and Trainer leaves infinite losses out of its logs.
        use_crf (`bool`, *optional*, defaults to `False`):
            Whether a conditional random field joins the tags of a token classification (Lafferty et al. 2001). It
            takes neither `class_weights` nor `label_smoothing`.
        crf_constraints (`str`, *optional*):
            The scheme of the tags, whose rules the CRF keeps: `"bio"` (an `I-X` follows a `B-X` or `I-X`) or
            `"bioes"`.
        prediction_length (`int`, *optional*):
            Number of steps to forecast.
        forecast_mode (`str`, *optional*, defaults to `"direct"`):
            `"direct"` makes all steps of the pooled history at once; `"autoregressive"` one step (or patch) after the
            other, reading each in turn, and not with `bidirectional`.
        teacher_forcing (`bool`, *optional*, defaults to `True`):
            Whether an autoregressive model, in training, reads what really came, and not what it has forecast.
        scaling (`str`, *optional*, defaults to `"std"`):
            How each channel of each history is scaled, which the forecast undoes: `"std"` (to mean 0 and standard
            deviation 1, Kim et al. 2022), `"mean"` (to mean absolute value 1, Salinas et al. 2020) or None.
        subtract_last (`bool`, *optional*, defaults to `False`):
            Whether the last observed value is subtracted from a history, in place of its mean (Zeng et al. 2023).
        mask_channels (`bool`, *optional*, defaults to `False`):
            Whether a further channel of zeros and ones for each channel tells the model which values were observed
            (Lipton et al. 2016). With or without, a missing value is read as zero, once scaled.
        channel_independent (`bool`, *optional*, defaults to `False`):
            Whether each channel is forecast from itself alone, by one set of weights for all (Nie et al. 2023).
        patch_length (`int`, *optional*, defaults to 1):
            Number of successive steps of a history that are read at once (Nie et al. 2023).
        quantiles (`list[float]`, *optional*):
            Quantiles to forecast, in ascending order, instead of a single value. Then the loss is the pinball loss.
        forecast_loss (`str`, *optional*, defaults to `"mse"`):
            `"mse"`, `"mae"` or `"huber"`, in the units of the data. Not used with `quantiles`.
        use_cache (`bool`, *optional*):
            Whether the model returns its final state, to go on from. Where not given, it does so on request, and
            `generate()` makes use of it.
        pad_token_id (`int`, *optional*):
            The padding token. Its embedding is zero. What counts as padding is told by `attention_mask`. It is the
            blank of CTC, as in transformers.
        bos_token_id (`int`, *optional*):
            The token at the beginning of a text: what `generate()` starts from where it is given no prompt.
        eos_token_id (`int` or `list[int]`, *optional*):
            The token, or tokens, at which `generate()` stops.
        tie_word_embeddings (`bool`, *optional*, defaults to `False`):
            Whether the head of a language model shares the weights of the token embeddings (Press & Wolf 2017; Inan
            et al. 2017).
    """

    model_type = "hfseq_recurrent"
    # Saving copies this folder's code beside the weights, and names the class under this key of `auto_map`.
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
        self._refuse_mistyped(kwargs)
        cell = look_up_cell_type(str(self.cell_type))
        if cell is not None and cell.plugin is not None:
            self.cell_plugin = cell.plugin
        super().__post_init__(**kwargs)

    @property
    def num_directions(self) -> int:
        """1, or 2 for a bidirectional model."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Size of the hidden states that a layer returns: `hidden_size` times the number of directions."""
        return self.hidden_size * self.num_directions

    @property
    def encoder_input_size(self) -> int:
        """Size of what the first layer reads at each step: an embedding, or the numbers of a step or patch."""
        if self.input_features is None:
            return self.embedding_size
        channels = 1 if self.channel_independent else self.input_features
        return channels * (1 + self.mask_channels) * self.patch_length

    @classmethod
    def _refuse_mistyped(cls, unknown: dict[str, Any]) -> None:
        # The base class keeps unknown keywords as attributes, because a config.json may carry anything. A keyword
        # that is nearly one of ours is a slip of the pen, and would silently leave the default in force.
        fields = [name for name in cls.__dataclass_fields__ if not name.startswith("_")]
        for name in unknown:
            close = difflib.get_close_matches(name, fields, n=1, cutoff=0.85)
            if close and not hasattr(cls, name):
                raise ValueError(f"{cls.__name__} has no field {name!r}: did you mean {close[0]!r}?")

    @property
    def inputs_to_logits_ratio(self) -> int:
        """What the speech recognition pipeline of transformers cuts recordings by.

        Raises:
            ValueError: always; the number of samples in a step is known to the feature extractor alone.
        """
        raise ValueError("chunk_length_s and stride cannot be used: this model reads whole recordings; leave them out")

    def validate_pad_token(self) -> None:
        """The padding token is one of the tokens."""
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
        """Dropouts and label smoothing lie in [0, 1)."""
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
        """The problem type is one that the loss knows, and the loss settings fit it."""
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ValueError(f"problem_type must be one of {', '.join(PROBLEM_TYPES)}, not {self.problem_type!r}")
        if self.class_weights is not None and len(self.class_weights) != self.num_labels:
            raise ValueError(f"class_weights has {len(self.class_weights)} values for {self.num_labels} labels")
        if self.class_weights is not None and not all(0 < weight < math.inf for weight in self.class_weights):
            raise ValueError(f"class_weights must be above 0 and finite, not {self.class_weights}")
        if self.problem_type == "regression" and (self.class_weights is not None or self.label_smoothing):
            raise ValueError("class_weights and label_smoothing are for classification, not for regression")

    def validate_crf(self) -> None:
        """The loss of a CRF is that of whole sequences, and only a CRF keeps constraints."""
        if self.use_crf and (self.class_weights is not None or self.label_smoothing):
            raise ValueError("class_weights and label_smoothing cannot be combined with use_crf")
        if self.crf_constraints is not None and not self.use_crf:
            raise ValueError(f"crf_constraints ({self.crf_constraints!r}) needs use_crf=True")

    def validate_forecasting(self) -> None:
        """A forecast that is read in turn is read forwards; quantiles are shares, in order."""
        if self.forecast_mode == "autoregressive" and self.bidirectional:
            raise ValueError(
                "an autoregressive forecast reads forwards only: set bidirectional=False, or forecast_mode='direct'"
            )
        if self.quantiles is not None:
            bounded = [0, *self.quantiles, 1]
            if not self.quantiles or any(low >= high for low, high in pairwise(bounded)):
                raise ValueError(f"quantiles must lie between 0 and 1 in ascending order, not {self.quantiles}")
