"""Settings of another modality or task than that of the data."""

from collections.abc import Iterable

from hfseq.data.setting_groups import Kind, owners, settings_class, users
from hfseq.data.settings import ModalitySettings, Settings, TaskSettings, declared_settings
from hfseq.errors import HfseqError
from hfseq.formatting import join_words

_KINDS: dict[Kind, type[Settings]] = {"modality": ModalitySettings, "task": TaskSettings}


def check_applies(names: Iterable[str], *, modality: str | None, task: str | None) -> None:
    """Rejects settings that only other modalities or tasks read.

    Args:
        names (`Iterable[str]`): the settings that the user gave.
        modality (`str`, *optional*): the modality of the data, if it is known already.
        task (`str`, *optional*): the task, if it is known already.

    Raises:
        HfseqError: a setting would be ignored.
    """
    known = {"modality": modality, "task": task}
    for name in names:
        kinds = _kinds_of(name)
        # What is not known yet may read the setting.
        if not kinds or applies(name, modality=modality, task=task) or any(known[kind] is None for kind in kinds):
            continue
        found = {"modality": f"this data is {modality}", "task": f"the task is {task}"}
        readers = join_words([user for cls in owners(name) for user in users(cls)])
        reason = " and ".join(found[kind] for kind in kinds)
        raise HfseqError(f"--{name} is a setting of {readers}; {reason}")


def applies(name: str, *, modality: str | None, task: str | None) -> bool:
    """Whether a modality or a task reads a setting. All of them read a setting that belongs to no group."""
    if not _kinds_of(name):
        return True
    classes = [modality and settings_class("modality", modality), task and settings_class("task", task)]
    return any(cls and name in declared_settings(cls) for cls in classes)


def _kinds_of(name: str) -> list[Kind]:
    """Whether modalities, tasks, or both have a setting."""
    return [kind for kind, base in _KINDS.items() if any(issubclass(cls, base) for cls in owners(name))]
