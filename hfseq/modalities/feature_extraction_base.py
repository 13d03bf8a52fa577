"""Base class of the feature extractors: they turn each example into an array of steps, and pad batches of these.

This file is saved beside a model, so that its feature extractor loads where hfseq is not installed.
"""

from typing import Any, ClassVar

import numpy as np
from transformers import BatchFeature, SequenceFeatureExtractor

from hfseq.modalities.remote_code import RemoteCodeMixin


class BaseFeatureExtractor(RemoteCodeMixin, SequenceFeatureExtractor):
    """A feature extractor whose code is saved with it.

    Attributes:
        inputs_without_pipeline (`str`, *optional*): the kind of input, if no pipeline of transformers reads it.
        processor_class (`str`, *optional*): the class that `AutoProcessor` loads, by default this one.
    """

    model_input_names = ["input_features", "attention_mask"]  # noqa: RUF012 - transformers expects a list
    inputs_without_pipeline: ClassVar[str | None] = None
    processor_class: str
    _auto_class = "AutoFeatureExtractor"

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Loads a saved feature extractor: see [`~transformers.SequenceFeatureExtractor.from_pretrained`].

        Raises:
            ValueError: a pipeline of transformers loads it, and none of them reads such inputs.
        """
        pipeline = kwargs.get("_from_pipeline")
        if pipeline is not None and cls.inputs_without_pipeline is not None:
            raise ValueError(
                f"pipeline({pipeline!r}) cannot be used: transformers has no pipeline that reads "
                f"{cls.inputs_without_pipeline}. Use `hfseq predict FOLDER --input FILE`, or call the feature "
                "extractor and the model yourself"
            )
        return super().from_pretrained(pretrained_model_name_or_path, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """The settings as they are saved."""
        # Without it, AutoProcessor asks whether to run remote code before it tries feature extractors.
        return {"processor_class": type(self).__name__, **super().to_dict()}

    def to_batch(
        self,
        features: list[np.ndarray],
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Puts the features of several examples into a batch with an attention mask.

        Args:
            features (`list[np.ndarray]`): the features of each example, of shape `(steps, features)`.
            padding, max_length, truncation, pad_to_multiple_of, return_attention_mask, return_tensors:
                see [`~transformers.SequenceFeatureExtractor.pad`].

        Returns:
            `BatchFeature`: `input_features` and `attention_mask`. They are lists of arrays, unless `padding`,
            `truncation` or `return_tensors` is given.
        """
        mask = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        if not padding and not truncation and return_tensors is None:
            # The inherited `pad` would make arrays of objects from sequences of different lengths.
            masks = {"attention_mask": [np.ones(len(item), dtype=np.int32) for item in features]} if mask else {}
            return BatchFeature({"input_features": features, **masks})
        return self.pad(
            BatchFeature({"input_features": features}),
            padding=padding,
            max_length=max_length,
            truncation=truncation,
            pad_to_multiple_of=pad_to_multiple_of,
            return_attention_mask=mask,
            return_tensors=return_tensors,
        )
