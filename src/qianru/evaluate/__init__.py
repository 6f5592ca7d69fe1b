"""How good vectors are: tests on words, each with its interval, coverage and policies; two models compared item by item."""

from __future__ import annotations

from qianru.evaluate.analogy import analogy
from qianru.evaluate.associations import associations
from qianru.evaluate.categorisation import categorisation
from qianru.evaluate.compare import Comparison, compare, corrected
from qianru.evaluate.contamination import Contamination, contamination
from qianru.evaluate.context import words_in_context
from qianru.evaluate.datasets import (
    Association,
    Associations,
    Categories,
    Dataset,
    Questions,
    SenseExamples,
    SentencePairs,
    Translations,
    Triples,
    WordInContext,
    WordPairs,
)
from qianru.evaluate.files import find_datasets, packaged_datasets, read_dataset
from qianru.evaluate.geometry import geometry
from qianru.evaluate.odd_one_out import odd_one_out
from qianru.evaluate.offsets import offsets
from qianru.evaluate.report import write_report
from qianru.evaluate.report_senses import (
    RecordedSense,
    RecordedSenses,
    RecordedUse,
    read_senses,
    recorded_senses,
)
from qianru.evaluate.result import Result, Score
from qianru.evaluate.senses import word_senses
from qianru.evaluate.sentences import sentence_similarity
from qianru.evaluate.similarity import similarity
from qianru.evaluate.space import Space
from qianru.evaluate.stability import stability
from qianru.evaluate.suite import Report, Skipped, compare_models, evaluate, evaluate_encoder
from qianru.evaluate.translation import translation
from qianru.vectors.correlation import pearson, spearman

__all__ = [
    "Association",
    "Associations",
    "Categories",
    "Comparison",
    "Contamination",
    "Dataset",
    "Questions",
    "RecordedSense",
    "RecordedSenses",
    "RecordedUse",
    "Report",
    "Result",
    "Score",
    "SenseExamples",
    "SentencePairs",
    "Skipped",
    "Space",
    "Translations",
    "Triples",
    "WordInContext",
    "WordPairs",
    "analogy",
    "associations",
    "categorisation",
    "compare",
    "compare_models",
    "contamination",
    "corrected",
    "evaluate",
    "evaluate_encoder",
    "find_datasets",
    "geometry",
    "odd_one_out",
    "offsets",
    "packaged_datasets",
    "pearson",
    "read_dataset",
    "read_senses",
    "recorded_senses",
    "sentence_similarity",
    "similarity",
    "spearman",
    "stability",
    "translation",
    "word_senses",
    "words_in_context",
    "write_report",
]
