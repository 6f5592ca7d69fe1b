"""Every JSON file of every kind of folder, with something else in one of its places: it opens, or there is an error of ours."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.errors import QianruError
from qianru.sample import sample_lines
from qianru.static import train_fasttext, train_word2vec
from qianru.text import Corpus
from qianru.vectors import SubwordVectors, Vectors

LINES = [*sample_lines("en", n_bytes=10_000), *sample_lines("zh", n_bytes=10_000)]
OTHERS = [None, True, -1, 1e308, 10**19, "x", "", [], {}, [[]], ["x"], [None], {"x": []}]
WHOLE = [b"", b"[]", b"null", b"{", b"\xff\xfe", b'"x"', b"1"]
# Of the thousands of changes to a folder so many are tried, other ones for each kind.
N_TRIED = 150


def static(folder: Path) -> Callable[[], object]:
    train_word2vec(Corpus(LINES), dim=8, min_count=2, epochs=1).save(folder)
    return lambda: Vectors.load(folder)


def fasttext(folder: Path) -> Callable[[], object]:
    train_fasttext(Corpus(LINES), dim=8, min_count=2, epochs=1, n_buckets=500).save(folder)
    return lambda: SubwordVectors.load(folder)


def bert(folder: Path) -> Callable[[], object]:
    pytest.importorskip("transformers")
    from qianru.contextual import load_encoder, train_bert
    from qianru.tokens import Tokenizer

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer.train(Corpus(LINES), kind="wordpiece", vocab_size=900, special_tokens=special)
    train_bert(
        Corpus(LINES), output=folder, tokenizer=tokenizer, size="tiny", length=16, batch_size=8, steps=1,
        evaluate_every=1, precision="float32",
    )  # fmt: skip
    return lambda: load_encoder(folder).encode(["a cat"])


def elmo(folder: Path) -> Callable[[], object]:
    pytest.importorskip("torch")
    from qianru.contextual import load_encoder, train_elmo

    train_elmo(Corpus(LINES), output=folder, size="tiny", length=16, batch_size=4, steps=1, evaluate_every=1)
    return lambda: load_encoder(folder).encode(["a cat"])


def classifier(folder: Path) -> Callable[[], object]:
    pytest.importorskip("torch")
    from qianru.transfer import TextClassifier, train_text_classifier

    examples = [(line, str(i % 2)) for i, line in enumerate(LINES[:60])]
    train_text_classifier(examples, epochs=1, validation=0.2, dim=8).save(folder)
    return lambda: TextClassifier.load(folder)


def translator(folder: Path) -> Callable[[], object]:
    pytest.importorskip("torch")
    from qianru.transfer import Translator, train_translator

    pairs = list(zip(LINES[:60], LINES[60:120], strict=True))
    train_translator(pairs, vocab_size=600, dim=16, n_layers=1, n_heads=2, epochs=1, validation=0.1).save(
        folder
    )
    return lambda: Translator.load(folder)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands; of long objects and lists the first ones."""
    if path:
        yield path
    if isinstance(value, dict):
        keys = list(value) if len(value) < 60 else list(value)[:3]
    else:
        keys = list(range(min(len(value), 2))) if isinstance(value, list) else []
    for key in keys:
        yield from places(value[key], (*path, key))


def changed(value: Any, path: tuple[Any, ...], other: object) -> bytes:
    made = copy.deepcopy(value)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    return json.dumps(made).encode()


@pytest.mark.parametrize("make", [static, fasttext, bert, elmo, classifier, translator])
def test_other_values_in_the_files_of_a_folder(
    make: Callable[[Path], Callable[[], object]], tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    load = make(folder)
    load()
    changes: list[tuple[Path, Callable[[], bytes], object]] = []
    for file in sorted(folder.rglob("*.json")):
        value = json.loads(file.read_text("utf-8"))
        for path in places(value):
            for other in OTHERS:
                changes.append((file, lambda v=value, p=path, o=other: changed(v, p, o), (path, other)))
        changes += [(file, lambda data=data: data, data) for data in WHOLE]
    rng = np.random.default_rng(len(make.__name__))
    for i in rng.permutation(len(changes))[:N_TRIED].tolist():
        file, data, told = changes[i]
        whole = file.read_bytes()
        file.write_bytes(data())
        try:
            with contextlib.suppress(QianruError):
                load()
        except Exception as error:
            pytest.fail(f"{file.name}, {told}: {type(error).__name__} {error}")
        file.write_bytes(whole)
