"""Text or music that a saved language model generates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hfseq.data.bounds import AT_LEAST_0, SEED, Bounds, check_numbers
from hfseq.errors import HfseqError, nearest
from hfseq.inference.music_files import read_beginning
from hfseq.inference.predictions import Predictions
from hfseq.modalities.music.frames import frames_to_text, text_to_frames
from hfseq.tasks import CausalLM, Prediction
from hfseq.tasks.causal_lm.pieces import Pieces
from hfseq.tasks.causal_lm.running_text import end_of_text

# Minimum number of new tokens of a piece of music.
_MIN_PIECE_TOKENS = 16
# Dividing logits by a smaller number overflows.
_MIN_TEMPERATURE = 1e-3
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
    """Settings of the generation.

    Args:
        max_new_tokens (`int`, *optional*): maximum number of new tokens; by default 200 for text and 1,000 for music,
            or the number of positions that the model has left.
        temperature (`float`, *optional*, defaults to 1.0): divides the logits before sampling; 0 always takes the most
            likely token.
        top_k (`int`, *optional*, defaults to 0): sample only from this many of the most likely tokens (Fan et al.
            2018); 0 for all.
        top_p (`float`, *optional*, defaults to 1.0): sample only from the smallest set of tokens with this total
            probability (Holtzman et al. 2020).
        num_beams (`int`, *optional*, defaults to 1): beam width of a beam search, which does not sample; 1 for no
            beam search.
        num_return_sequences (`int`, *optional*, defaults to 1): number of texts per prompt.
        seed (`int`, *optional*, defaults to 0): seed of the sampling.

    Raises:
        HfseqError: a value is out of its range.
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
        if 0 < self.temperature < _MIN_TEMPERATURE:
            raise HfseqError(
                f"temperature must be 0 or at least {_MIN_TEMPERATURE}, not {self.temperature}: 0 takes the "
                "most likely token"
            )
        if not self.samples and self.num_return_sequences > self.num_beams:
            raise HfseqError(
                f"num_return_sequences ({self.num_return_sequences}) is larger than num_beams ({self.num_beams}), the "
                "number of texts that the search finds; sample, or increase num_beams"
            )

    @property
    def samples(self) -> bool:
        """Whether tokens are sampled."""
        return self.num_beams == 1 and self.temperature > 0

    def options(self) -> dict[str, Any]:
        """The options of transformers' `generate`."""
        if not self.samples:
            return {"do_sample": False, "num_beams": self.num_beams}
        return {"do_sample": True, "temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "GenerationSettings":
        """
        Raises:
            HfseqError: a name is not the name of a setting; the message names the nearest one.
        """
        names = [item.name for item in fields(cls)]
        for name in values:
            if name not in names:
                raise HfseqError(f"there is no setting {name!r} of the generation: {nearest(name, names)}")
        return cls(**values)


def generate_predictions(predictor: Any, prompts: Any, values: Mapping[str, Any]) -> Predictions:
    """See [`Predictor.generate`].

    Args:
        predictor (`Predictor`): a language model.
        prompts: a text or a list of texts; for music a piece, or the path of a MIDI file.
        values (`dict[str, Any]`): the settings.
    """
    settings = GenerationSettings.from_dict(values)
    task = predictor.task
    if not isinstance(task, CausalLM):
        advice = "; call it with its inputs: predictor([...])" if task.generates_text else ""
        raise HfseqError(
            f"this model is for {task.name}, not for {CausalLM.name}, and does not continue texts{advice}"
        )
    if settings.num_beams > 1 and 2 * settings.num_beams > len(predictor.processor):
        # A beam search keeps twice as many candidates as beams, and there are not so many tokens.
        raise HfseqError(
            f"num_beams must be at most {len(predictor.processor) // 2}, half of the model's "
            f"{len(predictor.processor):,} tokens, not {settings.num_beams}"
        )
    if generates_music(predictor):
        return Predictions(_generate_pieces(predictor, _beginning(predictor, prompts), settings))
    texts = [prompts] if isinstance(prompts, str) else list(prompts)
    if not all(isinstance(text, str) for text in texts):
        raise HfseqError(f"a language model of texts continues a text or a list of texts, not {prompts!r}")
    return Predictions([found for text in texts for found in _generate_texts(predictor, text, settings)])


def generates_music(predictor: Any) -> bool:
    """Whether a model generates pieces of music, and not text."""
    return isinstance(predictor.task, CausalLM) and isinstance(predictor.task.content, Pieces)


def _beginning(predictor: Any, prompt: Any) -> list[list[int]]:
    if isinstance(prompt, list):
        return prompt
    return read_beginning(predictor, str(prompt)) if prompt else []


def _generate_texts(predictor: Any, prompt: str, settings: GenerationSettings) -> list[Prediction]:
    tokenizer = predictor.processor

    def encode() -> list[int]:
        ids = tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"] if prompt else []
        return [tokenizer.bos_token_id if tokenizer.bos_token_id is not None else end_of_text(tokenizer), *ids]

    ids, generated = _generate(predictor, encode, settings)
    with predictor.processing:
        return [Prediction(text=prompt + text) for text in _continuations(tokenizer, ids[1:], generated)]


def _generate_pieces(predictor: Any, beginning: list[list[int]], settings: GenerationSettings) -> list[Prediction]:
    tokenizer = predictor.processor
    text = frames_to_text(beginning) if beginning else ""

    def encode() -> list[int]:
        return tokenizer(f"{tokenizer.bos_token} {text}".strip(), add_special_tokens=False)["input_ids"]

    _, generated = _generate(predictor, encode, settings, minimum=_MIN_PIECE_TOKENS)
    with predictor.processing:
        pieces = [text_to_frames(f"{text} {tokenizer.decode(row)}") for row in generated]
    return [Prediction(text=frames_to_text(piece), values=piece) for piece in pieces]


def _generate(
    predictor: Any, encode: Callable[[], list[int]], settings: GenerationSettings, minimum: int = 0
) -> tuple[list[int], list[list[int]]]:
    """The tokens of the prompt, and the new tokens of each sequence up to the token that ends a text."""
    tokenizer = predictor.processor
    with predictor.processing:
        ids = encode()
    count = _max_new_tokens(predictor, len(ids), settings)
    prompt = np.array([ids], dtype=np.int64)  # (1, length)
    end = end_of_text(tokenizer)
    output = predictor.backend.generate(
        {"input_ids": prompt, "attention_mask": np.ones_like(prompt)},
        seed=settings.seed,
        max_new_tokens=count,
        min_new_tokens=min(minimum, count),
        num_return_sequences=settings.num_return_sequences,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=end,
        # Padding and other special tokens are in the vocabulary, but not in texts.
        suppress_tokens=sorted(set(tokenizer.all_special_ids) - {end}) or None,
        **settings.options(),
    )
    rows = output[:, len(ids) :].tolist()
    return ids, [row[: row.index(end)] if end in row else row for row in rows]


def _max_new_tokens(predictor: Any, prompt_length: int, settings: GenerationSettings) -> int:
    task = predictor.task
    assert isinstance(task, CausalLM)  # checked before
    wanted = settings.max_new_tokens or task.content.default_new_tokens
    if task.positions is None:
        return wanted
    room = task.positions - prompt_length
    if room < 1 or (settings.max_new_tokens is not None and room < wanted):
        raise HfseqError(
            f"the model reads at most {task.positions:,} tokens, but the prompt has {prompt_length:,} tokens and "
            f"{wanted:,} are to be generated: give a shorter prompt, or a smaller --max_new_tokens"
        )
    return min(room, wanted)


def _continuations(tokenizer: Any, ids: list[int], generated: list[list[int]]) -> list[str]:
    """The texts after the prompt. Whether there is a space between two tokens depends on both of them."""
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    before = tokenizer.decode(ids, **options)
    texts = [tokenizer.decode(ids + row, **options) for row in generated]
    return [
        text.removeprefix(before) if text.startswith(before) else tokenizer.decode(row, **options)
        for text, row in zip(texts, generated, strict=True)
    ]
