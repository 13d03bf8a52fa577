"""The loss of an evaluation as the mean over all of its items, however they were batched."""

import math
from collections.abc import Iterable

import torch
from accelerate.utils import gather_object


class MeanLoss:
    """Adds up the losses of batches, each with the number of items that it is a mean over.

    A mean of the batches' means, as Trainer reports it, depends on the batch size and on the number of processes
    wherever batches differ in their number of items: words of a sentence, observed targets.

    Args:
        skip_infinite (`bool`, *optional*, defaults to `True`): whether batches with an infinite loss, or one that is
            no number, are left out, unless all are of that kind.
    """

    def __init__(self, skip_infinite: bool = True):
        self.skip_infinite = skip_infinite
        self._batches: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor, items: torch.Tensor) -> None:
        """Takes in a batch; nothing is moved between devices, which would wait for the batch to be done.

        Args:
            loss (`torch.Tensor`): a scalar.
            items (`torch.Tensor`): the number of items that it is the mean over, a scalar.
        """
        self._batches.append(torch.stack([loss.detach().float(), items.to(loss.device).float()]))

    def gathered(self) -> float | None:
        """The mean over the batches of all processes, each of which has to ask; `None` where there is no item."""
        own = torch.stack(self._batches).cpu().tolist() if self._batches else []
        return self._mean(pair for pair in gather_object(own) if pair[1])

    def _mean(self, batches: Iterable[list[float]]) -> float | None:
        known = list(batches)
        finite = [pair for pair in known if math.isfinite(pair[0])]
        counted = finite if self.skip_infinite and finite else known
        items = sum(count for _, count in counted)
        return sum(loss * count for loss, count in counted) / items if items else None
