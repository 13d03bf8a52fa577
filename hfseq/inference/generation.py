"""A saved language model writing on: text after a prompt, or music after the beginning of a piece."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from hfseq.data.bounds import AT_LEAST_0, SEED, Bounds, check_numbers
from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.inference.predictor import Predictor
from hfseq.modalities.music.frames import frames_to_text, text_to_frames
from hfseq.modalities.music.midi import frames_to_midi
from hfseq.modalities.music.modality import MIDI_SUFFIXES
from hfseq.tasks.causal_lm.running_text import end_of_text
from hfseq.tasks.causal_lm.task import CausalLM

# A piece has some steps at least.
_LEAST_OF_A_PIECE = 16
# Logits that are divided by less overflow.
_LEAST_TEMPERATURE = 1e-3
# The upper bounds keep a typing error from filling the memory.
_BOUNDS = {
    "max_new_tokens": Bounds(1, 1_000_000),
    "temperature": AT_LEAST_0,
    "top_k": AT_LEAST_0,
    "top_p": Bounds(0, 1, above=True, text="be above 0 and at most 1"),
    "num_beams": Bounds(1, 1_000),
    "num_return_sequences": Bounds(1, 10_000),
    "seed": SEED,
}


@dataclass(frozen=True)
class GenerationSettings:
    """How a model writes.

    Args:
        max_new_tokens (`int`, *optional*): where it stops at the latest; by default 200 tokens of text, 1,000 of
            music, or as many as the model has positions for.
        temperature (`float`, *optional*, defaults to 1.0): what logits are divided by; 0 takes the likeliest token.
        top_k (`int`, *optional*, defaults to 0): sample from so many of the likeliest tokens alone (Fan et al. 2018);
            0 for all.
        top_p (`float`, *optional*, defaults to 1.0): sample from the fewest tokens that have this share of the
            probability (Holtzman et al. 2020).
        num_beams (`int`, *optional*, defaults to 1): beams of a beam search, which does not sample.
        num_return_sequences (`int`, *optional*, defaults to 1): how many are written.
        seed (`int`, *optional*, defaults to 0): of the sampling.

    Raises:
        HfseqError: where a value makes no sense.
    """

    max_new_tokens: int | None = None
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    num_beams: int = 1
    num_return_sequences: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(self, _BOUNDS)
        if 0 < self.temperature < _LEAST_TEMPERATURE:
            raise HfseqError(
                f"temperature must be 0 or at least {_LEAST_TEMPERATURE}, not {self.temperature}: 0 takes the "
                "likeliest token"
            )
        if not self.samples and self.num_return_sequences > self.num_beams:
            raise HfseqError(
                f"num_return_sequences ({self.num_return_sequences}) is more than a search with num_beams "
                f"({self.num_beams}) finds; sample, or take more beams"
            )

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn, and not searched for."""
        return self.num_beams == 1 and self.temperature > 0

    def options(self) -> dict[str, Any]:
        """What transformers' `generate` is told."""
        if not self.samples:
            return {"do_sample": False, "num_beams": self.num_beams}
        return {"do_sample": True, "temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}


def generate_texts(predictor: Predictor, prompt: str, settings: GenerationSettings) -> list[str]:
    """Texts that begin with the prompt.

    Args:
        predictor (`Predictor`): a language model of texts.
        prompt (`str`): how the text begins; may be empty.
        settings (`GenerationSettings`): how to write.

    Raises:
        HfseqError: where the model is no language model of texts, or has no room for the prompt.
    """
    _check_model(predictor, "text")
    tokenizer = predictor.processor
    _check_beams(tokenizer, settings)
    ids = tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"] if prompt else []
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else end_of_text(tokenizer)
    written = _generate(predictor, [start, *ids], settings)
    return [prompt + text for text in _continued(tokenizer, ids, written)]


def generate_pieces(
    predictor: Predictor, beginning: list[list[int]] | None, settings: GenerationSettings
) -> list[list[list[int]]]:
    """Pieces of music.

    Args:
        predictor (`Predictor`): a language model of music.
        beginning (`list[list[int]]`, *optional*): the pitches of the first steps.
        settings (`GenerationSettings`): how to write.

    Returns:
        `list`: the pitches of each step, of each piece.

    Raises:
        HfseqError: where the model is no language model of music, or has no room for the beginning.
    """
    _check_model(predictor, "music")
    tokenizer = predictor.processor
    _check_beams(tokenizer, settings)
    text = frames_to_text(beginning) if beginning else ""
    ids = tokenizer(f"{tokenizer.bos_token} {text}".strip(), add_special_tokens=False)["input_ids"]
    written = _generate(predictor, ids, settings, least=_LEAST_OF_A_PIECE)
    return [text_to_frames(f"{text} {tokenizer.decode(row)}") for row in written]


def read_beginning(predictor: Predictor, path: str) -> list[list[int]]:
    """The first piece of a MIDI file, or of a table of pieces, to go on from.

    Raises:
        HfseqError: where there is no such file, or it cannot be read.
    """
    # A data set of that name is not meant, here or on the Hub.
    if not (file := Path(path).expanduser()).is_file():
        raise HfseqError(
            f"there is no file {path!r} (looked in {file.absolute().parent}): a model of music goes on from a MIDI "
            "file, or from the first piece of a table"
        )
    rows, columns = predictor.read_rows(path)
    return rows[0][columns.text]


def write_pieces(pieces: Sequence[list[list[int]]], path: str | Path) -> list[Path]:
    """Writes MIDI files: the one that is named or, of several, `tune-1.mid`, `tune-2.mid`, ...

    Raises:
        HfseqError: where the name is none of a MIDI file, mido is missing, or nothing can be written there.
    """
    paths = piece_paths(check_midi_path(path), len(pieces))
    for piece, file in zip(pieces, paths, strict=True):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            frames_to_midi(piece, file)
        except OSError as error:
            raise HfseqError(f"cannot write {file}: {error.strerror or error}") from error
    return paths


def piece_paths(path: str | Path, count: int) -> list[Path]:
    """The files of a number of pieces: the one that is named or, of several, `tune-1.mid`, `tune-2.mid`, ..."""
    path = Path(path)
    return [path] if count == 1 else [path.with_stem(f"{path.stem}-{n}") for n in range(1, count + 1)]


def check_midi_path(path: str | Path) -> Path:
    """
    Raises:
        HfseqError: where the name is none of a MIDI file, or mido is missing.
    """
    require_midi()
    path = Path(path)
    if not is_midi(path):
        raise HfseqError(
            f"music is written as MIDI: name a file that ends in .mid (or .json, .jsonl, .csv), not {str(path)!r}"
        )
    if path.is_dir():
        raise HfseqError(f"{path} is a folder: name a file that ends in .mid")
    return path


def is_midi(path: str | Path) -> bool:
    """Whether a name is that of a MIDI file."""
    return Path(path).suffix.lower() in MIDI_SUFFIXES


def _check_model(predictor: Predictor, content: str) -> None:
    task = predictor.task
    if task.name != CausalLM.name:
        raise HfseqError(f"this model is for {task.name}, and does not write on: take one of {CausalLM.name}")
    if task.modality.name != content:
        raise HfseqError(f"this model reads {task.modality.name}, not {content}")


def _check_beams(tokenizer: Any, settings: GenerationSettings) -> None:
    # A search that keeps twice as many beams as there are tokens finds none to fill them with.
    if settings.num_beams > 1 and 2 * settings.num_beams > len(tokenizer):
        raise HfseqError(
            f"num_beams must be at most {len(tokenizer) // 2}, half of the model's {len(tokenizer):,} tokens, not "
            f"{settings.num_beams}"
        )


@torch.inference_mode()
def _generate(predictor: Predictor, ids: list[int], settings: GenerationSettings, least: int = 0) -> list[list[int]]:
    """The new tokens of each sequence, without what fills it up."""
    model: Any = predictor.model
    tokenizer = predictor.processor
    count = _room(predictor, len(ids), settings)
    set_seed(settings.seed)
    prompt = torch.tensor([ids], device=model.device)
    end = end_of_text(tokenizer)
    output = model.generate(
        input_ids=prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=count,
        min_new_tokens=min(least, count),
        num_return_sequences=settings.num_return_sequences,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=end,
        # Padding and the like have a place in the vocabulary, and none in a text.
        suppress_tokens=sorted(set(tokenizer.all_special_ids) - {end}) or None,
        **settings.options(),
    )
    rows = output[:, len(ids) :].tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


def _room(predictor: Predictor, prompt: int, settings: GenerationSettings) -> int:
    task = predictor.task
    assert isinstance(task, CausalLM)  # as was checked before
    wanted = settings.max_new_tokens or task.content.default_new_tokens
    if task.positions is None:
        return wanted
    room = task.positions - prompt
    if room < 1 or (settings.max_new_tokens is not None and room < wanted):
        raise HfseqError(
            f"the model reads {task.positions:,} tokens at most, the prompt has {prompt:,} of them, and {wanted:,} "
            "are to be written: give a shorter prompt, or less --max_new_tokens"
        )
    return min(room, wanted)


def _continued(tokenizer: Any, ids: list[int], written: list[list[int]]) -> list[str]:
    """What follows the prompt. Whether a space stands between two tokens, they tell only together."""
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    before = tokenizer.decode(ids, **options)
    texts = [tokenizer.decode(ids + row, **options) for row in written]
    return [
        text.removeprefix(before) if text.startswith(before) else tokenizer.decode(row, **options)
        for text, row in zip(texts, written, strict=True)
    ]


def require_midi() -> None:
    """
    Raises:
        HfseqError: where mido is missing, without which no MIDI file is read or written.
    """
    require("mido", extra="music")


def write_samples(folder: str | Path, count: int = 3) -> list[Path]:
    """Lets the model of a run write some pieces, into the run's folder: `sample-1.mid`, ...

    Args:
        folder (`str` or `Path`): the folder of a run.
        count (`int`, *optional*, defaults to 3): how many.

    Raises:
        HfseqError: where the model is none of music, or mido is missing.
    """
    require_midi()
    # A little below 1, what is sampled keeps to the key, and is still not the same each time.
    settings = GenerationSettings(temperature=0.9, num_return_sequences=count)
    pieces = generate_pieces(Predictor.load(str(folder)), None, settings)
    return write_pieces(pieces, Path(folder) / "sample.mid")
