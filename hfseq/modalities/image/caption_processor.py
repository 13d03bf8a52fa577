"""The processor of captioning models, which `AutoProcessor` and pipelines load."""

from typing import Any

import numpy as np
from transformers import BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from hfseq.data.batching.processor_pair import start_token
from hfseq.modalities.remote_code import RemoteCodeMixin


class CaptionProcessor(RemoteCodeMixin, ProcessorMixin):
    """The image processor and the tokenizer of a captioning model, for `pipeline("image-text-to-text", folder)`.

    Args:
        image_processor: the processor of the images.
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer of the captions.
    """

    def __init__(self, image_processor: Any, tokenizer: PreTrainedTokenizerBase):
        super().__init__(image_processor, tokenizer)

    def processors_with_code(self) -> list[Any]:
        """The image processor; the tokenizer saves itself."""
        return [self.image_processor]

    def __call__(
        self, images: Any = None, text: str | list[str] | None = None, return_tensors: str | None = None, **_: Any
    ) -> BatchFeature:
        """Prepares the inputs of `generate()`.

        Args:
            images: an image or a list of images.
            text (`str` or `list[str]`, *optional*): the first words of each caption. By default none.
            return_tensors (`str`, *optional*): `"pt"` or `"np"`.

        Returns:
            `BatchFeature`: `pixel_values`, and `decoder_input_ids` of shape `(batch, length)`: the start token,
            followed by the tokens of `text`.

        Raises:
            ValueError: there are no images, or the texts differ in length or number from the images.
        """
        if images is None:
            raise ValueError("a captioning model describes images: pass `images`, and text='' for no first words")
        features = self.image_processor(images, return_tensors=return_tensors)
        count = len(features["pixel_values"])
        texts = [text or ""] * count if text is None or isinstance(text, str) else list(text)
        start = start_token(self.tokenizer)
        rows = [[start, *self.tokenizer(one, add_special_tokens=False)["input_ids"]] for one in texts]
        if len(rows) != count or len({len(row) for row in rows}) > 1:
            raise ValueError(
                f"there are {count} images, but texts of {[len(row) - 1 for row in rows]} tokens: pass one text per "
                "image, all of the same length, or caption the images one by one"
            )
        tokens = BatchFeature({"decoder_input_ids": np.asarray(rows, dtype=np.int64)}, tensor_type=return_tensors)
        return BatchFeature({**features, **tokens})
