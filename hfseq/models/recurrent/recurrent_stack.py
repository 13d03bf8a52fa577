"""A stack of recurrent layers over the real tokens of a batch, and its state."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .cell_types import find_cell_type
from .configuration_recurrent import RecurrentConfig
from .engines import run_layer, zero_state
from .layer_weights import layer_weights, weight_names
from .min_cells import MinCell
from .recurrent_cell import CellLayer
from .sequence_layout import SequenceLayout


@dataclass
class RecurrentState:
    """State of a recurrent model after the tokens it has read. Its size is constant.

    `generate` of transformers uses it like a cache.

    Attributes:
        hidden (`torch.Tensor` of shape `(num_layers * num_directions, batch, hidden_size)`): hidden states.
        cell (`torch.Tensor` of the same shape, *optional*): cell states, of cells that have them.
        length (`int`, *optional*, defaults to 0): number of columns that have been read, including padding.
    """

    # Class attributes that transformers requires of a cache. They have no annotation, so they are not fields. The size
    # of the state is constant, and tokens cannot be removed from it.
    is_compileable = False
    is_croppable = False

    hidden: Tensor
    cell: Tensor | None = None
    length: int = field(default=0, kw_only=True)

    def tensors(self) -> tuple[Tensor, ...]:
        """The hidden states and, if the cell has them, the cell states."""
        return (self.hidden,) if self.cell is None else (self.hidden, self.cell)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Number of columns that have been read, including padding. It is the same for each layer."""
        return self.length

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Selects the rows with these indices: the beams with which a search continues."""
        self.hidden = self.hidden.index_select(1, beam_idx.to(self.hidden.device))
        if self.cell is not None:
            self.cell = self.cell.index_select(1, beam_idx.to(self.cell.device))


class RecurrentStack(nn.Module):
    """A stack of recurrent layers over the real tokens of a batch.

    The result for a sequence does not depend on the amount or the side of its padding, or on the other sequences.
    """

    def __init__(self, config: RecurrentConfig, input_size: int):
        super().__init__()
        self.config = config
        sizes = [input_size] + [config.output_size] * (config.num_hidden_layers - 1)
        self.layers = nn.ModuleList(make_layer(config, size) for size in sizes)

    def forward(
        self, inputs: Tensor, layout: SequenceLayout, state: RecurrentState | None = None
    ) -> tuple[tuple[Tensor, ...], RecurrentState]:
        """Runs all layers.

        Args:
            inputs (`torch.Tensor` of shape `(num_tokens, input_size)`): embeddings or features of the real tokens.
            layout (`SequenceLayout`): the positions of the tokens.
            state (`RecurrentState`, *optional*, defaults to zeros): the state to continue from.

        Returns:
            `tuple`: the outputs of each layer, `(num_tokens, output_size)`, and the state after the last real token of
            each row. The state of a row without real tokens does not change.
        """
        outputs: list[Tensor] = []
        finals: list[RecurrentState] = []
        hidden = inputs
        for index, layer in enumerate(self.layers):
            initial = None if state is None else self._state_of(state, index)
            hidden, final = self._run(layer, self._drop(hidden, layout), layout, initial)
            outputs.append(hidden)
            finals.append(final)
        return tuple(outputs), _join(finals, (0 if state is None else state.length) + layout.shape[1])

    def _state_of(self, state: RecurrentState, layer: int) -> tuple[Tensor, ...]:
        directions = self.config.num_directions
        return tuple(tensor[layer * directions : (layer + 1) * directions] for tensor in state.tensors())

    def _run(self, layer, hidden, layout, initial):
        rows = initial
        if initial is not None and not layout.is_dense:
            rows = tuple(part.index_select(1, layout.rows) for part in initial)
        if layout.num_tokens == 0:
            outputs, final = hidden.new_zeros(0, self.config.output_size), rows
        else:
            outputs, final = run_layer(layer, hidden, layout, rows, self._weights(layer))
        if layout.is_dense and final is not None:
            return outputs, RecurrentState(*final)
        if initial is None:
            initial = zero_state(layer, hidden, layout.shape[0])
        if final is not None:
            # Under autocast the precision of the state may change.
            initial = tuple(
                part.to(new.dtype).index_copy(1, layout.rows, new) for part, new in zip(initial, final, strict=True)
            )
        return outputs, RecurrentState(*initial)

    def _weights(self, layer):
        """The weights, some recurrent weights of which are dropped. `None` without such dropout."""
        probability = self.config.recurrent_dropout if self.training else 0.0
        if not probability:
            return None
        return [
            F.dropout(weight, probability) if name.startswith("weight_hh") else weight
            for name, weight in zip(weight_names(layer), layer_weights(layer), strict=True)
        ]

    def _drop(self, hidden, layout):
        probability = self.config.dropout if self.training else 0.0
        return token_dropout(hidden, layout, probability, self.config.locked_dropout)


def make_layer(config: RecurrentConfig, input_size: int) -> nn.RNNBase | MinCell | CellLayer:
    """A recurrent layer with the cell that the configuration names, for tokens of `input_size`."""
    cell = find_cell_type(config.cell_type, config.cell_plugin)
    if cell.is_builtin:
        return cell.load_class()(input_size, config.hidden_size, batch_first=True, bidirectional=config.bidirectional)
    return CellLayer(cell.load_class(), input_size, config.hidden_size, config.bidirectional)


def token_dropout(hidden: Tensor, layout: SequenceLayout, probability: float, locked: bool) -> Tensor:
    """Dropout over packed tokens.

    Args:
        hidden (`torch.Tensor` of shape `(num_tokens, size)`): vectors of the real tokens.
        layout (`SequenceLayout`): the positions of the tokens.
        probability (`float`): probability of dropping an element; 0 in evaluation.
        locked (`bool`): whether all steps of a sequence use the same mask (Gal & Ghahramani 2016).
    """
    if not probability:
        return hidden
    if not locked:
        return F.dropout(hidden, probability)
    mask = F.dropout(hidden.new_ones(layout.shape[0], hidden.size(1)), probability)  # (batch, size)
    return hidden * mask.index_select(0, layout.token_rows())


def embed_with_dropout(table: nn.Embedding, input_ids: Tensor, probability: float) -> Tensor:
    """Embeddings with dropout of whole token types (Gal & Ghahramani 2016).

    Args:
        table (`nn.Embedding`): the embeddings.
        input_ids (`torch.LongTensor` of any shape): tokens.
        probability (`float`): probability of dropping a token type; 0 in evaluation.
    """
    embedded = table(input_ids)
    if not probability:
        return embedded
    keep = F.dropout(embedded.new_ones(table.num_embeddings, 1), probability)
    return embedded * F.embedding(input_ids, keep)


def _join(states: list[RecurrentState], length: int) -> RecurrentState:
    parts = zip(*(state.tensors() for state in states), strict=True)
    tensors = [torch.cat(part) if len(part) > 1 else part[0] for part in parts]
    return RecurrentState(*tensors, length=length)
