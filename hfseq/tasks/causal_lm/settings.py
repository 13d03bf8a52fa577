"""Settings of causal language modelling."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1
from hfseq.data.settings import TaskSettings, setting


@dataclass(frozen=True)
class CausalLMSettings(TaskSettings):
    """Causal language modelling of text and music."""

    group = "causal_lm"

    eval_max_length: int | None = setting(
        None,
        "Length of a block, in tokens, in evaluation and test; longer blocks give the model more context. By default "
        "max_length.",
        bounds=AT_LEAST_1,
        per_model=True,
    )
