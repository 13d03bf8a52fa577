"""The recurrence engine that the environment asks for, checked before anything long begins."""

from hfseq.errors import HfseqError
from hfseq.models.recurrent.engines import check_engine


def check_recurrence_engine() -> None:
    """
    Raises:
        HfseqError: where the environment variable `HFSEQ_ENGINE` asks for what there is not.
    """
    try:
        check_engine()
    except ValueError as error:
        raise HfseqError(str(error)) from error
