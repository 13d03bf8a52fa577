"""A recurrent decoder with attention to a source."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .attention import SCORES, SourceMemory, attend
from .cell_types import find_cell_type
from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig
from .input_feeding import FeedingLoop
from .recurrent_stack import RecurrentStack, RecurrentState, embed_with_dropout
from .sequence_layout import SequenceLayout


@dataclass
class DecoderState:
    """State of a decoder: the encoded source, and a recurrent state of constant size.

    `generate` of transformers uses it like a cache.

    Attributes:
        recurrent (`RecurrentState`): the state of the recurrent layers.
        memory (`SourceMemory`): the sources.
        feed (`torch.Tensor` of shape `(batch, size)`, *optional*): the last output, if the next step reads it.
    """

    # Class attributes that transformers requires of a cache. They have no annotation, so they are not fields.
    is_compileable = False
    is_croppable = False

    recurrent: RecurrentState
    memory: SourceMemory
    feed: Tensor | None = None

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Number of columns of target tokens that have been read, including padding. The same for each layer."""
        return self.recurrent.length

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Selects the rows with these indices: the beams with which a search continues."""
        rows = beam_idx.to(self.memory.values.device)
        self.recurrent.reorder_cache(rows)
        self.memory = self.memory.select(rows)
        if self.feed is not None:
            self.feed = self.feed.index_select(0, rows)


@dataclass
class DecodedTokens:
    """
    Outputs of the decoder for a batch, for real tokens only.

    Attributes:
        embedded (`torch.Tensor` of shape `(num_tokens, embedding_size)`): the embeddings.
        layers (`tuple[torch.Tensor, ...]` of shape `(num_tokens, hidden_size)`): the outputs of each recurrent layer.
        outputs (`torch.Tensor` of shape `(num_tokens, output_size)`): inputs of the output layer.
        state (`DecoderState`): the state after the last real token of each row.
        weights (`torch.Tensor` of shape `(batch, length, source_length)`, *optional*): attention weights.
    """

    embedded: Tensor
    layers: tuple[Tensor, ...]
    outputs: Tensor
    state: DecoderState
    weights: Tensor | None


class RecurrentDecoder(nn.Module):
    """Computes a vector for each target token, `tanh(W [context; hidden])`, from which the next token is predicted.

    The context is the result of the attention (Luong et al. 2015; Bahdanau et al. 2015), or the source vector. The
    initial state of each layer is a tanh layer over the source vector.

    Args:
        config (`RecurrentEncoderDecoderConfig`): with `vocab_size`.
    """

    def __init__(self, config: RecurrentEncoderDecoderConfig):
        super().__init__()
        self.config = config
        source, hidden = config.source_size, config.hidden_size
        self.output_size = config.embedding_size if config.tie_word_embeddings else hidden
        self.embed_tokens = nn.Embedding(config.vocab_size, config.embedding_size, config.pad_token_id)  # type: ignore[arg-type]
        self.feeds_output = config.input_feeding and config.attention == "multiplicative"
        fed = 0 if not config.input_feeding else self.output_size if self.feeds_output else source
        self.stack = RecurrentStack(config.stack_config(), config.embedding_size + fed)
        parts = find_cell_type(config.cell_type, config.cell_plugin).num_states
        self.initial = nn.ModuleList(nn.Linear(source, parts * hidden) for _ in range(config.num_hidden_layers))
        self.attention = SCORES[config.attention](config) if config.attention in SCORES else None
        self.of_context = nn.Linear(source, self.output_size)
        self.of_hidden = nn.Linear(hidden, self.output_size, bias=False)

    def begin(self, values: Tensor, mask: Tensor | None, summary: Tensor) -> DecoderState:
        """The state before the first token.

        Args:
            values (`torch.Tensor` of shape `(batch, source_length, features)`): the encoder's outputs, zero at
                padding.
            mask (`torch.BoolTensor` of shape `(batch, source_length)`, *optional*): True at real positions.
            summary (`torch.Tensor` of shape `(batch, features)`): one vector per source.
        """
        keys = None if self.attention is None else self.attention.key(values)
        memory = SourceMemory(values, summary, keys, mask)
        # Under autocast products may be in half precision, but not the state that is passed from step to step.
        layers = torch.stack(
            [layer(summary).tanh().to(layer.weight.dtype) for layer in self.initial]
        )  # (layers, batch, parts * hidden)
        recurrent = RecurrentState(*(part.contiguous() for part in layers.split(self.config.hidden_size, dim=2)))
        feed = summary.new_zeros(len(summary), self.output_size) if self.feeds_output else None
        return DecoderState(recurrent, memory, feed)

    def forward(
        self, input_ids: Tensor, layout: SequenceLayout, state: DecoderState, output_attentions: bool = False
    ) -> DecodedTokens:
        """Reads target tokens.

        Args:
            input_ids (`torch.LongTensor` of shape `(batch, length)`): tokens.
            layout (`SequenceLayout`): the positions of the real tokens.
            state (`DecoderState`): the state to continue from.
            output_attentions (`bool`, *optional*, defaults to `False`): whether to return the attention
                weights.
        """
        memory = state.memory
        embedded = self._embed(layout.pack(input_ids))  # (num_tokens, embedding)
        if self.config.input_feeding and self.attention is not None:
            loop = FeedingLoop(
                self.stack.layers,
                self.config,
                self.attend,
                self.combine,
                self.config.dropout if self.training else 0.0,
            )
            layers, outputs, recurrent, feed = loop.run(embedded, layout, state.recurrent, state.feed, memory)
            weights = layout.unpack(torch.cat(loop.weights)) if output_attentions and loop.weights else None
            return DecodedTokens(embedded, layers, outputs, DecoderState(recurrent, memory, feed), weights)
        inputs, rows = embedded, layout.token_rows()
        if self.config.input_feeding:
            inputs = torch.cat((embedded, memory.summary.to(embedded.dtype).index_select(0, rows)), 1)
        layers, recurrent = self.stack(inputs, layout, state.recurrent)
        weights = None
        if self.attention is None:
            of_context = self.of_context(memory.summary).index_select(0, rows)  # (num_tokens, output)
            outputs = torch.tanh(of_context + self.of_hidden(layers[-1]))
        else:
            # The states of all steps are known before the attention, so one product is enough.
            contexts, weights = self.attend(layout.unpack(layers[-1]), memory)  # (batch, length, features)
            outputs = self.combine(layout.pack(contexts), layers[-1])
            weights = layout.unpack(layout.pack(weights)) if output_attentions else None
        return DecodedTokens(embedded, layers, outputs, DecoderState(recurrent, memory), weights)

    def attend(self, hidden: Tensor, memory: SourceMemory) -> tuple[Tensor, Tensor]:
        """Contexts `(batch, length, features)` and weights of hidden states `(batch, length, hidden_size)`."""
        return attend(self.attention(hidden, memory.keys), memory)  # type: ignore[misc]

    def combine(self, context: Tensor, hidden: Tensor) -> Tensor:
        """Inputs of the output layer, `(num_tokens, output_size)`, from contexts and hidden states."""
        return torch.tanh(self.of_context(context) + self.of_hidden(hidden))

    def _embed(self, input_ids: Tensor) -> Tensor:
        probability = self.config.embedding_dropout if self.training else 0.0
        return embed_with_dropout(self.embed_tokens, input_ids, probability)
