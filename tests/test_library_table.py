"""The methods and private names of the libraries that hfseq depends on are those that it was written against."""

import inspect
import pkgutil
import re
import sys

import pytest
import transformers.trainer
from library_table import OVERRIDES, RELIED_ON, USED
from library_use import call_sites, foreign_private_names, is_private, overrides, own_classes, signature, source_of

LIBRARIES = ("transformers", "evaluate")


@pytest.fixture(scope="module")
def found() -> dict[str, type]:
    """The class of the library of each method that hfseq overrides, by the name of the method."""
    return {f"{base.__name__}.{name}": base for cls in own_classes() for base, name in overrides(cls, LIBRARIES)}


def advice(name: str) -> str:
    reason = OVERRIDES[name].reason if name in OVERRIDES else "?"
    return f"hfseq overrides {name}, because {reason}. Adapt the override and then tests/library_table.py"


def test_table_lists_exactly_what_hfseq_overrides(found):
    new = sorted(set(found) - set(OVERRIDES))
    assert not new, f"hfseq overrides {new}: add the entries to OVERRIDES in tests/library_table.py"
    gone = sorted(set(OVERRIDES) - set(found))
    assert not gone, f"either hfseq does not override {gone} any more, or the library does not define it any more"


def test_overridden_methods_have_the_signatures_that_hfseq_was_written_against(found):
    for name, base in found.items():
        now = signature(base, name.rpartition(".")[2])
        assert now == OVERRIDES[name].signature, f"{name} has changed. {advice(name)}"


def test_libraries_call_overridden_methods_as_they_did(found):
    checked = 0
    for name, base in found.items():
        method = name.rpartition(".")[2]
        private = is_private(method) and OVERRIDES[name].signature is not None
        assert OVERRIDES[name].calls or not private, f"name the calls of {name} in tests/library_table.py"
        if OVERRIDES[name].calls:
            now = call_sites(sys.modules[base.__module__], method)
            assert now == OVERRIDES[name].calls, f"{name} is called otherwise. {advice(name)}"
            checked += 1
    assert checked > 30


@pytest.mark.parametrize("place", RELIED_ON)
def test_libraries_have_the_code_that_hfseq_relies_on(place):
    source = source_of(place)
    for code, reason in RELIED_ON[place].items():
        assert code in source, f"{place} has no `{code}` any more. hfseq relies on it: {reason}"


def test_table_lists_exactly_the_private_names_that_hfseq_uses():
    used = foreign_private_names()
    new = {name: places for name, places in used.items() if name not in USED}
    assert not new, f"hfseq uses private names of a library: add them to USED in tests/library_table.py: {new}"
    assert not set(USED) - set(used), "remove the names that hfseq does not use any more"


@pytest.mark.parametrize("name", [name for name, entry in USED.items() if entry.owner])
def test_libraries_have_the_private_names_that_hfseq_uses(name):
    entry = USED[name]
    owner = pkgutil.resolve_name(entry.owner)
    if entry.signature is not None:
        value = getattr(owner, name)
        parameters = [item.replace(annotation=item.empty) for item in inspect.signature(value).parameters.values()]
        assert str(inspect.Signature(parameters)) == entry.signature, f"{entry.owner}.{name}: {entry.reason}"
    elif not hasattr(owner, name):
        # An attribute that the class or one of its bases sets in its constructor.
        sources = [inspect.getsource(base) for base in owner.__mro__[:-1]]
        assigned = re.compile(rf"\bself\.{name}\b[^=\n]*=|[\"']{name}[\"']")
        assert any(map(assigned.search, sources)), f"{entry.owner} has no {name} any more: {entry.reason}"


def test_call_sites_show_a_method_that_is_passed_on_and_one_that_is_called():
    """The check itself: a changed argument, a new call and a removed call are all seen."""
    sites = call_sites(transformers.trainer, "_get_train_sampler")
    assert sites == {"Trainer.get_train_dataloader": ["sampler_fn=self._get_train_sampler"]}
    assert call_sites(transformers.trainer, "_no_such_method") == {}


def test_overrides_of_a_new_subclass_are_found():
    """A class that overrides one more method is noticed; methods that a dataclass generates are not."""
    from transformers import TrainerCallback

    from hfseq.training.callbacks import TrainingClock

    found = {name for _, name in overrides(TrainingClock, LIBRARIES)}
    assert {"on_step_begin", "state"} <= found and "__init__" not in found

    class Foreign(TrainerCallback):
        _private = 1

        def on_save(self, args, state, control, **kwargs):
            return control

    # This class is written in a file of the tests, not of hfseq.
    assert not list(overrides(Foreign, LIBRARIES))
