"""`hfseq generate MODEL [--prompt "..."] [--output tune.mid]`."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from hfseq.commands import CommandParser
from hfseq.commands.examples import check_unicode
from hfseq.commands.output import add_output_flags, check_output, open_output, output_format, write_records
from hfseq.errors import HfseqError
from hfseq.plugins import load_plugins

_SETTINGS = ("max_new_tokens", "temperature", "top_k", "top_p", "num_beams", "num_return_sequences", "seed")


def run(argv: Sequence[str]) -> int:
    """Writes texts or pieces of music that a language model generates."""
    arguments = make_parser().parse_args(argv)
    check_unicode(arguments.prompt, "--prompt")

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.inference.generation import GenerationSettings, generates_music
    from hfseq.inference.music_files import is_midi
    from hfseq.inference.predictor import Predictor

    quiet_libraries()
    settings = {name: getattr(arguments, name) for name in _SETTINGS}
    GenerationSettings.from_dict(settings)  # before the model is loaded
    # mido writes MIDI files itself.
    in_midi = bool(arguments.output) and is_midi(arguments.output)
    with open_output(None if in_midi else arguments.output, arguments.prompt or None, model=arguments.model) as out:
        load_plugins(arguments.plugins or ())
        predictor = Predictor.load(arguments.model, trust_remote_code=arguments.trust_remote_code)
        write = _write_music if generates_music(predictor) else _write_texts
        write(predictor, arguments, settings, out)
    if arguments.output not in (None, "-") and not in_midi:
        sys.stdout.write(f"{arguments.output}\n")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The parser of the flags of the command."""
    parser = CommandParser("generate")
    parser.add_argument("model", help="folder with a saved language model, or id of a model on the Hub")
    parser.add_argument(
        "--prompt", default="", help="beginning of the text, or a MIDI file to continue (default: none)"
    )
    add_output_flags(parser)
    parser.add_argument(
        "--max_new_tokens", type=int, help="largest number of tokens to generate (default: 200; 1,000 for music)"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        help="temperature of the sampling; 0 always takes the most probable token (default: 1)",
    )
    parser.add_argument(
        "--top_k", type=int, default=0, help="sample from this many most probable tokens; 0 for all (default: 0)"
    )
    parser.add_argument(
        "--top_p",
        type=float,
        default=1.0,
        help="sample from the most probable tokens with this total probability (default: 1)",
    )
    parser.add_argument(
        "--num_beams", type=int, default=1, help="beam width; above 1, beam search replaces sampling (default: 1)"
    )
    parser.add_argument(
        "--num_return_sequences", type=int, default=1, help="number of texts or pieces to generate (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the sampling (default: 0)")
    parser.add_argument(
        "--plugins", nargs="+", metavar="MODULE", help="Python modules of plug-ins that the model needs"
    )
    parser.add_argument("--trust_remote_code", action="store_true", help="run code that comes with the model")
    return parser


def _write_texts(predictor: Any, arguments: argparse.Namespace, settings: dict[str, Any], out: TextIO) -> None:
    from hfseq.inference.music_files import is_midi

    if arguments.output and is_midi(arguments.output):
        raise HfseqError(
            f"--output {arguments.output}: this model generates text, not MIDI; name a .txt or .jsonl file"
        )
    texts = [prediction.text for prediction in predictor.generate(arguments.prompt, **settings)]
    form = output_format(arguments)
    if form == "text":
        out.write("\n\n".join(texts) + "\n")
    else:
        write_records(out, form, [{"prompt": arguments.prompt, "text": text} for text in texts])


def _write_music(predictor: Any, arguments: argparse.Namespace, settings: dict[str, Any], out: TextIO) -> None:
    from hfseq.inference.music_files import check_midi_path, is_midi, piece_paths, write_pieces

    form = output_format(arguments)
    as_midi = bool(arguments.output) and (form == "text" or is_midi(arguments.output))
    if as_midi:
        check_midi_path(arguments.output)
        if arguments.format not in (None, "text"):
            raise HfseqError(f"--format {arguments.format} does not fit --output {arguments.output}: leave one out")
        for path in piece_paths(arguments.output, settings["num_return_sequences"]):
            check_output(str(path), arguments.prompt or None, model=arguments.model)
    pieces = predictor.generate(arguments.prompt, **settings)
    if as_midi:
        paths = write_pieces([piece.values for piece in pieces], arguments.output)
        sys.stdout.writelines(f"{path}\n" for path in paths)
    elif form == "text":
        out.writelines(f"{piece.text}\n" for piece in pieces)
    else:
        write_records(out, form, [{"prompt": arguments.prompt, "text": piece.text} for piece in pieces])
