"""The result of one run of a comparison."""

from dataclasses import dataclass
from pathlib import Path

from hfseq.training.record import RunRecord


@dataclass(frozen=True)
class RunResult:
    """The result of one run.

    Attributes:
        name (`str`): the model.
        seed (`int`): the seed.
        folder (`Path`): the run's folder.
        record (`RunRecord`, *optional*): its record.
        error (`str`, *optional*): what went wrong.
    """

    name: str
    seed: int
    folder: Path
    record: RunRecord | None
    error: str | None

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.error is None and self.record is not None and self.record.status == "finished"
