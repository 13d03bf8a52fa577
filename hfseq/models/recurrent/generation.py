"""Generation with recurrent models."""

import functools
from typing import Any

from transformers import GenerationMixin

from .compiled_kernels import constant_weights


class RecurrentGenerationMixin(GenerationMixin):
    """[`~transformers.GenerationMixin`] for recurrent models. The compiled kernel checks for changed weights once per
    `generate()` instead of once per token."""

    @functools.wraps(GenerationMixin.generate)
    def generate(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        with constant_weights():
            return super().generate(*args, **kwargs)  # type: ignore[misc]
