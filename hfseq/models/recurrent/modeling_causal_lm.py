"""A recurrent backbone with a language modeling head, with `generate()`."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers.utils import ModelOutput, can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .generation import RecurrentGenerationMixin
from .losses import causal_lm_loss
from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
from .recurrent_stack import RecurrentState
from .sequence_layout import SequenceLayout


@dataclass
class RecurrentCausalLMOutput(ModelOutput):
    """
    Output of [`RecurrentForCausalLM`].

    Args:
        loss (`torch.Tensor` of shape `(1,)`, *optional*):
            Cross-entropy of the next token, if `labels` are given.
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`):
            Scores of the next token, before softmax; zero at padding.
        past_key_values (`RecurrentState`, *optional*):
            The state after the last real token, with `use_cache`.
        hidden_states (`tuple[torch.Tensor, ...]`, *optional*):
            Inputs of the first layer and outputs of each layer, with `output_hidden_states`.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    past_key_values: RecurrentState | None = None
    hidden_states: tuple[Tensor, ...] | None = None


class RecurrentForCausalLM(RecurrentPreTrainedModel, RecurrentGenerationMixin):
    """A recurrent backbone that reads from left to right, with a linear layer that predicts the next token.

    With `tie_word_embeddings` this layer uses the weights of the token embeddings (Press & Wolf 2017; Inan et al.
    2017). If the hidden states have another size than the embeddings, there is a projection before it. The dropout
    before the head is `classifier_dropout`. With `locked_dropout` it uses one mask per sequence, as AWD-LSTM does
    (Merity et al. 2018).

    `generate()` passes a [`RecurrentState`] from token to token. Its size does not grow with the text.

    Raises:
        ValueError: the configuration is bidirectional, or has no `vocab_size`, or has `input_features`.
    """

    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True
    # An earlier state cannot be restored, which assisted generation would need.
    _is_stateful = True
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012 (transformers reads a dict)

    def __init__(self, config: RecurrentConfig):
        if config.bidirectional:
            raise ValueError(
                "a causal language model reads from left to right, but this configuration has bidirectional=True, "
                "which is the default: set bidirectional=False"
            )
        if config.vocab_size is None or config.input_features is not None:
            raise ValueError(
                "a causal language model reads and writes tokens: the configuration needs vocab_size, and no "
                f"input_features; it has vocab_size={config.vocab_size}, input_features={config.input_features}"
            )
        super().__init__(config)
        self.vocab_size = config.vocab_size
        self.model = RecurrentModel(config)
        size = config.output_size
        self.projection: nn.Module = nn.Identity()
        if config.tie_word_embeddings and size != config.embedding_size:
            self.projection = nn.Linear(size, config.embedding_size, bias=False)
            size = config.embedding_size
        self.lm_head = nn.Linear(size, config.vocab_size)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        past_key_values: RecurrentState | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        output_hidden_states: bool | None = None,
    ) -> RecurrentCausalLMOutput:
        """
        Args:
            input_ids, token_type_ids, inputs_embeds, past_key_values, use_cache, output_hidden_states:
                see [`RecurrentModel`].
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): see [`RecurrentModel`]; with
                a state it may also include the columns that were read before.
            labels (`torch.LongTensor` of shape `(batch, length)`, *optional*): the tokens, each of which is
                predicted at the real token before it. The first real token of a row is not predicted. Labels at
                padding and labels of -100 are ignored.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of predicted tokens in the whole batch,
                if this is a part of it. The loss is divided by it. Trainer counts the labels other than -100 from the
                second column on. This is the right number if rows are padded on the right. A row that is padded on
                the left needs the label -100 at its first real token.
            logits_to_keep (`int` or `torch.Tensor`, *optional*, defaults to 0): number of last columns for which
                logits are returned, or indices of columns; 0 is all columns. Without labels, the other logits are not
                computed.
        """
        if past_key_values is not None and attention_mask is not None:
            inputs = input_ids if input_ids is not None else inputs_embeds
            attention_mask = attention_mask if inputs is None else attention_mask[:, -inputs.size(1) :]
        encoded = self.model.encode(input_ids, attention_mask, inputs_embeds, None, past_key_values)
        layout = encoded.layout
        hidden = self._token_outputs(encoded)
        columns = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        loss = None
        if labels is not None:
            packed = self._head(hidden)  # (num_tokens, vocab)
            config = self.config
            loss = causal_lm_loss(packed, _next_tokens(labels, layout), config.label_smoothing, num_items_in_batch)
            logits = layout.unpack(packed)[:, columns]  # (batch, columns, vocab)
        elif isinstance(columns, slice) and columns.start == 0:
            logits = layout.unpack(self._head(hidden))  # (batch, length, vocab)
        else:
            logits = self._head(layout.unpack(hidden)[:, columns])  # (batch, columns, vocab)
            if attention_mask is not None:
                # The head adds its bias at padding, too.
                logits = logits * attention_mask[:, columns, None].ne(0)
        if use_cache is None:
            use_cache = self.config.use_cache
        return RecurrentCausalLMOutput(
            loss=loss,
            logits=logits,
            past_key_values=encoded.state if use_cache else None,
            hidden_states=self._hidden_states(encoded, output_hidden_states),
        )

    def prepare_inputs_for_generation(  # type: ignore[override]
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        is_first_iteration: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The arguments that `generate()` passes to [`forward`]: the prompt, padded on the left, then single tokens.

        Raises:
            ValueError: a prompt has no tokens.
        """
        kwargs |= {"attention_mask": attention_mask, "inputs_embeds": inputs_embeds}
        model_inputs = super().prepare_inputs_for_generation(  # type: ignore[misc]
            input_ids,  # type: ignore[arg-type]
            is_first_iteration=is_first_iteration,
            **kwargs,
        )
        name = "input_ids" if model_inputs.get("inputs_embeds") is None else "inputs_embeds"
        inputs = model_inputs[name]
        if inputs.size(1) == 0:
            raise ValueError(_EMPTY.format("the prompt has"))
        if attention_mask is not None:
            attention_mask = attention_mask[:, -inputs.size(1) :]
            if is_first_iteration:
                model_inputs[name], attention_mask = _padded_on_the_left(inputs, attention_mask)
            elif inputs.size(1) == 1:
                # The last generated token.
                attention_mask = None
            model_inputs["attention_mask"] = attention_mask
        return model_inputs

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        # The first forward pass creates the state. Otherwise generate would pass a cache of keys and values.
        return False

    def _head(self, hidden: Tensor) -> Tensor:
        return self.lm_head(self.projection(hidden))


_EMPTY = "{} no tokens: begin prompts with a token, such as the one for the beginning of a text"


def _next_tokens(labels: Tensor, layout: SequenceLayout) -> Tensor:
    """The label of the next real token, `(num_tokens,)`; -100 for the last token of a row."""
    packed = layout.pack(labels)  # (num_tokens,)
    targets = packed.new_full(packed.shape, -100)
    return targets.index_copy(0, layout.predecessors(), packed[len(layout.rows) :])


def _padded_on_the_left(inputs: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Moves padding of tokens `(batch, length)` or embeddings to the left, so that each row ends with a token.

    The next token is predicted from the last column.
    """
    real = attention_mask.bool()
    if not real[:, -1].all():
        order = real.long().argsort(dim=1, stable=True)  # (batch, length)
        real = real.gather(1, order)
        rows = order if inputs.dim() == 2 else order[..., None].expand_as(inputs)
        inputs = inputs.gather(1, rows)
    empty = (~real[:, -1]).nonzero().flatten().tolist()
    if empty:
        raise ValueError(_EMPTY.format(f"of the prompts, row {empty[0]} has"))
    return inputs, real.long()
