"""Checks the recurrence engine that the environment variable names, before a training starts."""

from hfseq.errors import HfseqError
from hfseq.models.recurrent.engines import check_engine


def check_recurrence_engine() -> None:
    """
    Raises:
        HfseqError: the environment variable `HFSEQ_ENGINE` names an engine that is not available.
    """
    try:
        check_engine()
    except ValueError as error:
        raise HfseqError(str(error)) from error
