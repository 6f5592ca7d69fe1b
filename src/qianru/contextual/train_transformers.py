"""BERT and GPT from a corpus: tokenizer and text prepared, the model made, perhaps from static vectors, and trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from qianru.contextual.packing import TokenStream, open_stream, write_stream
from qianru.contextual.processes import Processes
from qianru.contextual.run_state import check_output, checkpoint_folder, fresh_folder
from qianru.contextual.settings import PretrainSettings, whole
from qianru.contextual.start_from import start_from_vectors
from qianru.contextual.task import Task
from qianru.contextual.train import Job, Pretrained, check_corpus, run_job
from qianru.contextual.transformers_tasks import BERT_TOKENS, GPT_TOKENS, special_ids
from qianru.errors import ArgumentError
from qianru.layers.backend import load_torch
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer, read_tokenizer
from qianru.tokens.pipelines import around
from qianru.tokens.surgery_pipeline import token_texts
from qianru.vectors import Vectors

torch = load_torch()


def train_transformer(
    kind: str,
    corpus: Corpus,
    output: Path,
    tokenizer: Tokenizer | None,
    settings: PretrainSettings,
    make: Callable[[TokenStream, Tokenizer], Task],
    *,
    vocab_size: int,
    vectors: Vectors | None,
    own: Mapping[str, object],
    device: str | None,
    resume: bool,
    force: bool,
    progress: ProgressCallback | None,
    notice: Callable[[str], None] | None,
) -> Pretrained:
    """Train and write; `make` builds the model over the text. Arguments and errors as for `train_bert`."""
    check_corpus(corpus)
    whole("vocab_size", vocab_size, 8, 1 << 24)
    check_output(output, resume=resume, force=force)
    processes = Processes(device)
    folder = checkpoint_folder(output)
    if processes.is_first and not resume:
        _prepare(kind, corpus, fresh_folder(output), tokenizer, vocab_size, own, progress)
    processes.wait()
    used, stream = Tokenizer.load(folder / "tokenizer"), open_stream(folder)
    if tokenizer is None:
        own = {**own, "vocab_size": vocab_size}
    elif (with_marks(tokenizer) if kind == "bert" else tokenizer).fingerprint != used.fingerprint:
        raise ArgumentError(
            f"tokenizer is another than that of the run in {folder}",
            hint="resume with the one it began with, or begin anew with force=True (--force)",
        )
    with processes.own_draws():
        torch.manual_seed(settings.seed)
        task = make(stream, used)
    n_from_vectors = 0 if vectors is None else _start(task, folder, vectors)
    n_tokens, dim = task.module.model.get_input_embeddings().weight.shape
    job = Job(
        kind=kind,
        settings=settings,
        own=own,
        stream=stream,
        corpus=corpus,
        output=output,
        resume=resume,
        force=force,
        processes=processes,
        tokenizer=used,
        n_tokens=n_tokens,
        dim=dim,
        n_from_vectors=n_from_vectors,
        extras={
            "tokenizer": {"kind": used.kind, "n_tokens": used.n_tokens, "fingerprint": used.fingerprint},
            "initial": vectors and {"fingerprint": vectors.fingerprint, "n_found": n_from_vectors},
        },
    )
    return run_job(job, task, progress, notice)


def _prepare(
    kind: str,
    corpus: Corpus,
    folder: Path,
    tokenizer: Tokenizer | None,
    vocab_size: int,
    own: Mapping[str, object],
    progress: ProgressCallback | None,
) -> None:
    """Tokenizer and text into the checkpoint folder."""
    if tokenizer is None:
        tokenizer = Tokenizer.train(
            corpus,
            kind="wordpiece" if kind == "bert" else "bpe",
            vocab_size=vocab_size,
            special_tokens=BERT_TOKENS if kind == "bert" else GPT_TOKENS,
            progress=progress,
        )
    if kind == "bert":
        tokenizer = with_marks(tokenizer)
    tokenizer.save(folder / "tokenizer", force=True)
    write_stream(corpus, tokenizer, folder, whole_words=own["whole_words"] is True, progress=progress)


def with_marks(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with [CLS] and [SEP] around each text, as BERT sees texts; itself if it puts something there."""
    first, last, _ = special_ids(tokenizer, BERT_TOKENS[2:], "BERT").values()
    if len(tokenizer.encode("")):
        return tokenizer
    return Tokenizer({**tokenizer.description, "post_processor": around(("[CLS]", first), ("[SEP]", last))})


def _start(task: Task, folder: Path, vectors: Vectors) -> int:
    """Static vectors into the embedding matrix."""
    texts = token_texts(read_tokenizer(folder / "tokenizer"))
    weight = task.module.model.get_input_embeddings().weight
    matrix = weight.detach().numpy().copy()
    n_found = start_from_vectors(matrix, texts, vectors)
    with torch.no_grad():
        weight.copy_(torch.from_numpy(matrix))
    return n_found
