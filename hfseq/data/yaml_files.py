"""Reading and writing of YAML 1.2, in which `1e-6` is a number and `no` is a string."""

import re
from typing import Any

import yaml

from hfseq.errors import HfseqError

# PyYAML implements YAML 1.1, in which `1e-6` is a string, `no` is false, `1:30` is 90, and 2020-01-01 is a date.
_REPLACED = {f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "timestamp")}
# Maximum number of values and characters after all aliases are resolved. Settings need far fewer.
_MAX_SIZE = 5_000_000
# Name, pattern and possible first characters of each type of scalar.
_SCALARS = (
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
        # PyYAML would silently use the last value of a repeated key.
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if repeated := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {repeated!r} is there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes every string that one of the two versions of YAML would not read as a string."""


for _name, _pattern, _letters in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_letters))


def load_yaml(text: str, where: str = "the YAML") -> Any:
    """Reads YAML 1.2.

    Args:
        text (`str`): the text.
        where (`str`, *optional*, defaults to `"the YAML"`): name of the text in error messages.

    Raises:
        HfseqError: it is nested too deeply, or it is too large after its aliases are resolved.
        yaml.YAMLError: the text is not YAML.
    """
    try:
        values = yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise HfseqError(f"{where} has too deeply nested lists or mappings") from None
    _check_size(values, where)
    return values


def _check_size(values: Any, where: str) -> None:
    """Rejects texts whose aliases expand to too many values, which would exhaust the memory."""
    waiting, size = [values], 0
    while waiting:
        value = waiting.pop()
        size += len(value) if isinstance(value, str) else 1
        if size > _MAX_SIZE:
            raise HfseqError(
                f"{where} has more than {_MAX_SIZE:,} values and characters after its aliases (*name) are resolved: "
                "do not use aliases"
            )
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value


def dump_yaml(values: Any) -> str:
    """Writes values as YAML that [`load_yaml`] and readers of YAML 1.1 read as the same values.

    Args:
        values: a mapping of settings.
    """
    return yaml.dump(values, Dumper=_Dumper, sort_keys=True, allow_unicode=True)
