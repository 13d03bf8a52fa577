"""YAML as its version 1.2 defines it: `1e-6` is a number, and `no` is a word."""

import re
from typing import Any

import yaml

from hfseq.errors import HfseqError

# PyYAML follows YAML 1.1, where `1e-6` is a word, `no` is false, `1:30` is 90, and 2020-01-01 is a date object.
_REPLACED = {f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "timestamp")}
# Values and characters together, with every alias written out: far more than settings need.
_LARGEST = 5_000_000
# Name of the type, what a word of it looks like, and the letters that it can begin with.
_WORDS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9_]*)(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML copies it for each class
        letter: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # PyYAML takes the last of several values, which hides a mistake.
        written = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := next((key for key in written if written.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes every word that either version of YAML would not read as a word."""


for _name, _pattern, _letters in _WORDS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_letters))


def load_yaml(text: str, where: str = "the YAML") -> Any:
    """Reads YAML 1.2.

    Args:
        text (`str`): the text.
        where (`str`, *optional*, defaults to `"the YAML"`): what an error calls it.

    Raises:
        HfseqError: it nests too deeply, or its aliases stand for more than settings can need.
        yaml.YAMLError: the text is not YAML.
    """
    try:
        values = yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise HfseqError(f"{where} nests lists or mappings too deeply") from None
    _check_size(values, where)
    return values


def _check_size(values: Any, where: str) -> None:
    """A few lines with anchors can stand for more than any memory holds."""
    waiting, size = [values], 0
    while waiting:
        value = waiting.pop()
        size += len(value) if isinstance(value, str) else 1
        if size > _LARGEST:
            raise HfseqError(
                f"{where} stands for more than {_LARGEST:,} values and characters once its aliases (*name) are "
                "replaced: write out what is meant, without them"
            )
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value


def dump_yaml(values: Any) -> str:
    """Writes values so that [`load_yaml`], and readers of YAML 1.1, read the same values again.

    Args:
        values: a mapping of settings, its keys in any order.
    """
    return yaml.dump(values, Dumper=_Dumper, sort_keys=True, allow_unicode=True)
