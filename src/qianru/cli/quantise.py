"""`qianru quantise`: vectors in fewer bytes, with what it costs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from qianru.cli.options import AsJson, Force, ModelPath, check_model_output
from qianru.cli.output import n_bytes, print_json, say_what_is_left_behind
from qianru.errors import FormatError


def quantise(
    model: ModelPath,
    output: Annotated[str, typer.Argument(metavar="OUT", help="The model folder to write.")],
    method: Annotated[
        str, typer.Option("--method", help="float16 (half the bytes), int8 (a quarter), pq.")
    ] = "int8",
    n_sub: Annotated[
        int | None,
        typer.Option("--n-sub", metavar="N", help="pq: bytes a word; default: one for two numbers."),
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option("--pairs", metavar="FILE", help="Lines `word TAB word TAB score`: rank correlation."),
    ] = None,
    n_queries: Annotated[
        int, typer.Option("--n-queries", metavar="N", help="Words whose neighbours are compared.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of pq's k-means and of the words compared.")] = 1,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Write the vectors in fewer bytes and tell what that costs.

    Told are the share of the ten nearest words that stay, and with --pairs the rank correlation with the scores
    before and after. Every verb opens OUT; a float16 folder is opened by other libraries too.

    \b
    Examples:
      qianru quantise model small
      qianru quantise model smaller --method pq --n-sub 25 --pairs wordsim353.tsv
    """
    from qianru.vectors import Vectors
    from qianru.vectors.quantise import quantisation_loss
    from qianru.vectors.quantise import quantise as quantise_vectors

    check_model_output(output, force=force)
    scored = read_scores(pairs) if pairs is not None else []
    vectors = Vectors.load(model)
    say_what_is_left_behind(model)
    if vectors.biases is not None:
        typer.echo(f"note: {model} has biases, which do not come along", err=True)
    made = quantise_vectors(vectors, method, n_sub=n_sub, seed=seed)
    loss = quantisation_loss(vectors, made, n_queries=n_queries, pairs=scored, seed=seed)
    made.save(output, force=force)
    if as_json:
        print_json({"path": output, "method": method, **asdict(loss)})
        return
    typer.echo(f"memory         {n_bytes(loss.n_bytes_before)} to {n_bytes(loss.n_bytes)}")
    typer.echo(f"neighbours     {loss.overlap:.2%} of the ten nearest kept ({loss.n_queries:,} words)")
    typer.echo(f"cosine         {loss.cosine:.6f} to the vector before, mean")
    if loss.spearman is not None and loss.spearman_before is not None:
        typer.echo(
            f"Spearman       {loss.spearman_before:.4f} before, {loss.spearman:.4f} now ({loss.n_pairs} pairs)"
        )
    typer.echo(f"wrote {output}", err=True)


def read_scores(path: str) -> list[tuple[str, str, float]]:
    """The pairs and their scores. Raises FormatError, naming the line; OSError."""
    found = []
    with open(path, encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.strip().split("\t") if "\t" in line else line.split()
            if not fields or line.startswith("# "):
                continue
            try:
                found.append((fields[0], fields[1], float(fields[2])))
            except (IndexError, ValueError):
                raise FormatError(
                    f"line {number}: word, word and score were expected, got {line.strip()[:80]!r}", path=path
                ) from None
    return found
