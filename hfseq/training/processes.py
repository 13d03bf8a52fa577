"""Work that one process of a run does for all processes."""

from collections.abc import Callable
from typing import TypeVar

import torch
from accelerate.utils import broadcast_object_list

from hfseq.errors import HfseqError

T = TypeVar("T")


def is_main_process() -> bool:
    """Whether this process writes the files of a run."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def on_main_process(function: Callable[[], T]) -> T:
    """Calls a function in the main process, and returns its result in all processes of the run.

    Args:
        function (`Callable[[], T]`): the function. Its result must be picklable.

    Raises:
        HfseqError: raised in all processes if the function raises one.
    """
    if not torch.distributed.is_initialized():
        return function()
    result, problem = None, None
    if is_main_process():
        try:
            result = function()
        except HfseqError as error:
            problem = str(error)
    [(result, problem)] = broadcast_object_list([(result, problem)])
    if problem is not None:
        raise HfseqError(problem)
    return result
