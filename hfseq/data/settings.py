"""Declares settings: dataclasses whose fields are flags of the command line and keys of YAML files.

The modules that declare settings import neither torch nor transformers, so that the command line answers at once.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar

from hfseq.data.bounds import Bounds, check_number
from hfseq.errors import HfseqError, nearest


def setting(
    default: Any,
    help: str,
    *,
    choices: Iterable[str] = (),
    bounds: Bounds | None = None,
    per_model: bool = False,
    for_new_data: bool = False,
    **argparse_options: Any,
) -> Any:
    """A field of a dataclass of settings.

    Args:
        default: the default.
        help (`str`): one or two sentences: the effect, the unit, and the default where it is not a constant.
        choices (`Iterable[str]`, *optional*): the valid values. By default all.
        bounds (`Bounds`, *optional*): the valid numbers. By default all finite numbers.
        per_model (`bool`, *optional*, defaults to `False`): whether the models of one comparison may have different
            values.
        for_new_data (`bool`, *optional*, defaults to `False`): whether data that a saved model reads may have another
            value than the training data had: the setting is also a flag of `hfseq predict` and `hfseq evaluate`.
        argparse_options: `nargs` and `const`, as in `argparse`.
    """
    metadata = {"help": help, **argparse_options}
    if choices := tuple(choices):
        metadata["choices"] = choices
    if bounds is not None:
        metadata["bounds"] = bounds
    for name, given in (("per_model", per_model), ("for_new_data", for_new_data)):
        if given:
            metadata[name] = True
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting: a flag and a key of YAML files.

    Attributes:
        name (`str`): the key, and the flag without its dashes.
        type (`str`): the annotation, such as `"int | None"`.
        default: the default of the dataclass.
        help (`str`): the description.
        choices (`tuple[str, ...]`): the valid values; empty if all are valid.
        bounds (`Bounds`, *optional*): the valid numbers.
        per_model (`bool`): whether the models of one comparison may have different values.
        for_new_data (`bool`): whether data that a saved model reads may have another value.
        optional_value (`bool`): whether the flag may be given without a value.
    """

    name: str
    type: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    bounds: Bounds | None = None
    per_model: bool = False
    for_new_data: bool = False
    optional_value: bool = False

    @property
    def types(self) -> frozenset[str]:
        """The types of the annotation without their parameters: `{"list", "None"}` for `list[str] | None`."""
        return frozenset(part.strip().partition("[")[0] for part in self.type.split("|"))


def declared_settings(cls: type) -> dict[str, Setting]:
    """The settings that the fields of a dataclass declare, in their order."""
    return {item.name: _read_field(item) for item in dataclasses.fields(cls) if item.init and "help" in item.metadata}


def _read_field(item: dataclasses.Field) -> Setting:
    annotation = (
        item.type.__name__ if isinstance(item.type, type) and not hasattr(item.type, "__args__") else item.type
    )
    data = item.metadata
    return Setting(
        item.name,
        str(annotation),
        [] if item.default is dataclasses.MISSING else item.default,
        data["help"],
        tuple(data.get("choices", ())),
        data.get("bounds"),
        data.get("per_model", False),
        data.get("for_new_data", False),
        data.get("nargs") == "?",
    )


def check_settings_of(settings: Any) -> None:
    """Checks the choices and the bounds that the fields of a dataclass declare.

    Args:
        settings: an instance of the dataclass.

    Raises:
        HfseqError: a value is not valid.
    """
    for item in declared_settings(type(settings)).values():
        check_value(item, getattr(settings, item.name))


def check_value(item: Setting, value: Any, label: str | None = None) -> None:
    """
    Args:
        item (`Setting`): the setting.
        value: its value, of the right type.
        label (`str`, *optional*): the name of the setting in errors, such as `"--max_length"`.

    Raises:
        HfseqError: the value is not one of the choices, or is out of bounds.
    """
    label = label or item.name
    if value is None:
        return
    if item.choices and not (isinstance(value, str) and value in item.choices):
        raise HfseqError(f"{label} {value!r} is not known: {nearest(str(value), item.choices)}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        check_number(label, value, item.bounds)


class Settings:
    """Base of the dataclasses of settings that a modality or a task declares.

    A subclass is a dataclass (`@dataclass(frozen=True)`) whose fields are made with [`setting`].

    Attributes:
        group (`str`): the name of the settings in `hfseq train --help GROUP`.
        used_by (`tuple[str, ...]`): the modalities or tasks that read these settings. By default the one that is
            called like the group.
    """

    group: ClassVar[str]
    used_by: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_settings_of(self)


class ModalitySettings(Settings):
    """Base of the settings of a modality.

    Attributes:
        presets_like (`str`, *optional*): see [`Modality.presets_like`].
    """

    presets_like: ClassVar[str | None] = None


class TaskSettings(Settings):
    """Base of the settings of a task."""
