"""The sample world: a small bilingual world with its own grammar, written by a program.

`write_sample` writes a folder of text and truth, `sample_lines` gives the lines in memory. The same seed
gives the same bytes everywhere. The text is generated: a score on it is no evidence of quality on real text.
"""

from __future__ import annotations

from qianru.sample.truth import analogies, labels, senses, similarity, translations
from qianru.sample.world import SampleLines, sample_lines
from qianru.sample.write import WORLD_VERSION, SampleFile, SampleManifest, write_sample

__all__ = [
    "WORLD_VERSION",
    "SampleFile",
    "SampleLines",
    "SampleManifest",
    "analogies",
    "labels",
    "sample_lines",
    "senses",
    "similarity",
    "translations",
    "write_sample",
]
