"""Creation of missing splits from the training split, subsets, and fingerprints of the data."""

import hashlib
import json
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict

from hfseq.data.splits.groups import groups_by_class, row_groups
from hfseq.data.splits.overlap import content_key, count_overlap, is_decoded, overlap_notes
from hfseq.errors import HfseqError

__all__ = ["complete_splits", "count_overlap", "fingerprint_splits", "limit_split", "overlap_notes"]

_BATCH = 1000


def complete_splits(
    splits: DatasetDict,
    *,
    label_column: str | None,
    text_columns: list[str],
    stratify: bool,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
    group_column: str | None = None,
) -> tuple[DatasetDict, list[str]]:
    """Creates missing validation and test splits from rows of the training split.

    Rows with the same text are always in the same split, so that no text leaks. The splits depend only on their own
    seed, so that trainings with different seeds use the same splits.

    Args:
        splits (`datasets.DatasetDict`): the splits, including `train`.
        label_column (`str`, *optional*): label column, for stratification.
        text_columns (`list[str]`): columns of the text.
        stratify (`bool`): whether to stratify by label. Each class keeps at least one training text.
        validation_fraction (`float`, *optional*, defaults to 0.1): share of the original training split.
        test_fraction (`float`, *optional*, defaults to 0.1): share of the original training split.
        seed (`int`, *optional*, defaults to 0): random seed of the splits.
        group_column (`str`, *optional*): rows with the same value in this column are in the same split, too.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the three splits, and a note about each new split.

    Raises:
        HfseqError: there is no training split, or it is too small.
    """
    if "train" not in splits:
        raise HfseqError(f"there is no training split, only {', '.join(splits)}.")
    fractions = {"test": test_fraction, "validation": validation_fraction}
    missing = {name: fraction for name, fraction in fractions.items() if name not in splits}
    for name, fraction in missing.items():
        if not 0 < fraction < 1 or sum(missing.values()) >= 1:
            raise HfseqError(f"{name}_fraction={fraction}: fractions must be between 0 and 1, and their sum below 1.")
    train = splits["train"]
    if not missing:
        return DatasetDict(splits), []
    by_label = label_column if stratify else None
    groups = row_groups(train, text_columns, group_column)
    classes = groups_by_class(train, groups, by_label)
    rng = np.random.default_rng(seed)
    parts: dict[str, Dataset] = {}
    notes = []
    remaining = {name: [members[i] for i in rng.permutation(len(members))] for name, members in classes.items()}
    for name, fraction in missing.items():
        quotas = _quotas({c: len(members) for c, members in remaining.items()}, round(fraction * len(groups)))
        if not sum(quotas.values()):
            raise HfseqError(
                f"the training split is too small to create a {name} split from it: {len(train)} rows, {len(groups)} "
                f"distinct texts{f' in {len(classes)} classes' if by_label else ''}. Add a {name} split to the data."
            )
        taken = [group for c, quota in quotas.items() for group in remaining[c][:quota]]
        remaining = {c: members[quotas[c] :] for c, members in remaining.items()}
        parts[name] = train.select(sorted(row for group in taken for row in groups[group]))
        share = f"{100 * fraction:g} % of the training examples ({len(parts[name]):,} of {len(train):,})"
        verb = "was" if len(parts[name]) == 1 else "were"
        how = "stratified by label, " if by_label else ""
        notes.append(f"no {name} split: {share} {verb} set aside, {how}seed {seed}")
        without = [c for c, quota in quotas.items() if not quota]
        if by_label and without:
            notes.append(_missing_classes_note(without, name, train.features[by_label]))
    parts["train"] = train.select(sorted(row for c in remaining.values() for group in c for row in groups[group]))
    order = ("train", "validation", "test")
    return DatasetDict({name: parts[name] if name in parts else splits[name] for name in order}), notes


def limit_split(dataset: Dataset, max_samples: int | None, seed: int) -> Dataset:
    """Draws a random subset of a split.

    Args:
        dataset (`datasets.Dataset`): the split.
        max_samples (`int`, *optional*): maximum number of rows; `None` for all rows.
        seed (`int`): random seed.

    Raises:
        HfseqError: `max_samples` is not positive.
    """
    if max_samples is None:
        return dataset
    if max_samples < 1:
        raise HfseqError(f"max_samples must be at least 1, got {max_samples}.")
    if max_samples >= len(dataset):
        return dataset
    return dataset.select(np.random.default_rng(seed).permutation(len(dataset))[:max_samples])


def fingerprint_splits(splits: DatasetDict, columns: list[str]) -> str:
    """Computes a checksum of the rows that is the same in every process and on every machine.

    Args:
        splits (`datasets.DatasetDict`): the splits.
        columns (`list[str]`): columns to include, in this order.

    Returns:
        `str`: sha256 in hexadecimal. It depends on the order of the rows, but not on the order of the splits.

    Raises:
        HfseqError: a column is missing in a split.
    """
    digest = hashlib.sha256()
    for name in sorted(splits):
        dataset = splits[name]
        absent = [column for column in columns if column not in dataset.column_names]
        if absent:
            raise HfseqError(f"split {name!r} has no column {absent[0]!r}; columns: {dataset.column_names}.")
        # The names of classes are included, because ids have no meaning without them.
        names = [getattr(dataset.features[column], "names", None) for column in columns]
        digest.update(_line([name, len(dataset), columns, names]))
        for batch in dataset.select_columns(columns).with_format(None).iter(batch_size=_BATCH):
            rows = zip(*(batch[column] for column in columns), strict=True)
            digest.update(b"".join(_line([_brief(value) for value in row]) for row in rows))
    return digest.hexdigest()


def _brief(value: Any) -> Any:
    """Replaces lists of numbers and images by a digest. Labels and texts are unchanged."""
    numbers = isinstance(value, list) and value and isinstance(value[0], (list, float))
    return content_key(value) if numbers or isinstance(value, dict) or is_decoded(value) else value


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, default=str, sort_keys=True).encode() + b"\n"


def _quotas(sizes: dict[Any, int], wanted: int) -> dict[Any, int]:
    """Number of groups to take from each class (largest remainder method). Each class keeps at least one group."""
    total = sum(sizes.values())
    wanted = max(1, wanted)
    exact = {c: wanted * size / total for c, size in sizes.items()}
    quotas = {c: min(int(share), sizes[c] - 1) for c, share in exact.items()}
    remaining = wanted - sum(quotas.values())
    by_remainder = sorted(sizes, key=lambda c: exact[c] - int(exact[c]), reverse=True)
    available = [c for c in by_remainder if quotas[c] < sizes[c] - 1]
    for c in available[: max(0, remaining)]:
        quotas[c] += 1
    return quotas


def _missing_classes_note(classes: list[Any], split: str, feature: Any) -> str:
    named = [feature.int2str(c) if isinstance(feature, ClassLabel) and isinstance(c, int) else str(c) for c in classes]
    listed = ", ".join(map(repr, sorted(named)[:5])) + (", ..." if len(named) > 5 else "")
    plural = len(named) > 1
    return (
        f"{len(named)} {'classes have' if plural else 'class has'} too few examples to be stratified and "
        f"{'are' if plural else 'is'} missing in the {split} split: {listed}"
    )
