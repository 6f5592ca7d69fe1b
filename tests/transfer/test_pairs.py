"""Pairs of sentences: they are read, and what is held out of them shares nothing with what is trained on."""

from __future__ import annotations

import bz2
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError, CorpusError, FormatError

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.transfer import SentencePairs, read_sentence_pairs
from qianru.transfer.pairs import shared_groups
from qianru.transfer.translate import _split


def test_pairs_are_read(tmp_path: Path) -> None:
    tsv, one, two, lines = (tmp_path / name for name in ("a.tsv", "a.en", "a.zh", "a.jsonl"))
    tsv.write_text("Hi.\t嗨。\tCC-BY\r\nRun!\t跑！\n\n\tleer\n", encoding="utf-8")
    one.write_text("Hi.\nRun!\n\n", encoding="utf-8")
    two.write_text("嗨。\n跑！\n空\n", encoding="utf-8")
    lines.write_text('{"source": "Hi.", "target": "嗨。"}\n{"source": "Run!", "target": "跑！"}\n', "utf-8")
    for found in (read_sentence_pairs(tsv), read_sentence_pairs(one, two), read_sentence_pairs(lines)):
        assert (found.sources, found.targets) == (["Hi.", "Run!"], ["嗨。", "跑！"])
    assert read_sentence_pairs(tsv).n_empty == 1
    two.write_text("嗨。\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"has 3 lines, and .* has 1"):
        read_sentence_pairs(one, two)
    with pytest.raises(FormatError, match="line 1 has no tab"):
        read_sentence_pairs(two)
    whole = lines.read_bytes()
    for name, pack in (("b.jsonl.xz", lzma.compress), ("b.ndjson.bz2", bz2.compress), ("b.json", bytes)):
        (tmp_path / name).write_bytes(pack(whole))
        assert read_sentence_pairs(tmp_path / name).targets == ["嗨。", "跑！"]
    for side, text in (("en", "Hi.\n"), ("zh", "嗨。\n")):
        (tmp_path / side).mkdir()
        for i in range(2):
            (tmp_path / side / f"{i}.txt").write_text(text, encoding="utf-8")
    folders = read_sentence_pairs(tmp_path / "en", tmp_path / "zh")
    assert (folders.sources, folders.n_empty) == (["Hi."] * 2, 0)
    lines.write_text("[]\n", "utf-8")
    with pytest.raises(FormatError, match='line 1 has no texts "source" and "target"'):
        read_sentence_pairs(lines)
    tsv.write_text("\t\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="no pair of sentences"):
        read_sentence_pairs(tsv)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_pairs_that_are_linked_are_one_group(pairs: list[tuple[int, int]]) -> None:
    found = shared_groups(SentencePairs([f"A {a}" for a, _ in pairs], [f"b {b}" for _, b in pairs]))
    linked = np.array([[a == c or b == d for c, d in pairs] for a, b in pairs])
    for _ in pairs:  # by way of one more pair each time
        linked = linked @ linked
    assert np.array_equal(found[:, None] == found[None, :], linked)


def test_held_out_pairs_share_no_sentence_with_the_others() -> None:
    several = SentencePairs(
        [f"Sentence {i // 3}" + " " * (i % 3) for i in range(180)], [f"t {i}" for i in range(180)]
    )
    other_way = SentencePairs(several.targets, several.sources)
    for share, n in ((0.1, 18), (0.001, 3)):
        for data in (several, other_way):
            train, held_out = _split(data, share, "refuse", 1)
            assert (len(train), len(held_out)) == (180 - n, n)
            for side in ("sources", "targets"):
                texts, known = ({text.strip() for text in getattr(one, side)} for one in (held_out, train))
                assert not texts & known
    with pytest.raises(ArgumentError, match="all 5 pairs are linked by sentences that they share"):
        _split(SentencePairs(["a"] * 5, list("vwxyz")), 0.2, "refuse", 1)


@given(st.integers(2, 90), st.sampled_from([0.02, 0.3]), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_different_pairs_are_held_out_as_they_always_were(n: int, share: float, seed: int) -> None:
    """Figures were measured with these draws."""
    data = SentencePairs([f"a {i}" for i in range(n)], [f"b {i}" for i in range(n)])
    train, held_out = _split(data, share, "refuse", seed)
    order, n_held = np.random.default_rng([seed, 13]).permutation(n), max(1, round(share * n))
    assert held_out.sources == [f"a {i}" for i in sorted(order[:n_held])]
    assert train.targets == [f"b {i}" for i in sorted(order[n_held:])]
