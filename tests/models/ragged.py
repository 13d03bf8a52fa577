"""Ragged batches with several kinds of padding, and functions that compare results of models."""

import torch
from torch import Tensor, nn

from hfseq.models.recurrent.cell_types import CELL_TYPES

CELLS = tuple(cell.name for cell in CELL_TYPES.values() if cell.is_builtin)
_CLASSES = {name: CELL_TYPES[name].load_class() for name in CELLS}
TORCH_CELLS = {name: one for name, one in _CLASSES.items() if issubclass(one, nn.RNNBase)}
SIDES = ("left", "right", "mixed")
LENGTHS = (3, 9, 1, 6, 2, 9, 5)
SMALL = {
    "vocab_size": 23,
    "embedding_size": 6,
    "hidden_size": 4,
    "num_hidden_layers": 2,
    "num_labels": 3,
    "pad_token_id": 0,
    "pooling": "attention",
}


def make_rows(lengths: tuple[int, ...] = LENGTHS, features: int | None = None, seed: int = 0) -> list[Tensor]:
    """Sequences of these lengths: tokens, or `features` numbers per step."""
    random = torch.Generator().manual_seed(seed)
    if features is None:
        return [torch.randint(1, SMALL["vocab_size"], (length,), generator=random) for length in lengths]
    return [torch.randn(length, features, generator=random, dtype=torch.float64) for length in lengths]


def pad_rows(rows: list[Tensor], side: str, extra: int = 0, seed: int = 1) -> tuple[Tensor, Tensor]:
    """One batch and its mask. Padding has random tokens, or NaN in a numeric series, which must not change results.

    `mixed` puts padding on both sides of a row and inside it.
    """
    random = torch.Generator().manual_seed(seed)
    shape = (len(rows), max(map(len, rows)) + extra)
    if rows[0].is_floating_point():
        batch = rows[0].new_full((*shape, *rows[0].shape[1:]), torch.nan)
    else:
        batch = torch.randint(1, SMALL["vocab_size"], shape, generator=random)
    mask = torch.zeros(shape, dtype=torch.long)
    for number, row in enumerate(rows):
        if side == "mixed":
            places = torch.randperm(shape[1], generator=random)[: len(row)].sort().values
        else:
            places = torch.arange(len(row)) + (shape[1] - len(row) if side == "left" else 0)
        batch[number, places] = row
        mask[number, places] = 1
    return batch, mask


def gradients(model: nn.Module, value: Tensor) -> dict[str, Tensor]:
    """Gradient of a scalar with respect to each parameter; zero if it has no effect."""
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
    return dict(zip(names, found, strict=True))


def scalar(outputs: list[Tensor]) -> Tensor:
    """A sum over rows with a different weight for each element."""
    return torch.stack([(row + row.square()).flatten().cumsum(0).sum() for row in outputs]).sum()


def assert_all_close(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-10) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=tolerance, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )


def assert_near(found: dict, expected: dict, tolerance: float) -> None:
    """Checks that each tensor is within the tolerance, relative to its largest value."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        error = (found[name] - value).abs().max().item()
        assert error <= tolerance * value.abs().max().item(), f"{name}: wrong by {error:.1e}"
