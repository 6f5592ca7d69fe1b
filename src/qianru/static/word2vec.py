"""word2vec: skip-gram and CBOW, each with negative sampling or hierarchical softmax.

Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" (arXiv:1301.3781) and
"Distributed Representations of Words and Phrases and their Compositionality" (arXiv:1310.4546). The kernels
are core/static/word2vec_kernel.cpp; docs/math/word2vec.md has the objective and its gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from qianru.errors import ArgumentError
from qianru.progress import ProgressCallback
from qianru.static.encode_corpus import encode_corpus
from qianru.static.parent import Parent
from qianru.static.settings import Word2vecSettings, available_threads
from qianru.static.state import Saving
from qianru.static.word2vec_run import Growth, Run
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import Vectors


def train_word2vec(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    model: Literal["skipgram", "cbow"] = "skipgram",
    loss: Literal["ns", "hs"] = "ns",
    cbow_gradient: Literal["classic", "corrected"] = "classic",
    dim: int | None = None,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-4,
    min_count: int = 5,
    max_vocab: int | None = None,
    epochs: int = 5,
    learning_rate: float = 0.025,
    min_learning_rate: float = 1e-4,
    seed: int = 1,
    threads: int | None = None,
    initial: Vectors | None = None,
    continue_from: Vectors | str | Path | None = None,
    save_every: int | None = None,
    resume: bool = False,
    keep_training_state: bool = False,
    output: str | Path | None = None,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> Vectors:
    """Train one vector per word and return them as `Vectors` (float32 [n_words, dim]).

    Args:
        corpus: text as `Corpus` takes it, or a corpus already encoded.
        model: "skipgram" predicts each context word from the centre word, "cbow" the centre word from the
            mean of its context.
        loss: "ns" negative sampling, "hs" hierarchical softmax over a Huffman tree of the counts.
        cbow_gradient: "classic" moves each context row by the mean's gradient, as word2vec.c does;
            "corrected" by its true share of it (Irsoy et al. 2021, arXiv:2012.15332); raise learning_rate
            to about 0.075 with it.
        dim: length of a vector, by default 100, or that of the model in `continue_from`.
        window: most words to each side; each centre word draws its own reach from 1 to this.
        negative: words drawn against each centre word, from count^0.75.
        sample: words with a larger share of the corpus than this are thinned out; 0 keeps every token.
        min_count: words seen less often are dropped before windows are laid.
        max_vocab: keep only this many of the most frequent words.
        epochs: passes over the corpus.
        learning_rate: at the first token; it falls linearly to `min_learning_rate` at the last.
        seed: with threads=1 the same seed gives the same bits. More threads share the matrices without
            locks and give slightly different vectors each time.
        threads: default every processor this process may use.
        initial: vectors to start from; words it does not have start at random.
        continue_from: a model to train on. All its words stay, with their ids, however rare they are in this
            text; new words come after them. With the training state in its folder the output vectors go on
            too, else they start from zero.
        save_every: after each so many epochs save the model to `output` and a checkpoint beside it
            (`output`.checkpoint), from which a killed run can be resumed; it is removed when the run ends.
        resume: go on from that checkpoint. With threads=1 the result is the same, bit for bit, as without
            the interruption. Settings and text must be those of the run (threads may differ).
        keep_training_state: save the output vectors in the folder too, for `continue_from`.
        output: folder to save to with `save_every` or `keep_training_state`, and for the last good epoch
            should training diverge.
        force: let `output` replace a model that stands there, and the checkpoint of an unfinished run.
        progress: called about ten times a second.

    Raises:
        ArgumentError: an argument breaks its rule; nothing has been read yet. Or the checkpoint is of another
            run; the message says what differs.
        OutputError: the model or the checkpoint of an unfinished run stands in the way.
        CorpusError: there is no text, or fewer than two words are left.
        TrainingError: the loss left the finite range; `vectors` holds the last good epoch, or None.
    """
    parent = None if continue_from is None else Parent.load(continue_from)
    if dim is None:
        dim = 100 if parent is None else parent.vectors.dim
    settings = Word2vecSettings(
        model=model,
        loss=loss,
        cbow_gradient=cbow_gradient,
        dim=dim,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    if initial is not None and initial.dim != dim:
        raise ArgumentError(
            f"initial must have dim {dim}, got vectors of dim {initial.dim}",
            hint=f"Train with dim={initial.dim}.",
        )
    if parent is not None:
        parent.check(dim=dim, model=model)
        parent.refuse_subwords()
        if initial is not None:
            raise ArgumentError(
                "initial and continue_from exclude each other",
                hint="continue_from starts from that model's vectors already.",
            )
    saving = Saving(
        output=Path(output) if output is not None else None,
        force=force,
        every=save_every,
        training_state=keep_training_state,
    )
    saving.check(resume=resume, loss=loss, begins_from=[continue_from])
    encoded = encode_corpus(
        corpus,
        min_count=min_count,
        max_vocab=max_vocab,
        keep=None if parent is None else parent.vectors,
        threads=settings.threads,
        progress=progress,
    )
    growth = None if parent is None else Growth(parent=parent)
    run = Run(encoded, settings, initial=initial, growth=growth, saving=saving)
    return run.train(progress, resume=resume)
