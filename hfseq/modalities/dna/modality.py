"""DNA and RNA."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict, concatenate_datasets

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns, resolve_inputs
from hfseq.data.sources.split_folders import split_folders, split_parts
from hfseq.data.sources.visible_files import visible_files
from hfseq.errors import HfseqError, first_line
from hfseq.modalities.dna.fasta import check_dna, is_fasta, read_fasta
from hfseq.modalities.dna.settings import DNASettings
from hfseq.modalities.dna.tokenization_dna import DNATokenizer, reverse_complement
from hfseq.modalities.text.modality import Text
from hfseq.registry import register_modality


@register_modality
class DNA(Text):
    """DNA or RNA, read by a [`DNATokenizer`], or by the tokenizer that the settings name."""

    name = "dna"
    settings_class = DNASettings
    guess_order = 20
    content = "content"
    has_words = False
    is_source = False
    language_model = None
    in_pipelines = False
    column_names = ("sequence", "dna", "rna", "seq", "sequences", "nucleotides", "text")

    def is_part(self, path: Path) -> bool:
        """A FASTA file."""
        return is_fasta(path)

    def recognizes(self, path: Path) -> bool:
        """A FASTA file, or a folder with FASTA files."""
        if path.is_file():
            return is_fasta(path)
        return bool(_fasta_files(path)) or any(map(_fasta_files, split_folders(path).values()))

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads the splits of FASTA files.

        A file is a training split. A folder has one file per split (`train.fasta`, `test.fasta`), with labels in the
        headers; or one file per class; or one folder per split with one file per class.
        """
        if not self.recognizes(path):
            return None
        if path.is_file():
            return DatasetDict({"train": read_fasta(path)})
        files = _fasta_files(path)
        parts = (split_parts(path, files) if files else split_folders(path)) or {"train": path}
        return DatasetDict({split: read_fasta(part) for split, part in parts.items()})

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """Finds the columns of sequences and labels. `--text_column` means the same as `--input_column`."""
        return resolve_inputs(
            column_names,
            self.column_names,
            input_column=arguments.input_column or arguments.text_column,
            label_column=arguments.label_column,
            require_label=require_label,
        )

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """See [`check_dna`]."""
        check_dna(split[columns.text], where)
        return split

    def augment(self, train: Dataset, columns: Columns, arguments: DataArguments) -> Dataset:
        """With `reverse_complement`, adds the reverse complement of each sequence."""
        if not arguments.group(DNASettings).reverse_complement:
            return train
        other = train.map(
            lambda batch: {columns.text: [reverse_complement(one) for one in batch[columns.text]]},
            batched=True,
            desc="Adding reverse complements",
        )
        return concatenate_datasets([train, other])

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """A model with a saved [`DNATokenizer`]."""
        return processor.get("tokenizer_class") == DNATokenizer.__name__

    def make_tokenizer(self, arguments: DataArguments, add_cls: bool) -> DNATokenizer:
        """A tokenizer of k-mers, which needs no training.

        Raises:
            HfseqError: `kmer` or `kmer_stride` is out of range.
        """
        settings = arguments.group(DNASettings)
        length = {} if arguments.max_length is None else {"model_max_length": arguments.max_length}
        try:
            return DNATokenizer(settings.kmer, settings.kmer_stride, add_cls_sep=add_cls, **length)
        except ValueError as error:
            raise HfseqError(f"--kmer and --kmer_stride: {first_line(error)}") from error


def _fasta_files(folder: Path) -> list[Path]:
    return [path for path in visible_files(folder) if is_fasta(path)]
