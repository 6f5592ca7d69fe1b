"""`qianru transform`: the same words, better or smaller vectors."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import Force, ModelPath, check_model_output
from qianru.cli.output import n_of, say_what_is_left_behind
from qianru.errors import ArgumentError


def transform(
    model: ModelPath,
    output: Annotated[str, typer.Argument(metavar="OUT", help="The model folder to write.")],
    remove: Annotated[
        int | None,
        typer.Option(
            "--remove-components",
            metavar="N",
            help="Take the mean and the first N principal directions away.",
        ),
    ] = None,
    dim: Annotated[
        int | None, typer.Option("--dim", metavar="D", help="Keep the first D principal components.")
    ] = None,
    normalise: Annotated[bool, typer.Option("--normalise", help="Scale each vector to length 1.")] = False,
    force: Force = False,
) -> None:
    """Post-process vectors: common directions removed, fewer dimensions, length 1; in this order.

    N-grams of a fastText model go along, but not with --normalise.

    \b
    Examples:
      qianru transform model cleaned --remove-components 2
      qianru transform model small --dim 50 --normalise
    """
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.subwords import has_subwords
    from qianru.vectors.transform import AnyVectors, reduce_dim, remove_components

    if remove is None and dim is None and not normalise:
        raise ArgumentError("nothing to do", hint="name --remove-components N, --dim D or --normalise")
    check_model_output(output, force=force)

    def changed(vectors: AnyVectors) -> AnyVectors:
        if remove is not None:
            vectors = remove_components(vectors, remove)
        return vectors if dim is None else reduce_dim(vectors, dim)

    vectors: Vectors | SubwordVectors
    if has_subwords(model) and not normalise:
        vectors = changed(SubwordVectors.load(model))
    else:
        vectors = changed(Vectors.load(model))
        say_what_is_left_behind(model)
        vectors = vectors.normalise() if normalise else vectors
    vectors.save(output, force=force)
    typer.echo(f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}", err=True)
