"""English and Chinese word vectors made one space by a seed dictionary, and how well words translate in it.

    python -m recipes.align                        both corpora whole, 5 epochs: some minutes
    python -m recipes.align --megabytes 10         a quick look

Skip-gram with negative sampling is trained on each corpus alone (English in text8 style), the rotation is learned
from the dictionary en-zh.0-5000 and measured on en-zh.5000-6500, whose English words are others: accuracy at 1
and 5 among the first --candidates words of the target, by cosine and by CSLS, in both directions. --remove-components
takes the common directions of each space away first. Words of the dictionary that a corpus does not have are
left out and counted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench.jobs import corpus_file
from recipes.intrinsic import data_folder

from qianru.static import train_word2vec
from qianru.text import Corpus
from qianru.vectors import Vectors
from qianru.vectors.align import METHODS, Pairs, align, read_dictionary, retrieval
from qianru.vectors.transform import remove_components


def trained(language: str, options: argparse.Namespace) -> Vectors:
    """Vectors of the corpus, from the cache if they were trained with the same settings before."""
    name = f"{language}-{options.megabytes or 'all'}-{options.dim}-{options.epochs}-{options.seed}"
    folder = options.cache / f"align-{name}"
    if not (folder / "qianru.json").is_file():
        text = Corpus(corpus_file(language, options.cache, options.megabytes))
        made = train_word2vec(
            text, dim=options.dim, epochs=options.epochs, seed=options.seed, threads=options.threads
        )
        made.save(folder, force=True)
    return Vectors.load(folder)


def first_words(vectors: Vectors, n: int) -> Vectors:
    """The n most frequent words: rarer ones have poor vectors and only get in the way."""
    return vectors.subset(vectors.keys[:n]) if n < len(vectors) else vectors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, help="use only so much of each corpus")
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--remove-components", type=int, default=None, metavar="N")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--results", type=Path, help="append the result to this file, a line of JSON")
    options = parser.parse_args()

    folder = data_folder() / "eval" / "bi" / "dictionary"
    learned = read_dictionary(folder / "en-zh.0-5000.txt")
    asked = read_dictionary(folder / "en-zh.5000-6500.txt")
    spaces = {
        language: first_words(trained(language, options), options.candidates) for language in ("en", "zh")
    }
    if options.remove_components is not None:
        spaces = {name: remove_components(space, options.remove_components) for name, space in spaces.items()}

    results = []
    for source, target in (("en", "zh"), ("zh", "en")):
        seed_pairs, test_pairs = ((pairs if source == "en" else swapped(pairs)) for pairs in (learned, asked))
        both = align(spaces[source], spaces[target], seed_pairs)
        print(f"{source} to {target}: {len(spaces[source]):,} and {len(spaces[target]):,} words, ", end="")
        print(f"{both.n_pairs:,} of {both.n_given:,} seed pairs known")
        for method in METHODS:
            found = retrieval(both.source, both.target, test_pairs, method=method)
            print(
                f"  {method:<7} at 1 {100 * found.at_1:5.1f} %   at 5 {100 * found.at_5:5.1f} %   "
                f"{found.n_words:,} of {found.n_asked:,} words known"
            )
            results.append({"direction": f"{source}-{target}", **vars(found), "n_seed_pairs": both.n_pairs})
    if options.results:
        settings = {
            name: str(value) for name, value in vars(options).items() if name not in ("cache", "results")
        }
        with options.results.open("a") as out:
            out.write(json.dumps({"settings": settings, "results": results}) + "\n")


def swapped(pairs: Pairs) -> list[tuple[str, str]]:
    return [(b, a) for a, b in pairs]


if __name__ == "__main__":
    main()
