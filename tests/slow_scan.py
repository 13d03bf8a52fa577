"""Reference implementation of minGRU and minLSTM (Feng et al. 2024): one sequence and one token at a time."""

import torch
from torch import Tensor

GATES = {"mingru": 2, "minlstm": 3}


def slow_scan(cell: str, gates: Tensor, batch_sizes: Tensor, hidden0: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and final states of packed gates `(num_tokens, directions * gates * hidden)`, before activation."""
    starts = (batch_sizes.cumsum(0) - batch_sizes).tolist()
    directions, rows, size = hidden0.shape
    outputs: dict[tuple[int, int], Tensor] = {}
    finals = []
    for direction, parts in enumerate(gates.split(GATES[cell] * size, 1)):
        for row in range(rows):
            tokens = [start + row for start, count in zip(starts, batch_sizes.tolist(), strict=True) if row < count]
            state = hidden0[direction, row]
            for token in reversed(tokens) if direction else tokens:
                state = _step(cell, parts[token].split(size), state)
                outputs[token, direction] = state
            finals.append(state)
    joined = [torch.cat([outputs[token, direction] for direction in range(directions)]) for token in range(len(gates))]
    return torch.stack(joined), torch.stack(finals).view_as(hidden0)


def _step(cell: str, gates: tuple[Tensor, ...], state: Tensor) -> Tensor:
    if cell == "mingru":
        update, candidate = gates
        z = update.sigmoid()
        return (1 - z) * state + z * candidate
    enter, keep, candidate = gates
    i, f = enter.sigmoid(), keep.sigmoid()
    return f / (f + i) * state + i / (f + i) * candidate
