"""What the recipes of classifiers and translators make of their runs: no mean over two models, and a run again where a setting is another."""

from __future__ import annotations

import argparse
import importlib
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from qianru.vectors import Vectors

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A recipe by its name."""
    monkeypatch.syspath_prepend(str(ROOT))

    def opened(name: str) -> ModuleType:
        return importlib.import_module(f"recipes.{name}")

    return opened


def of_classify(start: str, model: str, seed: int, accuracy: float, **more: Any) -> dict[str, Any]:
    """A line of the results; `more` is what runs of before did not tell."""
    told = {"data": "sst2", "labels": 50, "encoder": "mean", "start": start, "seed": seed, "model": model}
    return {**told, "max_test": 0, "accuracy": accuracy, "seconds": accuracy / 10, **more}


def of_translate(start: str, model: str, seed: int, bleu: float, **more: Any) -> dict[str, Any]:
    told = {"data": "tatoeba", "pairs": 9, "start": start, "seed": seed, "model": model, "setup": "s"}
    counts = {"n_test": 7, "n_train": 9, "epochs": 3, "time_over": False, "seconds": 5.0}
    return {**told, **counts, "BLEU": bleu, "chrF": bleu, **more}


def test_the_interval_of_a_mean_is_students_for_any_number_of_values(recipe: Any) -> None:
    mean_interval = recipe("classify").mean_interval
    for n, point in ((2, 12.706), (10, 2.262), (20, 2.093), (200, 1.972)):
        values = list(np.random.default_rng(n).normal(size=n))
        mean, half = mean_interval(values)
        assert mean == pytest.approx(np.mean(values))
        assert half == pytest.approx(point * np.std(values, ddof=1) / math.sqrt(n), rel=1e-3)
    assert mean_interval([3.0]) == (3.0, 0.0)


def test_a_table_of_classifiers_holds_the_last_model_alone(recipe: Any) -> None:
    runs = [of_classify("random", "", seed, 50) for seed in range(1, 6)]
    runs += [of_classify("slow", "old", seed, 60) for seed in range(1, 6)]
    runs += [of_classify("slow", "new", seed, 80) for seed in range(1, 4)]
    lines = recipe("classify").tables(runs).splitlines()
    assert lines[3:5] == [
        "mean     random      50.0 ± 0.0 5.0 s",
        "mean     slow        80.0 ± 0.0 (+30.0 ± 0.0) 8.0 s n=3",
    ]
    # Rows of another dim are compared with random rows of that dim.
    runs += [of_classify("random", "dim 300", seed, 70, dim=300) for seed in (1, 2)]
    runs += [of_classify("slow", "wide", seed, 90, dim=300) for seed in (1, 2)]
    lines = recipe("classify").tables(runs).splitlines()
    assert lines[3:7] == [
        "mean     random      50.0 ± 0.0 5.0 s",
        "mean     random 300  70.0 ± 0.0 7.0 s n=2",
        "mean     slow        80.0 ± 0.0 (+30.0 ± 0.0) 8.0 s n=3",
        "mean     slow 300    90.0 ± 0.0 (+20.0 ± 0.0) 9.0 s n=2",
    ]


def test_a_table_of_one_hot_rows_has_each_model_by_itself(recipe: Any) -> None:
    counts = dict.fromkeys(("dim", "feature_bytes", "dense_bytes", "weight_bytes", "table_bytes"), 1)
    seconds = dict.fromkeys(("feature_seconds", "fit_seconds", "predict_seconds"), 1.0)
    runs = [
        {**of_classify("", model, seed, accuracy), "rows": rows, **counts, **seconds}
        for model, gain in (("one", 5), ("two", 7))
        for rows, accuracy in (("one-hot", 50), ("static", 50 + gain))
        for seed in (1, 2)
    ]
    lines = recipe("onehot").tables(runs).splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "sst2, 50 labels, vectors one",
        "sst2, 50 labels, vectors two",
    ]
    assert lines[3] == "  static rows gain +5.0 ± 0.0"
    assert lines[7] == "  static rows gain +7.0 ± 0.0"
    assert all("(2 seeds)" in line for line in lines if " %  " in line)


def test_a_table_of_translators_holds_the_last_model_and_limit_alone(recipe: Any) -> None:
    runs = [of_translate("random", "", seed, 10) for seed in (1, 2, 3)]
    runs += [of_translate("vectors", "old", seed, 12) for seed in (1, 2, 3)]
    runs += [of_translate("vectors", "new", seed, 16) for seed in (1, 2)]
    text = recipe("translate").tables(runs)
    assert (
        "random   BLEU  10.0 ± 0.0               chrF  10.0 ± 0.0               3 epochs, 5 s, 3 seeds"
        in text
    )
    assert (
        "vectors  BLEU  16.0 ± 0.0 (+6.0 ± 0.0)  chrF  16.0 ± 0.0 (+6.0 ± 0.0)  3 epochs, 5 s, 2 seeds"
        in text
    )
    runs = [of_translate("random", "", 1, 1, time_over=True, train_seconds=4.0)]
    runs += [of_translate("random", "", seed, 10, train_seconds=60.0) for seed in (2, 3)]
    assert "BLEU  10.0 ± 0.0 " in recipe("translate").tables(runs)


def test_runs_of_before_are_not_run_again_and_other_settings_are(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify = recipe("classify")
    data = classify.LabelledTexts(["a", "b", "c", "d"], ["x", "y", "x", "y"])
    monkeypatch.setattr(classify, "read_set", lambda name: ("en", data, data))
    monkeypatch.setattr(classify, "one_run", lambda *_, **given: {"accuracy": 50.0, "seconds": 1.0})
    file = tmp_path / "runs.jsonl"
    file.write_text(json.dumps(of_classify("random", "", 1, 50)) + "\n", encoding="utf-8")
    for dim, n_runs in ((None, 1), (100, 1), (8, 2), (8, 2)):
        vectors = []
        if dim is not None:
            Vectors(["a"], np.ones((1, dim), np.float32)).save(tmp_path / f"v{dim}", force=True)
            vectors = [f"en={tmp_path / f'v{dim}'}"]
        options = argparse.Namespace(
            vectors=vectors, features=[], data=["sst2"], labels=[50], encoders=["mean"], starts=["random"],
            seeds=1, max_test=0, max_seconds=math.inf, results=file,
        )  # fmt: skip
        classify.run_all(options, classify.read_results(file, classify.KEYS))
        assert len(file.read_text("utf-8").splitlines()) == n_runs, dim


def test_translators_are_trained_again_where_heads_or_a_limit_that_was_reached_are_others(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translate = recipe("translate")
    data = translate.SentencePairs(list("abcd"), list("efgh"))
    monkeypatch.setattr(translate, "read_set", lambda name: (data, data))
    over = {"time_over": False}
    monkeypatch.setattr(
        translate, "one_run",
        lambda *_, **given: {"BLEU": 1.0, "chrF": 1.0, "n_train": 4, "epochs": 1, "seconds": 5.0, **over},
    )  # fmt: skip
    file = tmp_path / "runs.jsonl"
    setup = f"vocabulary by pairs, dim 8, 2 layers, 3 epochs, beam 4, {translate.default_precision(None)}"
    old = of_translate("random", "", 1, 3, setup=setup, n_test=4, time_over=True)
    file.write_text(json.dumps(old) + "\n", encoding="utf-8")

    def n_runs_with(**given: Any) -> int:
        settings = {"n_heads": 4, "train_seconds": 1000.0, "seeds": 1, **given}
        options = argparse.Namespace(
            data="tatoeba", max_test=0, start=[], align_by_pairs=False, dim=8, vocab_size=0, n_layers=2,
            epochs=3, beam=4, pairs=[9], max_seconds=math.inf, threads=1, results=file, **settings,
        )  # fmt: skip
        translate.run_all(options, translate.read_results(file, translate.KEYS))
        return len(file.read_text("utf-8").splitlines())

    assert n_runs_with() == n_runs_with(train_seconds=2400.0) == 1
    assert n_runs_with(n_heads=2) == n_runs_with(n_heads=2) == 2
    assert n_runs_with(seeds=2) == n_runs_with(seeds=2, train_seconds=60.0) == 3  # it ended by itself
    over["time_over"] = True
    assert n_runs_with(seeds=3, train_seconds=4.0) == n_runs_with(seeds=3, train_seconds=4.0) == 5
    over["time_over"] = False
    assert n_runs_with(seeds=3) == n_runs_with(seeds=3) == 7
