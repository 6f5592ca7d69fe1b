"""What is true in the sample world: similarity, analogies, senses, labels, translations.

Truth comes from the lexicon, sentences with a sense or a label from streams that no text file uses.
"""

from __future__ import annotations

from collections.abc import Sequence

from qianru.sample.grammar import EN, ZH
from qianru.sample.lexicon import build_world
from qianru.sample.table import Table
from qianru.sample.world import check_arguments, labelled

Pair = tuple[str, str]
_DEMO_TRIPLES = ({"en": ("cat", "tiger", "car"), "zh": ("猫", "老虎", "汽车")},)
# Anchor and nearer word come from the first group, the farther word from the second.
_CONTRASTS = (
    ("animal", "vehicle"),
    ("vehicle", "animal"),
    ("fruit", "vehicle"),
    ("country", "animal"),
    ("animal", "fruit"),
)
_PER_ANCHOR = 3


def analogies(language: str) -> dict[str, list[Pair]]:
    """Sections of word pairs that stand in one relation, by name; `language` is "en" or "zh".

    A question takes two pairs of a section: a is to b as c is to d. Pairs that share a word are left out.
    """
    which = _language(language)
    tables = build_world().tables
    person = [words[which] for words in tables["person"].pairs()]
    sections = {"gender": list(zip(person[::2], person[1::2], strict=True))}
    country = tables["country"]
    sections["capital-country"] = _forms(country, "capital", "", which)
    sections["country-language"] = _forms(country, "", "language", which)
    sections["job-place"] = _forms(tables["job"], "", "place", which)
    young = _forms(tables["animal"], "", "young", which)
    names = [pair[1] for pair in young]
    sections["animal-young"] = [pair for pair in young if names.count(pair[1]) == 1]
    if which == EN:
        verb, adjective = tables["verb"], tables["adjective"]
        sections["gram-past"] = _forms(verb, "", "past", EN)
        sections["gram-third-person"] = _forms(verb, "", "s", EN)
        sections["gram-participle"] = _forms(verb, "", "ing", EN)
        sections["gram-comparative"] = _forms(adjective, "", "er", EN)
        sections["gram-superlative"] = _forms(adjective, "", "est", EN)
        plural = [
            pair for name in ("animal", "vehicle", "fruit") for pair in _forms(tables[name], "", "plural", EN)
        ]
        sections["gram-plural"] = [pair for pair in plural if pair[0] != pair[1]]
    return sections


def similarity(language: str) -> list[tuple[str, str, str]]:
    """Triples (anchor, nearer, farther): the anchor is more alike to the second word than to the third."""
    which = _language(language)
    tables = build_world().tables
    triples = [demo[language] for demo in _DEMO_TRIPLES]
    for near, far in _CONTRASTS:
        anchors = [words[which] for words in tables[near].pairs()]
        others = [words[which] for words in tables[far].pairs()]
        for i, anchor in enumerate(anchors):
            for step in range(1, _PER_ANCHOR + 1):
                nearer = anchors[(i + step) % len(anchors)]
                triples.append((anchor, nearer, others[(i * _PER_ANCHOR + step) % len(others)]))
    return list(dict.fromkeys(triples))


def senses(language: str, *, seed: int = 1) -> list[tuple[str, str, str]]:
    """(sentence, word, sense) for the words that have two senses in `language`.

    "Apple" the company and "apple" the fruit differ by their first letter in English, as they do outside.
    """
    which = _language(language)
    found = []
    sentences = labelled(
        "senses", labels=("sense", "fruit", "company", "line", "fine"), n_each=400, seed=seed
    )
    for sentence in sentences:
        text = (sentence.english, sentence.chinese)[which]
        if sentence.label in ("line", "fine"):
            if which == ZH:
                found.append((text, "行", sentence.label))
        elif sentence.label == "sense":
            if sentence.word[which] in _ambiguous(language):
                found.append((text, sentence.word[which], sentence.sense))
        elif sentence.word[ZH] == "苹果":
            found.append((text, sentence.word[which], sentence.label))
    return list(dict.fromkeys(found))


def labels(language: str, *, seed: int = 1) -> list[Pair]:
    """(sentence, "positive" or "negative"): opinions of what people bought, each sentence once."""
    which = _language(language)
    sentences = labelled("labels", labels=("positive", "negative"), n_each=250, seed=seed)
    found = [((sentence.english, sentence.chinese)[which], sentence.label) for sentence in sentences]
    return list(dict.fromkeys(found))


def translations() -> list[Pair]:
    """(English, Chinese) for each word of the lexicon in its plain form; phrases are left out."""
    tables = build_world().tables
    pairs = [pair for table in tables.values() for pair in table.pairs()]
    for name, forms in (("country", ("capital", "language", "known", "sight")), ("job", ("place",))):
        pairs += [pair for form in forms for pair in tables[name].pairs(form)]
    return [pair for pair in dict.fromkeys(pairs) if " " not in pair[EN] and pair[EN] != pair[ZH]]


def _ambiguous(language: str) -> set[str]:
    which = _language(language)
    words = [words[which] for words in build_world().tables["sense"].pairs()]
    return {word for word in words if words.count(word) > 1}


def _forms(table: Table, first: str, second: str, which: int) -> list[Pair]:
    return [(a[which], b[which]) for a, b in zip(table.pairs(first), table.pairs(second), strict=True)]


def _language(language: str) -> int:
    check_arguments((language,), 1_000, 0, known=("en", "zh"))
    return ("en", "zh").index(language)


def all_truth(seed: int) -> dict[str, list[str]]:
    """The lines of each truth file, by file name."""
    files: dict[str, list[str]] = {}
    for language in ("en", "zh"):
        files[f"similarity.{language}.tsv"] = _tsv(similarity(language))
        files[f"analogies.{language}.txt"] = _questions(language)
        files[f"senses.{language}.tsv"] = _tsv(senses(language, seed=seed))
        files[f"labels.{language}.tsv"] = _tsv(labels(language, seed=seed))
    files["translations.tsv"] = _tsv(translations())
    return files


def _tsv(rows: Sequence[tuple[str, ...]]) -> list[str]:
    return ["\t".join(row) for row in rows]


def _questions(language: str) -> list[str]:
    """The questions in the format of Google's analogy file: `: section`, then four words a line."""
    lines: list[str] = []
    for section, pairs in analogies(language).items():
        lines.append(f": {section}")
        for a, b in pairs:
            lines += [f"{a} {b} {c} {d}" for c, d in pairs if len({a, b, c, d}) == 4]
    return lines
