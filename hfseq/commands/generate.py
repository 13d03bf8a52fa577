"""`hfseq generate MODEL [--prompt "..."] [--output tune.mid]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hfseq.commands import CommandParser
from hfseq.errors import HfseqError


def run(argv: Sequence[str]) -> int:
    """Prints what a language model writes, or writes it to a file."""
    arguments = _parser().parse_args(argv)

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.training.generation import GenerationSettings, check_midi_path
    from hfseq.training.predictor import Predictor

    quiet_libraries()
    names = ("max_new_tokens", "temperature", "top_k", "top_p", "num_beams", "num_return_sequences", "seed")
    settings = GenerationSettings(**{name: getattr(arguments, name) for name in names})
    predictor = Predictor.load(arguments.model, trust_remote_code=arguments.trust_remote_code)
    if predictor.task.modality.name == "music":
        if arguments.output:
            check_midi_path(arguments.output)
        _write_music(predictor, arguments, settings)
    else:
        _write_texts(predictor, arguments, settings)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser("generate")
    parser.add_argument("model", help="folder of a saved language model, or id on the Hub")
    parser.add_argument("--prompt", default="", help="how the text begins; of music, a MIDI file to go on from")
    parser.add_argument("--output", help="a file to write to; of music, a MIDI file")
    parser.add_argument("--max_new_tokens", type=int, help="stop here at the latest (default: 200; of music 1,000)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 takes the likeliest token (default: 1)")
    parser.add_argument("--top_k", type=int, default=0, help="sample from so many of the likeliest (default: all)")
    parser.add_argument("--top_p", type=float, default=1.0, help="sample from this share of probability (default: 1)")
    parser.add_argument("--num_beams", type=int, default=1, help="beam search in place of sampling (default: 1)")
    parser.add_argument("--num_return_sequences", type=int, default=1, help="how many to write (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampling (default: 0)")
    parser.add_argument("--trust_remote_code", action="store_true", help="let code that comes with the model run")
    return parser


def _write_texts(predictor, arguments: argparse.Namespace, settings) -> None:
    from hfseq.training.generation import generate_texts

    text = "\n\n".join(generate_texts(predictor, arguments.prompt, settings)) + "\n"
    if not arguments.output:
        sys.stdout.write(text)
        return
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HfseqError(f"cannot write {arguments.output}: {error.strerror or error}") from error
    sys.stdout.write(f"{arguments.output}\n")


def _write_music(predictor, arguments: argparse.Namespace, settings) -> None:
    from hfseq.data.processors.music import frames_to_text
    from hfseq.training.generation import generate_pieces, read_beginning, write_pieces

    beginning = read_beginning(predictor, arguments.prompt) if arguments.prompt else None
    pieces = generate_pieces(predictor, beginning, settings)
    if arguments.output:
        sys.stdout.writelines(f"{path}\n" for path in write_pieces(pieces, arguments.output))
    else:
        sys.stdout.writelines(f"{frames_to_text(piece)}\n" for piece in pieces)
