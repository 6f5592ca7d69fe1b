"""Tokenizers of other programs: seen from their content, and their ids are those of the original library."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Package
from tokenizers.implementations import BertWordPieceTokenizer, ByteLevelBPETokenizer

from qianru.errors import ArgumentError, FormatError
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.tokens.pipelines import BYTE_CHARACTERS, byte_level_bytes, byte_level_text

DATA = Path(os.environ.get("QIANRU_DATA", Path(__file__).parents[2] / "../shared/data"))
TEXTS = st.text(
    st.one_of(
        st.sampled_from(
            "a Bcthe's 老虎在睡觉，。\n\t\r\u200d🙂👩🏽\u0301\u0308é\u1100\u1161\u11a8가İſ\ufeff\u2028x1290"
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)
BERT = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "老",
    "虎",
    "a",
    "##a",
    "##b",
    "b",
    "'",
    "s",
    "##s",
]


def words(path: Path, tokens: list[str]) -> Path:
    path.write_text("".join(f"{token}\n" for token in tokens), "utf-8")
    return path


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> Path:
    """vocab.json and merges.txt as the `tokenizers` package writes them."""
    folder = tmp_path_factory.mktemp("gpt2")
    made = ByteLevelBPETokenizer()
    made.train_from_iterator(lines, vocab_size=500, show_progress=False)
    made.save_model(str(folder))
    return folder


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory, gpt2: Path) -> Path:
    """The same vocabulary as tiktoken has it: bytes first, then by rank."""
    folder = tmp_path_factory.mktemp("ranks")
    vocab = json.loads((gpt2 / "vocab.json").read_text("utf-8"))
    lines = []
    for token, rank in sorted(vocab.items(), key=lambda item: item[1]):
        data = byte_level_bytes(token)
        assert data is not None
        lines.append(f"{base64.b64encode(data).decode()} {rank}\n")
    (folder / "made.tiktoken").write_text("".join(lines))
    return folder / "made.tiktoken"


def test_bytes_and_their_characters() -> None:
    assert len(set(BYTE_CHARACTERS)) == 256
    assert all(map(str.isprintable, BYTE_CHARACTERS))
    everything = bytes(range(256))
    assert byte_level_bytes(byte_level_text(everything)) == everything
    assert byte_level_text(b" a\n") == "ĠaĊ"
    assert byte_level_bytes("老") is None


def test_a_bert_vocabulary(tmp_path: Path) -> None:
    path = words(tmp_path / "vocab.txt", BERT)
    tokenizer = Tokenizer.load(path)
    assert tokenizer.kind == "WordPiece"
    assert [*tokenizer.vocab] == BERT
    assert tokenizer.unknown_id == 1
    assert [*tokenizer.special_tokens] == BERT[:5]
    assert tokenizer.encode("The 老虎's [MASK]").tokens == [
        "[CLS]",
        "the",
        "老",
        "虎",
        "'",
        "s",
        "[UNK]",
        "[UNK]",
        "[UNK]",
        "[SEP]",
    ]
    assert tokenizer.encode("a [MASK]", allow_special=True).ids.tolist() == [2, 8, 4, 3]
    assert "lower case is on" in tokenizer.notes[0]
    assert Tokenizer.load(path, lowercase=False).encode("The").tokens[1] == "[UNK]"
    assert "lower case is off" in Tokenizer.load(words(path, [*BERT, "The"])).notes[0]
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true, "mask_token": "[MASK]"}')
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.notes == ()
    assert tokenizer.encode("The").tokens[1] == "the"


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
@pytest.mark.parametrize("lowercase", [False, True])
def test_bert_says_what_the_package_says(
    tmp_path_factory: pytest.TempPathFactory, lowercase: bool, text: str
) -> None:
    package, tokenizer = bert_pair(tmp_path_factory, lowercase)
    assert tokenizer.encode(text).ids.tolist() == package.encode(text).ids
    assert tokenizer.encode_batch([text])[0].tolist() == package.encode(text).ids


_PAIRS: dict[bool, tuple[BertWordPieceTokenizer, Tokenizer]] = {}


def bert_pair(factory: pytest.TempPathFactory, lowercase: bool) -> tuple[BertWordPieceTokenizer, Tokenizer]:
    if lowercase not in _PAIRS:
        path = words(factory.mktemp("bert") / "vocab.txt", BERT)
        package = BertWordPieceTokenizer(str(path), lowercase=lowercase)
        # What the wrapper leaves to be found in text is text for us.
        package._tokenizer.encode_special_tokens = True
        _PAIRS[lowercase] = package, Tokenizer.load(path, lowercase=lowercase)
    return _PAIRS[lowercase]


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_gpt2_says_what_the_package_says(gpt2: Path, text: str) -> None:
    package = ByteLevelBPETokenizer(str(gpt2 / "vocab.json"), str(gpt2 / "merges.txt"))
    for path in (gpt2, gpt2 / "vocab.json", gpt2 / "merges.txt"):
        tokenizer = Tokenizer.load(path)
        assert tokenizer.encode(text).ids.tolist() == package.encode(text).ids
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_what_names_the_pattern(gpt2: Path, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((gpt2 / name).read_bytes())
    assert "GPT-2's is taken" in Tokenizer.load(tmp_path).notes[0]
    assert "123" not in Tokenizer.load(tmp_path, pattern="qwen2").encode("123").tokens
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "Qwen2TokenizerFast"}')
    found = Tokenizer.load(tmp_path)
    assert found.notes == ()
    assert found.encode("e\u0301").ids.tolist() == found.encode("é").ids.tolist()


def test_ranks(ranks: Path, gpt2: Path, lines: list[str]) -> None:
    with pytest.raises(ArgumentError, match="does not tell by which pattern"):
        Tokenizer.load(ranks)
    tokenizer = Tokenizer.load(ranks, pattern="gpt2")
    package = ByteLevelBPETokenizer(str(gpt2 / "vocab.json"), str(gpt2 / "merges.txt"))
    for line in lines[::20]:
        assert tokenizer.encode(line).ids.tolist() == package.encode(line).ids


def test_ranks_with_a_known_name(ranks: Path, tmp_path: Path) -> None:
    path = tmp_path / "cl100k_base.tiktoken"
    path.write_bytes(ranks.read_bytes())
    tokenizer = Tokenizer.load(path)
    assert tokenizer.special_tokens["<|endofprompt|>"] == 100276
    assert tokenizer.n_tokens == 100277
    assert "99772 ids without a token" in tokenizer.notes[0]
    assert tokenizer.encode("1234").word_ids.tolist()[-1] == 1
    assert tokenizer.encode("<|endoftext|>").ids.max() < 500
    assert tokenizer.encode("<|endoftext|>", allow_special=True).ids.tolist() == [100257]


def test_byte_order_marks_and_carriage_returns(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(BERT).encode() + b"\r\n")
    assert [*Tokenizer.load(tmp_path).vocab] == BERT


def test_length_rules_of_a_file_are_not_applied(tmp_path: Path, lines: list[str]) -> None:
    made = Tokenizer.train(Corpus(lines), kind="bpe", vocab_size=300)
    package = Package.from_str(json.dumps(made.description))
    package.enable_truncation(2)
    package.enable_padding()
    package.save(str(tmp_path / "tokenizer.json"))
    loaded = Tokenizer.load(tmp_path)
    assert loaded.notes == (
        "the file's truncation and padding is not applied: texts come whole unless max_tokens is given",
    )
    assert loaded.encode("a b c d").tokens == made.encode("a b c d").tokens
    assert loaded.vocab == made.vocab


def test_many_added_tokens_load(tmp_path: Path, lines: list[str]) -> None:
    import time

    made = Tokenizer.train(Corpus(lines), kind="bpe", vocab_size=300).description
    made["added_tokens"] = [
        {
            "id": 300 + i,
            "content": f"<token {i}>",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": False,
        }
        for i in range(40_000)
    ]
    (tmp_path / "tokenizer.json").write_text(json.dumps(made))
    began = time.perf_counter()
    tokenizer = Tokenizer.load(tmp_path)
    assert time.perf_counter() - began < 10
    assert tokenizer.encode("a<token 39999>").ids.tolist()[-1] == 40_299


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no tokenizer in this folder"):
        Tokenizer.load(tmp_path)
    with pytest.raises(FormatError, match="no such file or folder"):
        Tokenizer.load(tmp_path / "nowhere")


# What follows needs other people's files.


def pairs() -> list[str]:
    path = DATA / "eval/bi/tatoeba/en-zh-22k.tsv"
    if not path.is_file():
        pytest.skip(f"no {path}: set QIANRU_DATA")
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [cell for row in rows for cell in row]


def their(name: str) -> Path:
    path = DATA / "models/tokenizers" / name
    if not path.exists():
        pytest.skip(f"no {path}: set QIANRU_DATA")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert-base-uncased", "bert-base-chinese"])
def test_bert_on_real_text(name: str) -> None:
    path = their(name) / "vocab.txt"
    tokenizer = Tokenizer.load(path)
    package = BertWordPieceTokenizer(str(path), lowercase=True)
    package._tokenizer.encode_special_tokens = True
    texts = [*pairs(), *tokenizer.vocab]
    found = tokenizer.encode_batch(texts)
    for i, one in enumerate(package.encode_batch(texts)):
        assert one.ids == found[i].tolist(), texts[i]


@pytest.mark.slow
def test_gpt2_on_real_text() -> None:
    path = their("gpt2/tokenizer.json")
    tokenizer, package = Tokenizer.load(path), Package.from_file(str(path))
    package.encode_special_tokens = True
    texts = [*pairs(), *tokenizer.vocab]
    found = tokenizer.encode_batch(texts)
    for i, one in enumerate(package.encode_batch(texts)):
        assert one.ids == found[i].tolist(), texts[i]


@pytest.mark.slow
def test_cl100k_on_real_text() -> None:
    tiktoken = pytest.importorskip("tiktoken", reason="tiktoken is not installed")
    path = their("cl100k_base.tiktoken")
    ranks = {}
    for line in path.read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    pattern = (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|"
        r"\s*[\r\n]|\s+(?!\S)|\s"
    )
    original = tiktoken.Encoding("cl100k", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    tokenizer = Tokenizer.load(path)
    texts = [*pairs(), *(token.decode("utf-8", "ignore") for token in ranks)]
    found = tokenizer.encode_batch(texts)
    for i, ids in enumerate(original.encode_ordinary_batch(texts)):
        assert ids == found[i].tolist(), texts[i]

    @settings(max_examples=500, deadline=None)
    @given(text=TEXTS)
    def any_text(text: str) -> None:
        assert original.encode_ordinary(text) == tokenizer.encode_batch([text])[0].tolist()

    any_text()
