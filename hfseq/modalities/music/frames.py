"""Polyphonic music as text: the notes of each time step in ascending order, then the word for the end of the step.

The vocabulary has the 88 keys of a piano. A step with any number of voices is a short sequence of words, so a language
model gives the chord of each step a probability by the chain rule. The text says which pitches sound, and not when
they are struck: a pitch in successive steps may be one long note or several short ones.
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
# Marks a silent voice in files with one column per voice.
_SILENCE = -1


def music_tokenizer(model_max_length: int | None = None) -> PreTrainedTokenizerFast:
    """Makes a tokenizer for the text of [`frames_to_text`], with a fixed vocabulary of 93 tokens.

    `AutoTokenizer` loads it without hfseq. Pieces start with `[BOS]` and end with `[EOS]`. To continue a piece,
    tokenize `"[BOS] " + text` with `add_special_tokens=False`.

    Args:
        model_max_length (`int`, *optional*): maximum length with `truncation=True`.

    Returns:
        `transformers.PreTrainedTokenizerFast`: the tokenizer, padding on the right. The ids of `[PAD]`, `[UNK]`,
        `[BOS]` and `[EOS]` are 0 to 3, the id of `frame` is 4, and the keys follow from the lowest to the highest.
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
    """Checks a piece, and returns the pitches of each step in ascending order without duplicates.

    Args:
        frames (`list[list[int]]`): a list of pitches for each time step. -1 is a silent voice, and is dropped.
        where (`str`, *optional*, defaults to `"the piece"`): name of the piece in error messages.

    Raises:
        HfseqError: there are no steps, a step is not a list, or a pitch is not a whole number from 21 to 108.
    """
    if not isinstance(frames, (list, tuple)):
        raise HfseqError(f"{where} is {str(frames)[:40]!r}, expected a list of time steps, each a list of pitches.")
    if not frames:
        raise HfseqError(f"{where} has no steps: remove it.")
    return [_checked_step(step, f"{where}, step {index}") for index, step in enumerate(frames)]


def frames_to_text(frames: list[list[int]]) -> str:
    """Writes a piece as text: the pitches of each step from the lowest to the highest, then `frame`.

    Args:
        frames (`list[list[int]]`): a list of MIDI pitches (21 to 108) for each time step. It is empty in silence.

    Returns:
        `str`: for example `"note_48 note_64 frame note_50 frame"`.

    Raises:
        HfseqError: there are no steps, or a pitch is not on a piano.
    """
    words = []
    for step in checked_frames(frames):
        words += [f"{_NOTE}{pitch}" for pitch in step]
        words.append(FRAME)
    return " ".join(words)


def text_to_frames(text: str) -> list[list[int]]:
    """Reads a piece from text: the inverse of [`frames_to_text`], also for generated text.

    Args:
        text (`str`): the text. `[EOS]` ends the piece, and other special tokens are ignored. If generation stopped in
            the middle of a step, the notes after the last `frame` are the last step.

    Returns:
        `list[list[int]]`: the pitches of each step, in ascending order and without duplicates.

    Raises:
        HfseqError: a word is neither `frame` nor a note.
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
        # Some programs write whole numbers as 64.0.
        whole = isinstance(pitch, (int, float)) and not isinstance(pitch, bool) and pitch == pitch // 1
        if not whole or not (LOWEST_PITCH <= pitch <= HIGHEST_PITCH or pitch == _SILENCE):
            raise HfseqError(
                f"{where}: {pitch!r} is not a pitch. Expected MIDI numbers from {LOWEST_PITCH} to {HIGHEST_PITCH}, "
                f"the keys of a piano, or {_SILENCE} for silence. Transpose pieces with other pitches by octaves."
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
