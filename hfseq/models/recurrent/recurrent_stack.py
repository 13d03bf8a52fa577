"""The recurrence itself: one layer run over the real tokens, layers stacked, state carried along.

[`run_layer`] is the only place that knows how a recurrence is computed. Everything else of the family works with what
it returns, so that a faster engine replaces one function.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from .configuration_recurrent import RecurrentConfig
from .sequence_layout import SequenceLayout

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@dataclass
class RecurrentState:
    """What a recurrent model remembers of the tokens it has read; constant in size.

    Attributes:
        hidden (`torch.Tensor` of shape `(num_layers * num_directions, batch, hidden_size)`): hidden states.
        cell (`torch.Tensor` of the same shape, *optional*): cell states, of an LSTM only.
    """

    hidden: Tensor
    cell: Tensor | None = None

    def tensors(self) -> tuple[Tensor, ...]:
        """The hidden states and, for an LSTM, the cell states."""
        return (self.hidden,) if self.cell is None else (self.hidden, self.cell)


def run_layer(
    layer: nn.RNNBase, inputs: Tensor | PackedSequence, state: tuple[Tensor, ...], weight_drop: float = 0.0
) -> tuple[Tensor | PackedSequence, tuple[Tensor, ...]]:
    """Runs one recurrent layer, exactly: over whole rows, or over packed real tokens.

    Args:
        layer (`torch.nn.RNNBase`): holds the weights; one layer, one or two directions, `batch_first`.
        inputs (`torch.Tensor` of shape `(batch, length, size)` or `PackedSequence`): what to read.
        state (`tuple[torch.Tensor, ...]` of shape `(num_directions, rows, hidden_size)` each): hidden state, and cell
            state for an LSTM, before the first token; the rows of a packed input are the longest first.
        weight_drop (`float`, *optional*, defaults to 0.0): probability of dropping a hidden-to-hidden weight.

    Returns:
        `tuple`: the outputs in the form of the inputs, of size `hidden_size * num_directions`, and the final state.
    """
    initial = state if isinstance(layer, nn.LSTM) else state[0]
    if weight_drop:
        weights = {
            name: F.dropout(weight, weight_drop) if name.startswith("weight_hh") else weight
            for name, weight in layer.named_parameters()
        }
        outputs, final = torch.func.functional_call(layer, weights, (inputs, initial))
    else:
        outputs, final = layer(inputs, initial)
    return outputs, final if isinstance(layer, nn.LSTM) else (final,)


class RecurrentStack(nn.Module):
    """Recurrent layers, one on the other, over a batch of padded sequences.

    The result for a sequence does not depend on the amount of padding, the side it stands on, or the batch mates.
    """

    def __init__(self, config: RecurrentConfig, input_size: int):
        super().__init__()
        self.config = config
        sizes = [input_size] + [config.output_size] * (config.num_hidden_layers - 1)
        cell = CELLS[config.cell_type]
        self.layers = nn.ModuleList(
            cell(size, config.hidden_size, batch_first=True, bidirectional=config.bidirectional) for size in sizes
        )

    def forward(
        self, inputs: Tensor, attention_mask: Tensor | None = None, state: RecurrentState | None = None
    ) -> tuple[tuple[Tensor, ...], RecurrentState]:
        """Reads a batch.

        Args:
            inputs (`torch.Tensor` of shape `(batch, length, input_size)`): embeddings or features.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real tokens.
            state (`RecurrentState`, *optional*, defaults to zeros): the state to go on from.

        Returns:
            `tuple`: the outputs of each layer, `(batch, length, output_size)`, zero at the padding; and the state
            after the last real token of each row. A row without real tokens keeps the state it came with.
        """
        layout = None
        # Whole rows need no packing, and run faster without it.
        if inputs.size(1) == 0:
            attention_mask = inputs.new_zeros(inputs.shape[:2])
            layout = SequenceLayout.from_attention_mask(attention_mask)
        elif attention_mask is not None and not bool(attention_mask.bool().all()):
            layout = SequenceLayout.from_attention_mask(attention_mask)
        states = self._initial_states(inputs, state)
        outputs: list[Tensor] = []
        finals: list[tuple[Tensor, ...]] = []
        hidden: Tensor | PackedSequence = inputs if layout is None else layout.pack(inputs)
        for layer, initial in zip(self.layers, states, strict=True):
            hidden, final = self._run(layer, self._drop(hidden, layout), initial, layout)
            finals.append(final)
            outputs.append(hidden if isinstance(hidden, Tensor) else layout.unpack(hidden))  # type: ignore[union-attr]
        merged = tuple(torch.cat(parts) for parts in zip(*finals, strict=True))  # (layers * directions, batch, hidden)
        return tuple(outputs), RecurrentState(*merged)

    def _initial_states(self, inputs: Tensor, state: RecurrentState | None) -> list[tuple[Tensor, ...]]:
        config = self.config
        if state is None:
            shape = (config.num_hidden_layers * config.num_directions, inputs.size(0), config.hidden_size)
            zeros = inputs.new_zeros(shape)
            tensors: tuple[Tensor, ...] = (zeros, zeros) if config.cell_type == "lstm" else (zeros,)
        else:
            tensors = state.tensors()
        return list(zip(*(tensor.split(config.num_directions) for tensor in tensors), strict=True))

    def _run(self, layer, inputs, initial, layout):
        weight_drop = self.config.recurrent_dropout if self.training else 0.0
        if layout is None:
            return run_layer(layer, inputs, initial, weight_drop)
        if len(layout.rows) == 0:
            nothing = inputs.data.new_zeros(0, self.config.output_size)
            return PackedSequence(nothing, layout.batch_sizes), initial
        rows = layout.rows
        outputs, final = run_layer(layer, inputs, tuple(part.index_select(1, rows) for part in initial), weight_drop)
        # Autocast may return the state in another precision than it was given.
        final = tuple(part.to(new.dtype).index_copy(1, rows, new) for part, new in zip(initial, final, strict=True))
        return outputs, final

    def _drop(self, hidden, layout):
        probability = self.config.dropout
        if not (self.training and probability):
            return hidden
        data = hidden if layout is None else hidden.data
        if not self.config.locked_dropout:
            dropped = F.dropout(data, probability)
        elif layout is None:
            dropped = data * F.dropout(data.new_ones(data.size(0), 1, data.size(2)), probability)
        else:
            locked = F.dropout(data.new_ones(layout.shape[0], data.size(1)), probability)  # (batch, size)
            dropped = data * locked[layout.token_rows()]
        return dropped if layout is None else PackedSequence(dropped, hidden.batch_sizes)
