"""Help of the settings of `hfseq train` and `hfseq compare`: the common ones, those of a group, or all."""

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfseq.commands.run_defaults import Defaults
from hfseq.data.arguments import DataArguments
from hfseq.data.setting_groups import setting_groups, settings_class, users
from hfseq.data.setting_values import is_switch
from hfseq.data.settings import Setting, declared_settings
from hfseq.errors import HfseqError, nearest
from hfseq.registry import preset_names
from hfseq.training.all_settings import all_settings
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.training_defaults import TrainingDefaults

# The settings in the short help, by group.
_COMMON: dict[str, tuple[str, ...]] = {
    "data": ("dataset", "task", "modality", "text_column", "label_column", "max_length", "max_train_samples"),
    "model": ("model", "model_type", "config_overrides", "finetuning"),
    "training": (
        "learning_rate", "num_train_epochs", "per_device_train_batch_size", "weight_decay", "warmup_steps",
        "early_stopping_patience", "metric_for_best_model", "seed", "bf16",
    ),
    "output": ("output_dir", "overwrite_output_dir", "report_to", "push_to_hub"),
}  # fmt: skip
_METAVARS = {
    "dataset": "DATA", "model": "MODEL", "models": "MODEL ...", "seeds": "N ...", "output_dir": "FOLDER",
    "cache_dir": "FOLDER", "plugins": "MODULE ...", "config_overrides": "KEY=VALUE,...",
}  # fmt: skip
# Columns of the page at most, columns of the flags, and columns below which a description is below its flag.
_WIDEST, _NAME_WIDTH, _NARROW = 100, 30, 66


@dataclass(frozen=True)
class Section:
    """Settings under a heading.

    Attributes:
        name (`str`): the name of the group.
        title (`str`): the heading.
        settings (`tuple[Setting, ...]`): the settings, in their order.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]


def sections() -> list[Section]:
    """All settings by group: hfseq's own first, those of transformers last."""
    settings = all_settings()
    model = declared_settings(ModelArguments)
    found = [
        _section("data", "The data", [settings[name] for name in declared_settings(DataArguments)]),
        _section("model", "The model", [item for name, item in model.items() if not name.startswith("lora")]),
        _section("lora", "LoRA (--finetuning lora)", [i for name, i in model.items() if name.startswith("lora")]),
    ]
    found += [
        _section(cls.group, f"{', '.join(users(cls))}: {_first_line(cls)}", declared_settings(cls).values())
        for cls in setting_groups().values()
    ]
    own = declared_settings(TrainingDefaults)
    known = {item.name for section in found for item in section.settings}
    rest = [item for name, item in settings.items() if name not in own and name not in known]
    return [
        *found,
        _section("training", "The training: settings that hfseq adds or changes", [settings[name] for name in own]),
        _section("transformers", "The training: settings of transformers' TrainingArguments", rest),
    ]


def _section(name: str, title: str, settings: Iterable[Setting]) -> Section:
    return Section(name, title, tuple(settings))


def _first_line(cls: type) -> str:
    return str(cls.__doc__).strip().partition("\n")[0].rstrip(".")


def common_sections(defaults: Defaults) -> list[Section]:
    """The common settings, and those of the task and the modality of the run.

    Args:
        defaults (`Defaults`): the run.
    """
    settings = all_settings()
    found = [_section(name, f"The {name}", [settings[key] for key in keys]) for name, keys in _COMMON.items()]
    shown = {item.name for section in found for item in section.settings}
    classes = (
        defaults.task and settings_class("task", defaults.task),
        defaults.modality and settings_class("modality", defaults.modality),
    )
    for cls in classes:
        if cls:
            own = [item for name, item in declared_settings(cls).items() if name not in shown]
            shown |= {item.name for item in own}
            found.append(_section(cls.group, _first_line(cls), own))
    return [section for section in found if section.settings]


def find_section(name: str) -> Section:
    """The settings of one group, by its name or by the name of a task or modality.

    Raises:
        HfseqError: there is no such group.
    """
    found = {section.name: section for section in sections()}
    names = {user: cls.group for cls in setting_groups().values() for user in users(cls)}
    name = names.get(name, name)
    if name not in found:
        raise HfseqError(f"there is no group of settings {name!r}: {nearest(name, dict.fromkeys([*found, *names]))}")
    return found[name]


def group_names() -> list[str]:
    """The names that may follow `--help`."""
    return [section.name for section in sections()]


def render(shown: Sequence[Section], defaults: Defaults, width: int | None = None) -> str:
    """The help text of some settings.

    Args:
        shown (`Sequence[Section]`): the settings.
        defaults (`Defaults`): the defaults of the run.
        width (`int`, *optional*): the number of columns. By default that of the terminal, at most 100.
    """
    width = terminal_width() if width is None else width
    parts = []
    for section in shown:
        lines = [_fill(f"{section.title}:", width)]
        for item in section.settings:
            lines.append(_entry(f"--{item.name}{_metavar(item)}", _description(item, defaults), width))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def terminal_width() -> int:
    """The number of columns that help texts use."""
    return max(min(shutil.get_terminal_size().columns, _WIDEST), 40)


def _entry(flag: str, text: str, width: int) -> str:
    """A flag and its description: side by side, or below each other on a narrow screen."""
    if width < _NARROW:
        return f"  {flag}\n{_fill(text, width, initial_indent=' ' * 4, subsequent_indent=' ' * 4)}"
    indent = " " * _NAME_WIDTH
    body = _fill(text, width, initial_indent=indent, subsequent_indent=indent)
    first = f"  {flag}"
    return f"{first:<{_NAME_WIDTH}}{body[_NAME_WIDTH:]}" if len(first) < _NAME_WIDTH - 1 else f"{first}\n{body}"


def _metavar(item: Setting) -> str:
    if is_switch(item):
        return " false" if item.default is True else ""
    if item.name in _METAVARS:
        return f" {_METAVARS[item.name]}"
    kind = "N" if "int" in item.types else "X" if "float" in item.types else "VALUE"
    kind = "COLUMN" if item.name.endswith("_column") else kind
    return f" {kind} ..." if item.types & {"list"} and "str" not in item.types else f" {kind}"


def _description(item: Setting, defaults: Defaults) -> str:
    is_model = item.name in ("model", "models")
    choices = preset_names() if is_model else item.choices
    values = f" {'Presets' if is_model else 'Values'}: {', '.join(choices)}." if choices else ""
    default = defaults.text(item)
    text = " ".join(item.help.split())
    text = text if text.endswith((".", ")")) else f"{text}."
    return f"{text}{values}{f' Default: {default}.' if default else ''}"


def split_help(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Which help is asked for, and the other words of a command.

    Returns:
        `tuple`: `None` for no help, `""` for the short help, `"all"`, or the name of a group; and the other words.
    """
    words = list(argv)
    if "--help-all" in words:
        return "all", [word for word in words if word not in ("--help-all", "--help", "-h")]
    place = next((index for index, word in enumerate(words) if word in ("-h", "--help")), None)
    if place is None:
        return None, words
    follows = words[place + 1] if place + 1 < len(words) else "--"
    if follows.startswith("-") or follows.endswith((".yaml", ".yml")):
        return "", words[:place] + words[place + 1 :]
    return follows, words[:place] + words[place + 2 :]


def help_page(
    command: str,
    introduction: Sequence[str],
    topic: str,
    models: Sequence[str],
    given: Mapping[str, Any],
    own: Section | None = None,
) -> str:
    """The help text of a command.

    Args:
        command (`str`): the name of the command.
        introduction (`Sequence[str]`): the paragraphs of the short help. Those that begin with a space are examples.
        topic (`str`): see [`split_help`].
        models (`Sequence[str]`): the models whose defaults are shown.
        given (`Mapping[str, Any]`): the settings that were given beside `--help`.
        own (`Section`, *optional*): flags of the command that are not settings; they replace model, model_type, seed
            and settings of the same name.
    """
    defaults, width = Defaults.of(models, given), terminal_width()
    replaced = {"model", "model_type", "seed", *(item.name for item in own.settings)} if own else set()
    if topic == "":
        shown, parts = common_sections(defaults), [_paragraph(text, width) for text in introduction]
        more = (
            f"`hfseq {command} --help GROUP` describes one group of settings: {', '.join(group_names())}.",
            f"`hfseq {command} --help-all` describes all settings.",
            "The defaults are those of the run that the other flags describe: "
            f"`hfseq {command} --task forecasting --help`.",
        )
        ends = [_paragraph(" ".join(more), width)]
    else:
        shown, parts, ends = (sections() if topic == "all" else [find_section(topic)]), [], []
    shown = [_section(one.name, one.title, [i for i in one.settings if i.name not in replaced]) for one in shown]
    if own and topic in ("", "all"):
        shown.insert(0, own)
    return "\n\n".join([*parts, render([one for one in shown if one.settings], defaults, width), *ends])


def _paragraph(text: str, width: int) -> str:
    indent = " " * 7 if text.startswith("usage:") else ""
    return _example(text, width) if text.startswith(" ") else _fill(text, width, subsequent_indent=indent)


def _example(text: str, width: int) -> str:
    """Commands, one per line. A command that is too long continues on the next line, as in a shell."""
    lines = []
    for line in text.splitlines():
        parts = textwrap.wrap(line, width - 2, subsequent_indent=" " * 6, break_on_hyphens=False)
        lines.append(" \\\n".join(parts))
    return "\n".join(lines)


def _fill(text: str, width: int, initial_indent: str = "", subsequent_indent: str = "") -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=initial_indent,
        subsequent_indent=subsequent_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
