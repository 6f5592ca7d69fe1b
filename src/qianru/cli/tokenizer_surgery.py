"""`qianru tokenizer extend|prune|merge|verify`: vocabularies change, and the models they belong to follow."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from qianru.cli.options import AsJson, Force, check_output_folder
from qianru.cli.output import n_of, print_json, print_table
from qianru.errors import ArgumentError, QianruError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianru.text import Corpus
    from qianru.tokens import Comparison, Surgery

Model: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", help="A tokenizer, or a model folder, whose matrices then follow.")
]
Output: TypeAlias = Annotated[
    str,
    typer.Option("--output", "-o", metavar="NEW", help="Folder to write; for a tokenizer also a .json file."),
]
On: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--on", metavar="TEXT", help="Tell what changes on this text; may be given again."),
]
Start: TypeAlias = Annotated[
    Literal["subwords", "vectors", "model"],
    typer.Option(help="Where new rows start; the last two need --from."),
]
From: TypeAlias = Annotated[
    str | None, typer.Option("--from", metavar="PATH", help="Static vectors, or the folder of another model.")
]
BiasShift: TypeAlias = Annotated[
    float, typer.Option(help="Added to the output bias of new tokens; -30: not predicted until trained.")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (extend, prune, merge, verify):
        app.command(verb.__name__)(verb)


def extend(
    model: Model,
    output: Output,
    words: Annotated[
        str | None, typer.Option(metavar="FILE", help="Words to add, one a line; - is stdin.")
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Take words from this text, by what they save.")
    ] = None,
    n_words: Annotated[int, typer.Option(help="With --corpus: so many.")] = 1000,
    min_count: Annotated[int, typer.Option(help="With --corpus: leave out rarer words.")] = 10,
    han: Annotated[
        bool, typer.Option("--han", help="With --corpus: only words of Chinese characters.")
    ] = False,
    start: Start = "subwords",
    source: From = None,
    bias_shift: BiasShift = 0.0,
    on: On = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make words tokens, in the model itself. Text without a new token comes out as before.

    \b
    Examples:
      qianru tokenizer extend tokenizer.json -o new.json --words words.txt
      qianru tokenizer extend bert -o bert-zh --corpus zh/ --han --n-words 2000 --on en.txt
    """
    from qianru.text import Corpus
    from qianru.tokens import extend as extend_tokenizer
    from qianru.tokens import mine, read_tokenizer

    if (words is None) == (not corpus):
        raise ArgumentError("extend takes --words or --corpus", hint="see `qianru tokenizer extend --help`")
    _check_output(output, model, force=force)
    if _is_static(model):
        _extend_static(model, output, _listed(words), source, force=force, as_json=as_json)
        return
    data = read_tokenizer(_tokenizer_of(model))
    if corpus:
        from qianru.progress import TerminalProgress

        bar = TerminalProgress()
        try:
            mined = mine(data, Corpus(*corpus), n_words=n_words, min_count=min_count, han=han, progress=bar)
        finally:
            bar.close()
        surgery = extend_tokenizer(data, mined.words, counts=mined.counts, n_tokens=mined.n_words_read)
    else:
        surgery = extend_tokenizer(data, _listed(words))
    texts = _texts(on)
    told = _write(model, output, surgery, start, source, bias_shift, force=force)
    _tell(output, surgery, told, texts, as_json=as_json)


def prune(
    model: Model,
    output: Output,
    corpus: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Keep what this text uses; may be given again.")
    ] = None,
    script: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Keep tokens of this script (han, latin, …).")
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep these tokens, one a line, spelled as they are.")
    ] = None,
    min_count: Annotated[int, typer.Option(help="With --corpus: leave out what is rarer.")] = 1,
    on: On = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Leave tokens out. Text that needs only what stays comes out as before; single bytes and special tokens stay.

    \b
    Examples:
      qianru tokenizer prune gpt2 -o gpt2-en --corpus en.txt
      qianru tokenizer prune xlm-r -o xlm-r-zh --script han --script latin --on zh.txt
    """
    from qianru.text import Corpus
    from qianru.tokens import prune as prune_tokenizer
    from qianru.tokens import read_tokenizer

    _check_output(output, model, force=force)
    if _is_static(model):
        raise ArgumentError(f"{model} is a static model", hint="use `qianru prune`")
    data, keep = read_tokenizer(_tokenizer_of(model)), set[int]()
    if _is_transformer(model):
        from qianru.layers.grow import protected_ids

        keep = protected_ids(model, len(data))
    surgery = prune_tokenizer(
        data,
        corpus=Corpus(*corpus) if corpus else None,
        scripts=script or None,
        tokens=None if tokens is None else _listed(tokens),
        min_count=min_count,
        keep_ids=keep,
    )
    texts = _texts(on)
    told = _write(model, output, surgery, "subwords", None, 0.0, force=force)
    _tell(output, surgery, told, texts, as_json=as_json)


def merge(
    model: Model,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The tokenizer whose tokens are added.")],
    output: Output,
    start: Start = "subwords",
    source: From = None,
    bias_shift: BiasShift = 0.0,
    on: On = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Add the tokens of another vocabulary. The ids of the first one stay, and text without a new token comes out as before.

    \b
    Examples:
      qianru tokenizer merge gpt2 chinese-bpe -o both --on mixed.txt
    """
    from qianru.tokens import merge as merge_tokenizers
    from qianru.tokens import read_tokenizer

    _check_output(output, model, force=force)
    if _is_static(model):
        raise ArgumentError(f"{model} is a static model", hint="its words are added with extend --words")
    surgery = merge_tokenizers(read_tokenizer(_tokenizer_of(model)), read_tokenizer(_tokenizer_of(other)))
    texts = _texts(on)
    told = _write(model, output, surgery, start, source, bias_shift, force=force)
    _tell(output, surgery, told, texts, as_json=as_json)


def verify(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder or a tokenizer.")],
    parent: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="What it came from: its rows are compared too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check all that extend, prune and merge promise: sizes, tie, ids, and old rows by hash. Exit status 2 if one fails.

    \b
    Examples:
      qianru tokenizer verify bert-zh --parent bert
    """
    rows: list[tuple[str, bool, str]]
    if _is_static(model):
        from qianru.vectors import Vectors

        vectors = Vectors.load(model, verify=True)
        rows = [
            ("fingerprint", True, f"{n_of(len(vectors), 'word')}, dim {vectors.dim}: {vectors.fingerprint}")
        ]
    elif _is_transformer(model):
        from qianru.layers import verify as verify_folder

        rows = [(check.name, check.ok, check.detail) for check in verify_folder(model, parent=parent)]
    else:
        from qianru.tokens import read_tokenizer
        from qianru.tokens.surgery_pipeline import Pipeline

        data = read_tokenizer(model)
        Pipeline(data)
        rows = [("tokenizer", True, f"{data.kind}, {len(data)} tokens, ids without holes or repeats")]
    if as_json:
        print_json([{"name": name, "ok": ok, "detail": detail} for name, ok, detail in rows])
    else:
        print_table(
            ("check", "result", "found"), [(name, "ok" if ok else "FAILED", told) for name, ok, told in rows]
        )
    if bad := [(name, told) for name, ok, told in rows if not ok]:
        raise QianruError(
            f"{model}: {bad[0][0]}: {bad[0][1]}", hint="copy the folder again, or write it anew"
        )


def _is_static(model: str) -> bool:
    from qianru.vectors.other_folders import is_contextual_folder

    # A language model trained here has a qianru.json, too.
    return (Path(model) / "qianru.json").is_file() and not is_contextual_folder(Path(model))


def _is_transformer(model: str) -> bool:
    folder = Path(model)
    names = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    return (folder / "config.json").is_file() and any((folder / name).is_file() for name in names)


def _tokenizer_of(model: str) -> str:
    path = Path(model)
    if path.is_dir() and _is_transformer(model) and not (path / "tokenizer.json").is_file():
        raise ArgumentError(
            f"{model} has no tokenizer.json", hint="Load and save its tokenizer with transformers first."
        )
    return model


def _check_output(output: str, model: str, *, force: bool) -> None:
    """Before work; writing looks again."""
    if _is_transformer(model) or _is_static(model):
        mark = "growth.json" if _is_transformer(model) else "qianru.json"
        check_output_folder(output, force=force, mark=mark, what="model that was written here")
    elif not output.endswith(".json"):
        check_output_folder(output, force=force, mark="tokenizer.json", what="tokenizer")


def _listed(path: str | None) -> list[str]:
    """Lines of a file that hold something."""
    if path is None:
        raise ArgumentError("a static model takes --words", hint="`qianru grow` takes words from a text")
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        lines = data.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise ArgumentError(f"{path}: {error.strerror}", hint="It is a file with one word a line.") from None
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{path}, byte {error.start}: not valid UTF-8", hint="save it as UTF-8") from None
    words = [word for line in lines if (word := line.strip())]
    if not words:
        raise ArgumentError(f"{path} holds no word", hint="It has one word a line.")
    return words


def _extend_static(
    model: str, output: str, words: list[str], source: str | None, *, force: bool, as_json: bool
) -> None:
    from qianru.static import add_words

    vectors, report = add_words(model, words, source=source)
    vectors.save(output, force=force)
    if as_json:
        print_json({"path": output, "fingerprint": vectors.fingerprint, **asdict(report)})
    else:
        rows = [("before", report.n_before), ("after", report.n_after)]
        rows += [("from the source", len(report.from_source)), ("from subwords", len(report.from_subwords))]
        rows += [("known", len(report.known)), ("nothing known of", len(report.without_rows))]
        print_table(("words", "number"), rows)
    typer.echo(f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}", err=True)


def _write(
    model: str,
    output: str,
    surgery: Surgery,
    start: Literal["subwords", "vectors", "model"],
    source: str | None,
    bias_shift: float,
    *,
    force: bool,
) -> dict[str, object]:
    """The tokenizer alone, or the whole model; returns what there is to tell of its matrices."""
    if not _is_transformer(model):
        if start != "subwords" or source is not None or bias_shift:
            raise ArgumentError(
                f"{model} has no matrices", hint="--start, --from and --bias-shift are for models"
            )
        surgery.save(output, force=force)
        return {}
    from qianru.layers import change_vocabulary

    changed = change_vocabulary(
        model, surgery, output, start=start, source=source, bias_shift=bias_shift, force=force
    )
    told = asdict(changed)
    told.pop("path")
    told["proof"] = {check.name: check.detail for check in changed.proof}
    return told


def _texts(on: list[str] | None) -> Corpus | None:
    """The text of --on, whose paths are looked at before anything is written."""
    from qianru.text import Corpus

    return Corpus(*on) if on else None


def _tell(
    output: str, surgery: Surgery, told: dict[str, object], texts: Corpus | None, *, as_json: bool
) -> None:
    from qianru.tokens import compare

    difference = compare(surgery, texts.lines()) if texts else None
    summary = surgery.summary()
    if as_json:
        skipped = {reason: list(words) for reason, words in surgery.skipped.items() if reason != "gone"}
        found = None if difference is None else asdict(difference)
        print_json({"path": output, **summary, "skipped": skipped, "model": told or None, "on": found})
    else:
        rows: list[tuple[str, int]] = [
            ("tokens before", len(surgery.before)),
            ("tokens after", len(surgery.after)),
            ("words", len(surgery.words)),
            ("helpers", len(surgery.helpers)),
            ("tokens gone", surgery.n_gone),
        ]
        rows += [
            (f"skipped: {reason}", len(words))
            for reason, words in surgery.skipped.items()
            if reason != "gone"
        ]
        if told:
            rows += [(name, int(str(told[key]))) for name, key in _ROWS.items()]
        if difference is not None:
            rows += _rows_of(difference)
        print_table(("what", "number"), rows)
    for note in surgery.notes[:10]:
        typer.echo(f"note: {note}", err=True)
    if difference is not None and not as_json:
        _show(difference, typer.echo)
    proved = " and proved" if told else ""
    typer.echo(f"wrote{proved} {output}: {n_of(len(surgery.after), 'token')}", err=True)


_ROWS = {"rows before": "n_rows_before", "rows after": "n_rows_after", "spare rows used": "n_spare_used"}


def _rows_of(difference: Comparison) -> list[tuple[str, int]]:
    return [
        ("lines", difference.n_lines),
        ("changed lines", difference.n_changed),
        ("changed by helpers alone", difference.n_by_helpers),
        ("changed without a new token", difference.n_unexpected),
        ("tokens of the text before", difference.n_tokens_before),
        ("tokens of the text after", difference.n_tokens_after),
    ]


def _show(difference: Comparison, echo: Callable[..., None]) -> None:
    for example in (*difference.unexpected[:2], *difference.examples[:2]):
        echo(f"{example.text[:60]}", err=True)
        echo(f"  before: {' '.join(example.before)}", err=True)
        echo(f"  after:  {' '.join(example.after)}", err=True)
