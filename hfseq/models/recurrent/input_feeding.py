"""A recurrent decoder whose input includes the result of the attention: one step after the other, in plain torch."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import SourceMemory
from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig
from .layer_weights import cell_of, has_cell_state, layer_weights
from .recurrent_cell import CellLayer, RecurrentCell
from .recurrent_stack import RecurrentState
from .sequence_layout import SequenceLayout

State = tuple[Tensor, ...]


def rnn_step(inputs: Tensor, recurrent: Tensor, state: State) -> State:
    """The next state of an `nn.RNN`, from the products with its input and its hidden state."""
    return (torch.tanh(inputs + recurrent),)


def gru_step(inputs: Tensor, recurrent: Tensor, state: State) -> State:
    """The next state of an `nn.GRU`, from the same products."""
    size = state[0].size(1)
    reset, update = (inputs[:, : 2 * size] + recurrent[:, : 2 * size]).sigmoid().chunk(2, 1)
    candidate = torch.tanh(inputs[:, 2 * size :] + reset * recurrent[:, 2 * size :])
    return (torch.lerp(candidate, state[0].to(candidate.dtype), update.to(candidate.dtype)),)


def lstm_step(inputs: Tensor, recurrent: Tensor, state: State) -> State:
    """The next state of an `nn.LSTM`, from the same products."""
    enter, forget, candidate, leave = (inputs + recurrent).chunk(4, 1)
    cell = forget.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
    return leave.sigmoid() * cell.tanh(), cell


STEPS: dict[str, Callable[[Tensor, Tensor, State], State]] = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


class _TorchLayer:
    """Single steps of `nn.RNN`, `nn.GRU` or `nn.LSTM`, computed with the weights of the layer.

    Args:
        layer (`nn.Module`): the layer, of one direction.
        embedding_size (`int`): size of a token embedding, which is the first part of the input of the first layer.
    """

    def __init__(self, layer: nn.Module, embedding_size: int):
        cell = cell_of(layer)
        if cell is None:
            raise ValueError(
                f"a decoder with input feeding computes with the weights of its layers, and {type(layer).__module__}."
                f"{type(layer).__qualname__} does not have them: leave the decoder out of the quantization, or use a "
                "model with input_feeding=False"
            )
        self.next_state = STEPS[cell]
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = layer_weights(layer)
        self.weight_tokens, self.weight_fed = self.weight_ih.tensor_split([embedding_size], dim=1)
        self.num_states = 2 if has_cell_state(layer) else 1

    def project_tokens(self, embedded: Tensor) -> Tensor:
        """The part of all steps of the first layer that is known in advance, `(num_tokens, size)`."""
        return F.linear(embedded, self.weight_tokens, self.bias_ih)

    def first_step(self, projected: Tensor, fed: Tensor, state: State) -> State:
        """A step of the first layer, which reads a projected token and what is fed to it."""
        return self._next(projected + F.linear(fed, self.weight_fed), state)

    def step(self, inputs: Tensor, state: State) -> State:
        """A step of a further layer."""
        return self._next(F.linear(inputs, self.weight_ih, self.bias_ih), state)

    def _next(self, gates: Tensor, state: State) -> State:
        return self.next_state(gates, F.linear(state[0], self.weight_hh, self.bias_hh), state)


class _PluginLayer:
    """The same for the cell of a plug-in."""

    def __init__(self, layer: CellLayer):
        self.cell: RecurrentCell = layer.cells[0]  # type: ignore[assignment]
        self.num_states = layer.num_states

    def project_tokens(self, embedded: Tensor) -> Tensor:
        return embedded

    def first_step(self, projected: Tensor, fed: Tensor, state: State) -> State:
        return self.step(torch.cat((projected, fed.to(projected.dtype)), 1), state)

    def step(self, inputs: Tensor, state: State) -> State:
        dtype = state[0].dtype
        with torch.autocast(inputs.device.type, enabled=False):
            return self.cell.checked_step(self.cell.project(inputs.to(dtype)), state)


class FeedingLoop:
    """Runs the recurrent layers of a decoder, one step after the other.

    Only real tokens are read. Each step has the rows that have a token there, the longest first, so the number of rows
    decreases.

    Args:
        layers (`Iterable[nn.Module]`): the recurrent layers of the decoder.
        config (`RecurrentEncoderDecoderConfig`): its settings, with attention and input feeding.
        attend (`Callable`): attention to the source: from hidden states `(batch, length, hidden_size)` and a
            [`SourceMemory`] to contexts `(batch, length, features)` and weights.
        combine (`Callable`): from contexts `(rows, features)` and hidden states to outputs `(rows, output_size)`.
        dropout (`float`): probability of dropping an element of the input of each layer; 0 outside of training.

    Raises:
        ValueError: a layer is neither one of torch's own nor of a plug-in. It may be quantized.
    """

    def __init__(
        self,
        layers: Iterable[nn.Module],
        config: RecurrentEncoderDecoderConfig,
        attend: Callable[[Tensor, SourceMemory], tuple[Tensor, Tensor]],
        combine: Callable[[Tensor, Tensor], Tensor],
        dropout: float,
    ):
        self.layers: list[_TorchLayer | _PluginLayer] = [
            _PluginLayer(layer) if isinstance(layer, CellLayer) else _TorchLayer(layer, config.embedding_size)
            for layer in layers
        ]
        self.hidden_size = config.hidden_size
        self.parts = self.layers[0].num_states
        # Bahdanau et al. attend to the source before the step, Luong et al. after it.
        self.attends_first = config.attention == "additive"
        self.attend, self.combine, self.dropout = attend, combine, dropout
        self.weights: list[Tensor] = []

    def run(
        self,
        embedded: Tensor,
        layout: SequenceLayout,
        state: RecurrentState,
        feed: Tensor | None,
        memory: SourceMemory,
    ) -> tuple[tuple[Tensor, ...], Tensor, RecurrentState, Tensor | None]:
        """Runs all steps of a batch.

        Args:
            embedded (`torch.Tensor` of shape `(num_tokens, embedding_size)`): embeddings of the real tokens.
            layout (`SequenceLayout`): the positions of the tokens.
            state (`RecurrentState`): the state before the first token.
            feed (`torch.Tensor` of shape `(batch, size)`, *optional*): the output before the first token, if outputs
                are inputs of the next step.
            memory (`SourceMemory`): the sources.

        Returns:
            `tuple`: the outputs of each layer `(num_tokens, hidden_size)`, the outputs of the decoder `(num_tokens,
            size)`, and the state and the feed after the last token of each row.
        """
        before = [*self._by_layer(state), *(() if feed is None else (feed,))]
        after = before
        hidden = [embedded.new_zeros(0, self.hidden_size)] * len(self.layers)
        outputs = self.combine(memory.summary[:0], hidden[0])
        if layout.num_tokens and layout.is_dense:
            after, hidden, outputs = self._take_steps(embedded, layout, before, memory)
        elif layout.num_tokens:
            rows = [part.index_select(0, layout.rows) for part in before]
            finals, hidden, outputs = self._take_steps(embedded, layout, rows, memory.select(layout.rows))
            # Under autocast the precision of the state may change.
            after = [
                old.to(new.dtype).index_copy(0, layout.rows, new) for old, new in zip(before, finals, strict=True)
            ]
        fed = None if feed is None else after[-1]
        return tuple(hidden), outputs, self._joined(after, state.length + layout.shape[1]), fed

    def _take_steps(
        self, embedded: Tensor, layout: SequenceLayout, rows: list[Tensor], memory: SourceMemory
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        sizes = layout.batch_sizes.tolist()
        # The tokens are known in advance: one product for all steps.
        projected = self.layers[0].project_tokens(F.dropout(embedded, self.dropout))
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
        context = self._attend(rows[top], memory) if self.attends_first else None
        fed = rows[-1] if context is None else context
        fed = F.dropout(fed, self.dropout)
        new: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            state = tuple(rows[number * self.parts : (number + 1) * self.parts])
            if number:
                new += layer.step(F.dropout(new[(number - 1) * self.parts], self.dropout), state)
            else:
                new += layer.first_step(inputs, fed, state)
        if context is not None:
            return new, self.combine(context, new[top])
        output = self.combine(self._attend(new[top], memory), new[top])
        return [*new, output], output

    def _attend(self, hidden: Tensor, memory: SourceMemory) -> Tensor:
        contexts, weights = self.attend(hidden.unsqueeze(1), memory)
        self.weights.append(weights.squeeze(1))
        return contexts.squeeze(1)

    def _by_layer(self, state: RecurrentState) -> list[Tensor]:
        """The state tensors of the first layer, then those of the second, ..., `(batch, hidden_size)` each."""
        return [part for layer in zip(*state.tensors(), strict=True) for part in layer]

    def _joined(self, rows: list[Tensor], length: int) -> RecurrentState:
        count = len(self.layers) * self.parts
        parts = (torch.stack(rows[number : count : self.parts]) for number in range(self.parts))
        return RecurrentState(*parts, length=length)
