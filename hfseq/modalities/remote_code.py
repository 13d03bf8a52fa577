"""Saves the code of a processor beside its settings, so that transformers loads it where hfseq is not installed.

transformers copies the file of a class and the files that it imports from its own folder. The processors of hfseq
also import shared modules of `hfseq.modalities`. This module copies those into the same flat folder. It is copied
itself, so that a processor that was loaded from such a folder can be saved again.
"""

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

from transformers.dynamic_module_utils import get_relative_import_files
from transformers.utils import PushToHubMixin

# The first words of an import of a shared module, such as `hfseq.modalities.limits`.
_SHARED_IMPORT = re.compile(r"^([ \t]*from )(hfseq\.modalities\.[\w.]+)(?= import\b)", re.MULTILINE)


class RemoteCodeMixin(PushToHubMixin):
    """Base class of processors whose code is saved with them. It stands before the base class of transformers.

    A subclass in a module outside of hfseq is saved with that module as it is, so loading it needs hfseq.
    """

    def save_pretrained(self, save_directory: str | os.PathLike, push_to_hub: bool = False, **kwargs: Any) -> Any:
        """Saves the settings of the processor and the code that it needs.

        Args:
            save_directory (`str` or `PathLike`): the folder; it is created if it does not exist.
            push_to_hub (`bool`, *optional*, defaults to `False`): whether to push the processor to the Hub afterwards.
            kwargs: passed to `save_pretrained` of transformers or, with `push_to_hub`, to `push_to_hub`. `repo_id`
                defaults to the name of the folder.

        Returns:
            the files that `save_pretrained` of transformers reports.
        """
        if push_to_hub:
            saved = self.save_pretrained(save_directory)
            self.push_to_hub(kwargs.pop("repo_id", Path(save_directory).name), **kwargs)
            return saved
        saved = super().save_pretrained(save_directory, **kwargs)
        for processor in self.processors_with_code():
            _copy_shared_code(type(processor).__module__, Path(save_directory))
        return saved

    def processors_with_code(self) -> list[Any]:
        """The processors that are saved together, here only this one."""
        return [self]


def _copy_shared_code(module: str, folder: Path) -> None:
    """Completes what transformers has copied of a module of hfseq, and makes its imports relative."""
    if not module.startswith("hfseq."):
        return
    waiting, copied = [module], set()
    while waiting:
        spec = importlib.util.find_spec(waiting.pop())
        origin = str(spec.origin)  # type: ignore[union-attr]
        for path in map(Path, (origin, *get_relative_import_files(origin))):
            code = path.read_text(encoding="utf-8")
            waiting += [match[2] for match in _SHARED_IMPORT.finditer(code) if match[2] not in copied]
            copied |= {match[2] for match in _SHARED_IMPORT.finditer(code)}
            flat = _SHARED_IMPORT.sub(lambda match: f"{match[1]}.{match[2].rpartition('.')[2]}", code)
            (folder / path.name).write_text(flat, encoding="utf-8")
