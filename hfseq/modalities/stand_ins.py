"""What Auto classes of transformers find where a folder of hfseq has no such processor."""

from typing import Any, NoReturn


class NoTokenizer:
    """Stands in for the tokenizer of models that read numbers. Folders with a tokenizer of their own never need it."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *_: Any, **kwargs: Any) -> NoReturn:
        """
        Raises:
            ValueError: always; it says what reads the folder.
        """
        task = kwargs.get("_from_pipeline")
        where = "" if task is None else f"pipeline({task!r}) cannot be used: "
        raise ValueError(
            f"{where}{str(pretrained_model_name_or_path)!r} has no tokenizer, so its model does not read texts. Use "
            "`hfseq predict FOLDER --input FILE`, pipeline('audio-classification') for a classifier of recordings, or "
            "call AutoFeatureExtractor and the model themselves"
        )


class VideoProcessor:
    """For a folder with an `ImageProcessor`, `AutoVideoProcessor` looks for a class of this name, and asks whether to
    run remote code if there is none. Pipelines go on without a video processor if it cannot be loaded."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *_: Any, **kwargs: Any) -> NoReturn:
        """
        Raises:
            ValueError: always.
        """
        raise ValueError(f"{str(pretrained_model_name_or_path)!r} has no video processor")
