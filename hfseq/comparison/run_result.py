"""The result of one run of a comparison."""

from dataclasses import dataclass
from pathlib import Path

from hfseq.training.record import RunRecord


@dataclass(frozen=True)
class RunResult:
    """The result of one run.

    Attributes:
        name (`str`): name of the model.
        seed (`int`): random seed.
        folder (`Path`): folder of the run.
        record (`RunRecord`, *optional*): record of the run; `None` if the run wrote none.
        error (`str`, *optional*): error message of a failed run.
    """

    name: str
    seed: int
    folder: Path
    record: RunRecord | None
    error: str | None

    @property
    def finished(self) -> bool:
        """Whether the run finished without an error."""
        return self.error is None and self.record is not None and self.record.status == "finished"
