"""Registered with Auto classes of transformers for folders that lack a processor. They raise a clear error."""

from typing import Any, NoReturn


class NoTokenizer:
    """Placeholder for the tokenizer of a model that reads numbers. It is not used if the folder has a tokenizer."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *_: Any, **kwargs: Any) -> NoReturn:
        """
        Raises:
            ValueError: always. The message says how to use the model.
        """
        task = kwargs.get("_from_pipeline")
        where = "" if task is None else f"pipeline({task!r}) cannot be used: "
        raise ValueError(
            f"{where}{str(pretrained_model_name_or_path)!r} has no tokenizer, so its model does not read texts. Use "
            "`hfseq predict FOLDER --input FILE`, pipeline('audio-classification') for a classifier of recordings, or "
            "call AutoFeatureExtractor and the model yourself"
        )


class VideoProcessor:
    """Placeholder for the video processor of a folder with an `ImageProcessor`.

    `AutoVideoProcessor` looks for a class of this name. Without one, it asks whether to run remote code. Pipelines
    continue if no video processor can be loaded.
    """

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *_: Any, **kwargs: Any) -> NoReturn:
        """
        Raises:
            ValueError: always.
        """
        raise ValueError(f"{str(pretrained_model_name_or_path)!r} has no video processor")
