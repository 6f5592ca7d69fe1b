"""Files and streams become words, and words ids."""

from __future__ import annotations

from qianru.text.corpus import DEFAULT_MEMORY, Corpus, EncodedCorpus, split_words
from qianru.text.segmenter import Segmenter
from qianru.text.segmenter_training import SegmentationScore, score_segmenter, train_segmenter

__all__ = [
    "DEFAULT_MEMORY",
    "Corpus",
    "EncodedCorpus",
    "SegmentationScore",
    "Segmenter",
    "score_segmenter",
    "split_words",
    "train_segmenter",
]
