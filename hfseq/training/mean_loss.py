"""The loss of an evaluation as the mean over all of its items, for any batch size and number of processes."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import find_batch_size, gather_object, slice_tensors


class MeanLoss:
    """Adds up the losses of batches, each with the number of items that it is the mean of.

    Trainer reports the mean of the means of the batches. It depends on the batch size and on the number of processes
    where batches have different numbers of items, such as tokens.

    Args:
        skip_infinite (`bool`, *optional*, defaults to `True`): leave out batches whose loss is infinite or NaN, unless
            all batches are.
    """

    def __init__(self, skip_infinite: bool = True):
        self.skip_infinite = skip_infinite
        self._batches: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor, items: torch.Tensor) -> None:
        """Adds a batch. Its values stay on their device, so that nothing waits for the end of the computation.

        Args:
            loss (`torch.Tensor`): the mean loss of the batch, a scalar.
            items (`torch.Tensor`): the number of items of the batch, a scalar.
        """
        self._batches.append(torch.stack([loss.detach().float(), items.to(loss.device).float()]))

    def gathered(self) -> float | None:
        """The mean over the batches of all processes; `None` if there are no items. All processes call it."""
        own = torch.stack(self._batches).cpu().tolist() if self._batches else []
        return self._mean(pair for pair in gather_object(own) if pair[1])

    def _mean(self, batches: Iterable[list[float]]) -> float | None:
        known = list(batches)
        finite = [pair for pair in known if math.isfinite(pair[0])]
        counted = finite if self.skip_infinite and finite else known
        items = sum(count for _, count in counted)
        return sum(loss * count for loss, count in counted) / items if items else None


def own_loss(trainer: Any, inputs: Any, loss: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss and the number of items of a batch, without the rows that another process has as well.

    Args:
        trainer (`SequenceTrainer`): the trainer.
        inputs (`dict`): the batch.
        loss (`torch.Tensor`): the mean loss of the batch, a scalar.

    Returns:
        `tuple[torch.Tensor, torch.Tensor]`: mean loss and number of items, two scalars.
    """
    rows = find_batch_size(inputs) or 0
    new = num_new_rows(trainer.accelerator, rows)
    if new == 0:
        return loss, torch.zeros_like(loss)
    if new < rows:
        inputs = slice_tensors(inputs, slice(0, new))
        # The wrapped model would wait for the other processes, which do not repeat this step.
        model = trainer.accelerator.unwrap_model(trainer.model)
        with torch.no_grad(), trainer.compute_loss_context_manager():
            loss = trainer.compute_loss(model, inputs).detach().mean()
    return loss, trainer.task.count_items(inputs)


def num_new_rows(accelerator: Accelerator, rows: int) -> int:
    """The number of rows of a batch that are not repeated.

    With several processes, accelerate fills the last batches with the first examples. `gather_for_metrics` removes the
    same rows.

    Args:
        accelerator (`accelerate.Accelerator`): knows how many examples the last batches have.
        rows (`int`): the rows of the batch.
    """
    state = accelerator.gradient_state
    if accelerator.num_processes == 1 or not state.end_of_dataloader or state.remainder <= 0:
        return rows
    return min(max(state.remainder - accelerator.process_index * rows, 0), rows)
