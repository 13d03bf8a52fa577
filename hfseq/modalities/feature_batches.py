"""What the feature extractors have in common when they are called: lists of arrays, or a padded batch."""

from typing import Any

import numpy as np
from transformers import BatchFeature, SequenceFeatureExtractor


def to_batch(
    extractor: SequenceFeatureExtractor,
    features: list[np.ndarray],
    padding: bool | str = False,
    max_length: int | None = None,
    truncation: bool = False,
    pad_to_multiple_of: int | None = None,
    return_attention_mask: bool | None = None,
    return_tensors: str | None = None,
) -> BatchFeature:
    """The features of some examples with their attention mask, in lists of arrays unless padded.

    Args:
        extractor (`SequenceFeatureExtractor`): what made them; it pads.
        features (`list[np.ndarray]`): of each example, `(steps, features)`.
        padding, max_length, truncation, pad_to_multiple_of, return_attention_mask, return_tensors:
            see [`~transformers.SequenceFeatureExtractor.pad`].
    """
    mask = extractor.return_attention_mask if return_attention_mask is None else return_attention_mask
    if not padding and not truncation and return_tensors is None:
        # The inherited `pad` would make arrays of objects out of sequences of different lengths.
        masks = {"attention_mask": [np.ones(len(item), dtype=np.int32) for item in features]} if mask else {}
        return BatchFeature({"input_features": features, **masks})
    return extractor.pad(
        BatchFeature({"input_features": features}),
        padding=padding,
        max_length=max_length,
        truncation=truncation,
        pad_to_multiple_of=pad_to_multiple_of,
        return_attention_mask=mask,
        return_tensors=return_tensors,
    )


def refuse_pipeline(what: str, settings: dict[str, Any]) -> None:
    """For processors of what no pipeline of transformers reads.

    Args:
        what (`str`): what is read, for the message.
        settings (`dict`): the arguments of `from_pretrained`, among which `pipeline()` names itself.

    Raises:
        ValueError: where a pipeline loads the processor.
    """
    task = settings.get("_from_pipeline")
    if task is not None:
        raise ValueError(
            f"pipeline({task!r}) cannot be used: transformers has no pipeline that reads {what}. Use `hfseq predict "
            "FOLDER --input FILE`, or call the processor and the model themselves"
        )
