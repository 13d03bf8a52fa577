"""Interface of the checks of a comparison."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from hfseq.comparison.checks.facts import Facts

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        message (`str`): one sentence: what was found, in which models, and what to do.
        models (`tuple[str, ...]`): the models that it is about; empty for the data or the whole comparison.
        severity (`str`, *optional*): `"error"`, `"warning"` or `"info"`; by default that of the check.
        replaces (`tuple[str, ...]`): notes of the comparison that say the same. They are left out.
    """

    message: str
    models: tuple[str, ...] = ()
    severity: Severity | None = None
    replaces: tuple[str, ...] = ()


class Check(ABC):
    """Looks for one problem in a comparison. Register a subclass with [`register_check`].

    Attributes:
        code (`str`): for example `"HFS001"`. Plug-ins use other letters than `HFS`.
        severity (`str`): `"error"` (the figures must not be used as they are), `"warning"` (they are worse or less
            certain than they could be), or `"info"`.
        title (`str`): a few words.
        cause (`str`): what the problem is, and how it is detected. One paragraph of Markdown.
        cure (`str`): what to do. One paragraph of Markdown.
        page (`str`): where it is explained.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity]
    title: ClassVar[str]
    cause: ClassVar[str]
    cure: ClassVar[str]
    page: ClassVar[str] = ""

    @abstractmethod
    def find(self, facts: Facts) -> Iterable[Finding]:
        """What was found: nothing if all is well, or if the runs do not tell.

        Args:
            facts (`Facts`): the comparison and its runs. Records may lack any value: read them with [`at`] and
                [`number`].
        """
