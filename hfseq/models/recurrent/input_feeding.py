"""A recurrence that is fed what its attention found: one step after the other, in plain torch."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import SourceMemory
from .layer_weights import cell_of, layer_weights
from .recurrent_stack import RecurrentState
from .sequence_layout import SequenceLayout

if TYPE_CHECKING:
    from .recurrent_decoder import RecurrentDecoder

State = tuple[Tensor, ...]


def rnn_step(inputs: Tensor, recurrent: Tensor, state: State) -> State:
    """The next state of an `nn.RNN`, from the products with its input and with its hidden state."""
    return (torch.tanh(inputs + recurrent),)


def gru_step(inputs: Tensor, recurrent: Tensor, state: State) -> State:
    """The next state of an `nn.GRU`, likewise."""
    size = state[0].size(1)
    reset, update = (inputs[:, : 2 * size] + recurrent[:, : 2 * size]).sigmoid().chunk(2, 1)
    candidate = torch.tanh(inputs[:, 2 * size :] + reset * recurrent[:, 2 * size :])
    return (torch.lerp(candidate, state[0].to(candidate.dtype), update.to(candidate.dtype)),)


def lstm_step(inputs: Tensor, recurrent: Tensor, state: State) -> State:
    """The next state of an `nn.LSTM`, likewise."""
    enter, forget, candidate, leave = (inputs + recurrent).chunk(4, 1)
    cell = forget.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
    return leave.sigmoid() * cell.tanh(), cell


STEPS: dict[str, Callable[[Tensor, Tensor, State], State]] = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


class LayerWeights(NamedTuple):
    """The parameters of one layer of torch, in its order."""

    of_input: Tensor
    of_hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor


def _weights_of(layer: nn.Module) -> LayerWeights:
    if cell_of(layer) is None:
        raise ValueError(
            f"a decoder with input feeding computes with the weights of its layers, and {type(layer).__module__}."
            f"{type(layer).__qualname__} does not have them: leave the decoder out of the quantization, or use a "
            "model with input_feeding=False"
        )
    return LayerWeights(*layer_weights(layer))


class FeedingLoop:
    """Takes the steps of a decoder whose recurrence reads what was attended to.

    Only real tokens are read: at each step stand the rows that have a token there, the longest first, so that fewer
    and fewer rows take part.

    Args:
        decoder (`RecurrentDecoder`): the decoder, with attention and input feeding.

    Raises:
        ValueError: if a layer of the decoder is not one of torch's own, such as a quantized one.
    """

    def __init__(self, decoder: "RecurrentDecoder"):
        self.decoder = decoder
        config = decoder.config
        self.layers = [_weights_of(layer) for layer in decoder.stack.layers]
        self.step = STEPS[config.cell_type]
        self.parts = 2 if config.cell_type == "lstm" else 1
        # Bahdanau et al. look at the source before the step, Luong et al. after it.
        self.looks_first = config.attention == "additive"
        self.dropout = config.dropout if decoder.training else 0.0
        self.of_tokens, self.of_fed = self.layers[0].of_input.tensor_split([config.embedding_size], dim=1)
        self.weights: list[Tensor] = []

    def run(
        self,
        embedded: Tensor,
        layout: SequenceLayout,
        state: RecurrentState,
        feed: Tensor | None,
        memory: SourceMemory,
    ) -> tuple[tuple[Tensor, ...], Tensor, RecurrentState, Tensor | None]:
        """Reads a batch.

        Args:
            embedded (`torch.Tensor` of shape `(num_tokens, embedding_size)`): embeddings of the real tokens.
            layout (`SequenceLayout`): which token belongs where.
            state (`RecurrentState`): the state before the first token.
            feed (`torch.Tensor` of shape `(batch, size)`, *optional*): the output before the first token, where the
                outputs are fed.
            memory (`SourceMemory`): the sources.

        Returns:
            `tuple`: the outputs of each layer `(num_tokens, hidden_size)`, the decoder's `(num_tokens, size)`, and
            state and feed after the last token of each row.
        """
        before = [*self._by_layer(state), *(() if feed is None else (feed,))]
        after = before
        hidden = [embedded.new_zeros(0, self.decoder.config.hidden_size)] * len(self.layers)
        outputs = embedded.new_zeros(0, self.decoder.output_size)
        if layout.num_tokens and layout.is_dense:
            after, hidden, outputs = self._take_steps(embedded, layout, before, memory)
        elif layout.num_tokens:
            rows = [part.index_select(0, layout.rows) for part in before]
            finals, hidden, outputs = self._take_steps(embedded, layout, rows, memory.select(layout.rows))
            # Autocast may return the state in another precision than it was given.
            after = [
                old.to(new.dtype).index_copy(0, layout.rows, new) for old, new in zip(before, finals, strict=True)
            ]
        fed = None if feed is None else after[-1]
        return tuple(hidden), outputs, self._joined(after, state.length + layout.shape[1]), fed

    def _take_steps(
        self, embedded: Tensor, layout: SequenceLayout, rows: list[Tensor], memory: SourceMemory
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        sizes = layout.batch_sizes.tolist()
        # The tokens are known beforehand: one product for all steps.
        projected = F.linear(F.dropout(embedded, self.dropout), self.of_tokens, self.layers[0].input_bias)
        ended: list[list[Tensor]] = []
        hidden: list[list[Tensor]] = [[] for _ in self.layers]
        outputs: list[Tensor] = []
        for count, inputs in zip(sizes, projected.split(sizes), strict=True):
            if count < len(rows[0]):
                ended.append([part[count:] for part in rows])
                rows, memory = [part[:count] for part in rows], memory.first(count)
            rows, output = self._step(inputs, rows, memory)
            outputs.append(output)
            for number, of_layer in enumerate(hidden):
                of_layer.append(rows[number * self.parts])
        finals = [torch.cat(parts) for parts in zip(rows, *reversed(ended), strict=True)]
        return finals, [torch.cat(of_layer) for of_layer in hidden], torch.cat(outputs)

    def _step(self, inputs: Tensor, rows: list[Tensor], memory: SourceMemory) -> tuple[list[Tensor], Tensor]:
        top = (len(self.layers) - 1) * self.parts
        context = self._look(rows[top], memory) if self.looks_first else None
        fed = rows[-1] if context is None else context
        gates = inputs + F.linear(F.dropout(fed, self.dropout), self.of_fed)
        new: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            if number:
                below = F.dropout(new[(number - 1) * self.parts], self.dropout)
                gates = F.linear(below, layer.of_input, layer.input_bias)
            state = tuple(rows[number * self.parts : (number + 1) * self.parts])
            new += self.step(gates, F.linear(state[0], layer.of_hidden, layer.hidden_bias), state)
        if context is not None:
            return new, self.decoder.combine(context, new[top])
        output = self.decoder.combine(self._look(new[top], memory), new[top])
        return [*new, output], output

    def _look(self, hidden: Tensor, memory: SourceMemory) -> Tensor:
        contexts, weights = self.decoder.look(hidden.unsqueeze(1), memory)
        self.weights.append(weights.squeeze(1))
        return contexts.squeeze(1)

    def _by_layer(self, state: RecurrentState) -> list[Tensor]:
        """Hidden state and, for an LSTM, cell state of each layer in turn, `(batch, hidden_size)` each."""
        return [part for layer in zip(*state.tensors(), strict=True) for part in layer]

    def _joined(self, rows: list[Tensor], length: int) -> RecurrentState:
        count = len(self.layers) * self.parts
        parts = (torch.stack(rows[number : count : self.parts]) for number in range(self.parts))
        return RecurrentState(*parts, length=length)
