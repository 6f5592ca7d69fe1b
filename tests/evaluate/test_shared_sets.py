"""The public English and Chinese sets, where QIANRU_DATA has them, go through the same readers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from qianru.evaluate import evaluate, find_datasets
from qianru.vectors import Vectors

pytestmark = pytest.mark.slow
FOLDER = Path(os.environ.get("QIANRU_DATA", "../shared/data")) / "eval"


@pytest.fixture(autouse=True)
def _there() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"{FOLDER}: no test sets; set QIANRU_DATA")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            {
                "EN-WS-353-ALL": 353,
                "EN-WS-353-SIM": 203,
                "EN-WS-353-REL": 252,
                "EN-SIMLEX-999": 999,
                "EN-RG-65": 65,
                "questions-words": 19_544,
                "train": 5_428,
                "validation": 638,
                "sts-train": 5_749,
                "sts-dev": 1_500,
                "sts-test": 1_379,
                "apple": 3_390,
                "bank": 1_562,
                "bass": 4_564,
                "java": 6_433,
                "mole": 686,
                "seal": 1_238,
                "spring": 1_521,
            },
        ),
        (
            "zh",
            {
                "wordsim-240": 240,
                "wordsim-297": 297,
                "ca_translated": 953,
                "dev.zh-zh": 1_000,
                "train": 5_231,
                "dev": 1_458,
                "test": 1_361,
            },
        ),
        ("bi", {"en-zh.0-5000": 11_735, "en-zh.5000-6500": 2_401}),
    ],
)
def test_all_are_read(language: str, expected: dict[str, int]) -> None:
    found, _ = find_datasets(FOLDER / language)
    assert {data.name: len(data) for data in found} == expected


def test_a_chinese_model_is_evaluated() -> None:
    found, _ = find_datasets(FOLDER / "zh")
    words: dict[str, None] = {}
    for data in found:
        words.update(
            dict.fromkeys(str(cell) for item in data.items() for cell in item[:5] if len(str(cell)) < 8)
        )
    matrix = np.random.default_rng(1).standard_normal((len(words), 20)).astype(np.float32)
    report = evaluate(Vectors(list(words), matrix), found)
    results = {(one.test, one.dataset): one for one in report.results}
    for name in ("wordsim-240", "wordsim-297"):
        assert results["similarity", name].coverage > 0.95
        assert abs(results["similarity", name].value) < 0.25
    assert results["analogy", "ca_translated"].coverage > 0.95
