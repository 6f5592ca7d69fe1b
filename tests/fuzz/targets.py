"""What is fuzzed: for each reader of foreign bytes, valid files to start from, and a call that may only end well or in
a QianruError.

A target writes the bytes as one file of a set whose others stay valid, and reads the set. `test_fuzz.py` runs each
target for a moment in the normal tests, `run_atheris.py` for as long as one likes (make fuzz SECONDS=600).
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qianru.errors import QianruError
from qianru.evaluate.files import KINDS, read_dataset
from qianru.static import Classifier, train_classifier
from qianru.static.state import read_state, write_state
from qianru.tokens import Tokenizer
from qianru.tokens.pipelines import BYTE_CHARACTERS, bert, byte_level
from qianru.tokens.sentencepiece_file import SentencePieceFile, write_sentencepiece
from qianru.tokens.sentencepiece_open import describe_sentencepiece
from qianru.vectors import SubwordRule, SubwordVectors, Vectors
from qianru.vectors.align import read_dictionary
from qianru.vectors.inspection import inspect_file
from qianru.vectors.quantise import quantise

WORDS = ["猫", "dog", "naïve", "don't", "北京大学", "x" * 20]


def _vectors() -> Vectors:
    matrix = np.random.default_rng(3).standard_normal((len(WORDS), 5)).astype(np.float32)
    return Vectors(WORDS, matrix, counts=range(len(WORDS), 0, -1))


def _load(path: Path) -> None:
    loaded = Vectors.load(path)
    loaded.similar(loaded.keys[0], 3)


def _mend(path: Path) -> None:
    for errors in ("replace", "surrogateescape"):
        with contextlib.suppress(QianruError):
            Vectors.load(path, repair=True, errors=errors)


def _word2vec(path: Path) -> None:
    _mend(path)
    Vectors.load(path, format="word2vec")


def _glove(path: Path) -> None:
    _mend(path)
    Vectors.load(path, format="glove")


def _folder(path: Path) -> None:
    # Damage that a mapped folder does not show at once must still not crash a search.
    with contextlib.suppress(QianruError):
        opened = Vectors.load(path)
        opened.similar(opened.to_numpy()[0], 3)
        list(opened.keys)
        for word in WORDS:
            _ = word in opened
    Vectors.load(path, verify=True)


@dataclass(frozen=True)
class Target:
    """file: the name of the file that is fuzzed; read: called with the set's folder or the file in it."""

    name: str
    file: str
    prepare: Callable[[Path], None]
    read: Callable[[Path], object]
    whole_folder: bool = False
    more_seeds: tuple[bytes, ...] = ()

    def seeds(self) -> list[bytes]:
        """Valid contents of the file."""
        with tempfile.TemporaryDirectory() as made:
            self.prepare(Path(made))
            return [(Path(made) / self.file).read_bytes(), *self.more_seeds]

    @contextlib.contextmanager
    def runner(self) -> Iterator[Callable[[bytes], bool]]:
        """A function that reads those bytes and returns whether they were taken for valid."""
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            self.prepare(folder)

            def run(data: bytes) -> bool:
                # A new file each time: readers map files, and a mapped file must not shrink.
                (folder / self.file).unlink(missing_ok=True)
                (folder / self.file).write_bytes(data)
                try:
                    self.read(folder if self.whole_folder else folder / self.file)
                except QianruError:
                    return False
                return True

            yield run


def _written(name: str, data: bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return prepare


def _exported(name: str) -> Callable[[Path], None]:
    return lambda folder: _vectors().export(folder / name)


def _saved(folder: Path) -> None:
    shutil.rmtree(folder)
    _vectors().save(folder)


def _coded(method: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.rmtree(folder)
        quantise(_vectors(), method).save(folder)

    return prepare


def _hugging_face(folder: Path) -> None:
    _saved(folder)
    for name in ("qianru.json", "keys.safetensors"):
        (folder / name).unlink()


def _subword_model(table: dict[str, str] | None) -> SubwordVectors:
    draw = np.random.default_rng(4)
    return SubwordVectors(
        WORDS,
        draw.standard_normal((len(WORDS), 5)).astype(np.float32),
        draw.standard_normal((3, 5)).astype(np.float32),
        rule=SubwordRule(min_n=1, max_n=3, n_buckets=10, decomposition=table),
        buckets=np.array([7, 0, 4], np.uint32),
        counts=range(len(WORDS), 0, -1),
        output=draw.standard_normal((len(WORDS), 5)).astype(np.float32),
    )


def _fasttext(folder: Path) -> None:
    _subword_model(None).export(folder / "v.bin")


def _subword_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    _subword_model({"猫": "犭苗", "北": "丬匕"}).save(folder)


def _subwords(path: Path) -> None:
    opened = SubwordVectors.load(path)
    for word in ("猫", "猫狗", "dogs"):
        opened.lookup(word)


def _classifier(name: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        pairs = [(f"{word} {i}", str(i % 3)) for i in range(9) for word in ("a", "猫")]
        made = train_classifier(pairs, dim=5, epochs=1, word_ngrams=2, n_buckets=20, threads=1, loss="hs")
        (made.quantise() if name.endswith(".ftz") else made).export(folder / name)

    return prepare


def _predict(path: Path) -> None:
    Classifier.load(path).predict(["a 1", "猫 7 b", ""], k=2)


def _state(folder: Path) -> None:
    draw = np.random.default_rng(5)
    matrices = {name: draw.standard_normal((4, 3)).astype(np.float32) for name in ("a", "b")}
    write_state(folder / "state", matrices, {"run": {"seed": 1}})


def _tokenizer(path: Path) -> None:
    opened = Tokenizer.load(path, pattern="gpt2")
    opened.encode("ab 老\0 [UNK]\U0001f642")
    opened.encode_batch(["ab", "老"])
    opened.decode([0])


def _tokenizers() -> dict[str, bytes]:
    """A small tokenizer.json of each kind of model."""
    letters = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b", "老"])}
    pieces = SentencePieceFile(
        ["<unk>", "<s>", "▁", "a", "老"], [0.0, 0.0, -1.0, -2.0, -3.0], [2, 3, 1, 1, 1]
    )
    made = {
        "bert": bert(letters, lowercase=True),
        "bpe": byte_level(
            {**{char: i for i, char in enumerate(BYTE_CHARACTERS)}, "ab": 256}, ["a b"], "cl100k"
        ),
        "unigram": describe_sentencepiece(pieces, "")[0],
    }
    found = {name: json.dumps(description, ensure_ascii=False).encode() for name, description in made.items()}
    return {**found, "model": write_sentencepiece(pieces), "vocab": "\n".join(letters).encode()}


_MADE = _tokenizers()
_RANKS = b"".join(base64.b64encode(bytes([byte])) + f" {byte}\n".encode() for byte in range(256))


def _test_set(path: Path) -> None:
    for kind in KINDS:
        with contextlib.suppress(QianruError):
            read_dataset(path, kind=kind)
    read_dataset(path)


_TEXT = b"6 2\n" + b"".join(f"{word} 1 -2.5e-1\r\n".encode() for word in WORDS)
_PACKED = (gzip.compress(_TEXT),)
TARGETS = {
    target.name: target
    for target in (
        Target("any", "v", _written("v", _TEXT), _load, more_seeds=_PACKED),
        Target("inspect", "v", _written("v", _TEXT), inspect_file, more_seeds=_PACKED),
        Target(
            "test-set",
            "v.txt",
            _written("v.txt", b"cat dog 1\ncat car 2\n"),
            _test_set,
            more_seeds=(b"cat\tdog\t1\n" * 2, b": a\na b c d\n", b"X a\nY b\nA c\nB d\n"),
        ),
        Target("word2vec-binary", "v.bin", _exported("v.bin"), _word2vec),
        Target("word2vec-text", "v.txt", _exported("v.txt"), _word2vec, more_seeds=_PACKED),
        Target("glove", "v.glove", _exported("v.glove"), _glove, more_seeds=(b". . . 1 2\na 3 4\n",)),
        Target("numpy", "v.npy", _exported("v.npy"), _load),
        Target("numpy-words", "v.vocab.txt", _exported("v.npy"), lambda path: _load(path.with_name("v.npy"))),
        Target("projector", "v.tsv", _exported("v.tsv"), _load),
        Target(
            "projector-words",
            "v.metadata.tsv",
            _exported("v.tsv"),
            lambda path: _load(path.with_name("v.tsv")),
            more_seeds=(("n\tword\n" + "".join(f"1\t{word}\n" for word in WORDS)).encode(),),
        ),
        Target("safetensors", "v.safetensors", _exported("v.safetensors"), _load),
        Target("hugging-face-tokenizer", "tokenizer.json", _hugging_face, _load, whole_folder=True),
        Target("folder-description", "qianru.json", _saved, _folder, whole_folder=True),
        Target("folder-matrix", "model.safetensors", _saved, _folder, whole_folder=True),
        Target("folder-keys", "keys.safetensors", _saved, _folder, whole_folder=True),
        Target("folder-int8", "model.safetensors", _coded("int8"), _folder, whole_folder=True),
        Target("folder-pq", "model.safetensors", _coded("pq"), _folder, whole_folder=True),
        Target("fasttext", "v.bin", _fasttext, _subwords),
        Target("fasttext-quantised", "v.ftz", _classifier("v.ftz"), _predict),
        Target("classifier", "v.bin", _classifier("v.bin"), _predict),
        Target("folder-ngrams", "subwords.safetensors", _subword_folder, _subwords, whole_folder=True),
        Target("folder-decomposition", "decomposition.json", _subword_folder, _subwords, whole_folder=True),
        Target("training-state", "state", _state, lambda path: read_state(path, ["a", "b"])),
        Target(
            "tokenizer-json",
            "tokenizer.json",
            _written("tokenizer.json", _MADE["bert"]),
            _tokenizer,
            more_seeds=(_MADE["bpe"], _MADE["unigram"]),
        ),
        Target("vocab-txt", "vocab.txt", _written("vocab.txt", _MADE["vocab"]), _tokenizer),
        Target("sentencepiece", "x.model", _written("x.model", _MADE["model"]), _tokenizer),
        Target("ranks", "x.tiktoken", _written("x.tiktoken", _RANKS + b"YWI= 256\n"), _tokenizer),
        Target(
            "dictionary",
            "d.txt",
            _written("d.txt", "cat 猫\nNew York\t纽约\n".encode()),
            read_dictionary,
        ),
    )
}
