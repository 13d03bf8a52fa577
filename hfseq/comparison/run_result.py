"""The result of one run of a comparison."""

from dataclasses import dataclass, field
from pathlib import Path

from hfseq.comparison.variants import Variant
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
        variant (`Mapping[str, int | float | str]`): what distinguishes the run from others with the same seed, such
            as `fold` or `train_size`; empty for an ordinary run.
        is_baseline (`bool`, *optional*, defaults to `False`): whether the run is that of a baseline.
    """

    name: str
    seed: int
    folder: Path
    record: RunRecord | None
    error: str | None
    variant: Variant = field(default_factory=dict)
    is_baseline: bool = False

    @property
    def finished(self) -> bool:
        """Whether the run finished without an error."""
        return self.error is None and self.record is not None and self.record.status == "finished"
