"""Notes about inputs that a model does not see: truncated examples and unknown tokens."""

from typing import Any

import pyarrow.compute as pc
from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.data.findings import UNKNOWN_TOKENS, FindingNote
from hfseq.modalities.shared_settings import NumericSettings
from hfseq.tasks import CausalLM, Task
from hfseq.tasks.text_generation.settings import TextGenerationSettings
from hfseq.training.model_arguments import ModelArguments

# A larger share of unknown tokens gets a note.
_UNKNOWN = 0.02


def truncation_notes(prepared: Any, arguments: DataArguments) -> list[str]:
    """A sentence with the share of truncated examples, if there are any.

    Args:
        prepared (`PreparedRun`): the encoded data.
        arguments (`DataArguments`): the settings.
    """
    settings = arguments.group(NumericSettings)
    shares = [f"{100 * share:.2g} % of {name}" for name, share in prepared.truncated_share.items() if share]
    if not shares:
        return []
    task = prepared.task
    limits = [f"max_length {arguments.token_limit}"]
    if not task.modality.is_tokens or isinstance(task, CausalLM):
        limits = [f"max_steps_per_example {settings.max_steps_per_example}"]
        limits *= settings.max_steps_per_example is not None
    elif settings.max_steps_per_example is not None:
        limits.append(f"max_steps_per_example {settings.max_steps_per_example}")
    if task.generates_text:
        limits.append(f"max_target_length {arguments.group(TextGenerationSettings).max_target_length}")
    flags = " or ".join(f"--{limit.partition(' ')[0]}" for limit in limits)
    return [f"{' and '.join(limits)} cut {', '.join(shares)}; a larger {flags} reads more"]


def unknown_token_notes(splits: DatasetDict, processor: Any, task: Task, model: ModelArguments) -> list[str]:
    """A sentence with the largest share of unknown tokens of a split of texts, if it is above 2 %.

    Args:
        splits (`datasets.DatasetDict`): encoded.
        processor: the processor.
        task (`Task`): the task of the run.
        model (`ModelArguments`): tells whether the tokenizer was trained here.
    """
    unknown = getattr(inputs_of(processor), "unk_token_id", None)
    if not task.modality.has_words or unknown is None:
        return []
    shares = {name: _share(split, unknown) for name, split in splits.items()}
    worst = max(shares, key=lambda name: shares[name])
    if shares[worst] <= _UNKNOWN:
        return []
    if model.model_type is not None:
        remedy = "--tokenizer_name bpe has no unknown tokens"
    else:
        remedy = "a model whose tokenizer was made for this language and script would know them"
    text = f"{100 * shares[worst]:.1f} % of the tokens of the {worst} split are unknown to the tokenizer; {remedy}"
    return [FindingNote(text, UNKNOWN_TOKENS, split=worst, share=shares[worst])]


def _share(split: Any, unknown: int) -> float:
    tokens = pc.list_flatten(split.select_columns("input_ids").with_format("arrow")[:].column("input_ids"))
    return (pc.sum(pc.equal(tokens, unknown)).as_py() or 0) / max(len(tokens), 1)
