"""Polyphonic music as events: the notes of a time step in ascending order, then the end of the step.

The vocabulary has the 88 keys of the piano, so that a step with any number of voices is a short word sequence, and a
language model over it gives each step's chord a probability by the chain rule. What sounds is written, not what is
struck: a pitch that stands in successive steps may be one long note or several short ones.
"""

from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from hfseq.errors import HfseqError

LOWEST_PITCH, HIGHEST_PITCH = 21, 108
FRAME = "frame"
# In the order of their ids.
SPECIAL_TOKENS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}

_NOTE = "note_"
# How files with one column a voice say that a voice is silent.
_SILENCE = -1


def music_tokenizer(model_max_length: int | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer for the text of `frames_to_text`, with a fixed vocabulary of 93 tokens; nothing to train.

    A saved one loads anywhere through `AutoTokenizer`. Pieces begin with `[BOS]` and end with `[EOS]`; to go on with
    the beginning of a piece, tokenize `"[BOS] " + text` with `add_special_tokens=False`.

    Args:
        model_max_length (`int`, *optional*): where `truncation=True` cuts.

    Returns:
        `transformers.PreTrainedTokenizerFast`: the tokenizer, padding on the right. The ids of `[PAD]`, `[UNK]`,
        `[BOS]` and `[EOS]` are 0 to 3, that of `frame` is 4, and those of the keys follow from the lowest.
    """
    keys = [f"{_NOTE}{pitch}" for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1)]
    vocabulary = {token: index for index, token in enumerate([*SPECIAL_TOKENS.values(), FRAME, *keys])}
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=SPECIAL_TOKENS["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single="[BOS] $A [EOS]",
        special_tokens=[(token, vocabulary[token]) for token in ("[BOS]", "[EOS]")],
    )
    options: dict[str, Any] = {} if model_max_length is None else {"model_max_length": model_max_length}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        padding_side="right",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        **SPECIAL_TOKENS,
        **options,
    )


def checked_frames(frames: Any, where: str = "the piece") -> list[list[int]]:
    """The steps of a piece with the pitches of each ascending, once each, as whole numbers, and without silence.

    Args:
        frames (`list[list[int]]`): a list of pitches a time step. -1 is a silent voice and left out.
        where (`str`, *optional*, defaults to `"the piece"`): whose steps these are, for the message.

    Raises:
        HfseqError: there are no steps, a step is no list, or a pitch is no whole number from 21 to 108.
    """
    if not isinstance(frames, (list, tuple)):
        raise HfseqError(f"{where} is {str(frames)[:40]!r}, expected a list of time steps, each a list of pitches.")
    if not frames:
        raise HfseqError(f"{where} has no steps: leave it out.")
    return [_checked_step(step, f"{where}, step {index}") for index, step in enumerate(frames)]


def frames_to_text(frames: list[list[int]]) -> str:
    """The events of a piece: each step's pitches from the lowest, then `frame`.

    Args:
        frames (`list[list[int]]`): a list of MIDI pitches (21 to 108) a time step; empty where nothing sounds.

    Returns:
        `str`: for example `"note_48 note_64 frame note_50 frame"`.

    Raises:
        HfseqError: there are no steps, or a pitch has no key.
    """
    words = []
    for step in checked_frames(frames):
        words += [f"{_NOTE}{pitch}" for pitch in step]
        words.append(FRAME)
    return " ".join(words)


def text_to_frames(text: str) -> list[list[int]]:
    """The piece that a text stands for: the inverse of `frames_to_text`, for what a model has written too.

    Args:
        text (`str`): events. `[EOS]` ends the piece, the other special tokens are passed over. Notes after the last
            `frame`, where generation stopped in the middle of a step, make a last step.

    Returns:
        `list[list[int]]`: the ascending pitches of each step; notes that a model wrote twice, or out of order, are
        put right.

    Raises:
        HfseqError: a word is no event.
    """
    frames: list[list[int]] = []
    step: set[int] = set()
    for position, word in enumerate(text.split()):
        if word == SPECIAL_TOKENS["eos_token"]:
            break
        if word == FRAME:
            frames.append(sorted(step))
            step = set()
        elif word not in SPECIAL_TOKENS.values():
            step.add(_pitch(word, position))
    if step:
        frames.append(sorted(step))
    return frames


def _checked_step(step: Any, where: str) -> list[int]:
    if not isinstance(step, (list, tuple)):
        raise HfseqError(f"{where} is {str(step)[:40]!r}, expected a list of pitches, such as [48, 64].")
    pitches = set()
    for pitch in step:
        # Written by other programs, a whole number may come as 64.0.
        whole = isinstance(pitch, (int, float)) and not isinstance(pitch, bool) and pitch == pitch // 1
        if not whole or not (LOWEST_PITCH <= pitch <= HIGHEST_PITCH or pitch == _SILENCE):
            raise HfseqError(
                f"{where}: {pitch!r} is no pitch. MIDI numbers from {LOWEST_PITCH} to {HIGHEST_PITCH}, the keys of a "
                f"piano, are expected, or {_SILENCE} for silence; transpose the piece by octaves where it goes beyond."
            )
        pitches.add(int(pitch))
    return sorted(pitches - {_SILENCE})


def _pitch(word: str, position: int) -> int:
    number = word.removeprefix(_NOTE)
    if number == word or not number.isdecimal() or not LOWEST_PITCH <= int(number) <= HIGHEST_PITCH:
        raise HfseqError(
            f"word {position} of the music is {word!r}; expected {FRAME!r}, or {_NOTE}{LOWEST_PITCH} to "
            f"{_NOTE}{HIGHEST_PITCH}."
        )
    return int(number)
