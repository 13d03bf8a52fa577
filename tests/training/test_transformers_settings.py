"""The fields of `TrainingArguments` that are read from the source code of transformers."""

import dataclasses
import types
from enum import Enum
from typing import get_args, get_type_hints

import pytest
from transformers import TrainingArguments

from hfseq.training.transformers_settings import transformers_settings

FIELDS = {item.name: item for item in dataclasses.fields(TrainingArguments) if item.init and "help" in item.metadata}
HINTS = get_type_hints(TrainingArguments)


def test_names_are_those_of_the_dataclass_in_its_order():
    assert list(transformers_settings()) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_field_is_read_as_it_is(name):
    found, item = transformers_settings()[name], FIELDS[name]
    default = item.default if item.default is not dataclasses.MISSING else item.default_factory()
    assert found.default == default and type(found.default) is type(default)
    assert found.help == item.metadata["help"].replace("%%", "%")
    hint = HINTS[name]
    members = get_args(hint) if isinstance(hint, types.UnionType) or "Union" in str(type(hint)) else (hint,)
    enumerations = [kind for kind in members if isinstance(kind, type) and issubclass(kind, Enum)]
    choices = [member.value for kind in enumerations for member in kind] or item.metadata.get("choices", ())
    assert list(found.choices) == [choice for choice in choices if isinstance(choice, str)]
    names = {"None" if kind is type(None) else getattr(kind, "__name__", str(kind)) for kind in members}
    assert {part.rpartition(".")[2] for part in found.types} == names
