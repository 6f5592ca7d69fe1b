"""How the models of the report were made: facts, curves of the loss, every recorded setting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qianru.evaluate.report_charts import Figures, Line, figure, key, line_chart
from qianru.evaluate.report_markup import Child, Html, megabytes, number, table, tag
from qianru.evaluate.report_phrases import phrase
from qianru.evaluate.report_subject import Section, Subject
from qianru.vectors.stored import of_corpus

_MAX_VALUE = 160
_MAX_DEPTH = 6
_LARGEST, _LAST_STEP = 1e300, 1 << 53
# Numbers for each epoch, or look at what was held out, have a chart.
_CHARTED = ("loss_per_epoch", "pairs_per_epoch", "held_out")
# By these names config.json of one kind of model or another tells the same.
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers", "n_layers")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads")
_WINDOW = ("max_position_embeddings", "n_positions")
# What distinguishes the objectives of static models, beside kind and text.
_OBJECTIVE = ("model", "loss", "negative", "window", "x_max", "alpha", "weighting")
_MASKS = ("mask_share", "whole_words", "n_targets")


@dataclass(frozen=True)
class Look:
    """A look at what was held out from training: losses in nats a target, the share guessed right; None if not recorded."""

    step: int
    loss: float
    tokens: int | None
    train_loss: float | None
    perplexity: float | None
    accuracy: float | None


def _is_number(value: object) -> bool:
    """A finite number; not an integer of hundreds of digits, which is no float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST


def losses(provenance: Mapping[str, object]) -> tuple[float, ...]:
    """The recorded loss of each epoch; empty where none is, or what is recorded are no finite numbers."""
    found = provenance.get("loss_per_epoch")
    values = found if isinstance(found, list) else []
    return tuple(map(float, values)) if all(map(_is_number, values)) else ()


def looks(provenance: Mapping[str, object]) -> tuple[Look, ...]:
    """The recorded looks at what was held out, by step; empty where none is, or one has no step or loss."""
    found = provenance.get("held_out")
    made = []
    for one in found if isinstance(found, list) else ():
        told = one if isinstance(one, Mapping) else {}
        step = told.get("step")
        if type(step) is not int or not 0 <= step < _LAST_STEP or not _is_number(told.get("loss")):
            return ()
        rest = {name: float(value) for name, value in told.items() if _is_number(value)}
        tokens = int(rest["tokens"]) if "tokens" in rest else None
        others = [rest.get(name) for name in ("train_loss", "perplexity", "accuracy")]
        made.append(Look(step, rest["loss"], tokens, *others))
    return tuple(sorted(made, key=lambda look: look.step))


def objective(provenance: Mapping[str, object]) -> tuple[str, ...]:
    """What the loss measures: losses of models with the same are comparable."""
    settings = provenance.get("settings")
    known = settings if isinstance(settings, Mapping) else {}
    return (
        str(provenance.get("kind", provenance.get("model"))),
        # Of language models over the ids: another tokenizer is another text.
        str(of_corpus(provenance, "fingerprint")),
        *(str(known.get(name)) for name in _OBJECTIVE),
        *(str(provenance.get(name)) for name in _MASKS),
    )


def settings_of(provenance: Mapping[str, object]) -> dict[str, str]:
    """Everything that is recorded, nested names joined by dots; long values are cut."""
    found: dict[str, str] = {}

    def add(name: str, value: object, depth: int) -> None:
        if isinstance(value, Mapping) and depth < _MAX_DEPTH:
            for key, item in value.items():
                if depth or key not in _CHARTED:
                    add(f"{name}.{key}" if name else str(key), item, depth + 1)
        elif (
            isinstance(value, list)
            and any(isinstance(item, Mapping) for item in value)
            and depth < _MAX_DEPTH
        ):
            for place, item in enumerate(value, 1):
                add(f"{name}.{place}", item, depth + 1)
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            found[name] = text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"

    add("", provenance, 0)
    return found


def how(subjects: Sequence[Subject], figures: Figures) -> Section:
    """What a model was trained on and how: facts, loss curves."""
    heads: list[Child] = ["", *(one.name for one in subjects)]
    facts = [_static_facts(one) if one.space is not None else _contextual_facts(one) for one in subjects]
    names = [name for name in _ORDER if any(name in of_one for of_one in facts)]
    rows: list[list[Child]] = [[phrase(name), *(of_one.get(name, "–") for of_one in facts)] for name in names]
    parts: list[Child] = [table(heads, rows, caption=phrase("facts"))]
    parts += _loss_charts(subjects, figures)
    return Section("how", tag("div", parts))


def settings(subjects: Sequence[Subject]) -> Section | None:
    """Every recorded setting, those that differ marked."""
    flat = [settings_of(_recorded(one)) for one in subjects]
    names = list(dict.fromkeys(name for one in flat for name in one))
    rows: list[list[Child]] = []
    for name in names:
        values = [one.get(name) for one in flat]
        differs = tag("span", "≠", class_="differs") if len(set(values)) > 1 else None
        rows.append([tag("code", name, " ", differs), *("–" if one is None else one for one in values)])
    if not rows:
        return None
    marked = [tag("span", "≠", class_="differs"), " ", phrase("differs")] if len(subjects) > 1 else None
    heads: list[Child] = [phrase("setting"), *(one.name for one in subjects)]
    return Section(
        "settings", table(heads, rows, caption=[phrase("settings_note"), " ", marked], class_="settings")
    )


def _recorded(subject: Subject) -> dict[str, object]:
    """The provenance; of a contextual model also its configuration, and what its encoder was asked to do."""
    if subject.encoder is None or subject.space is not None:
        return dict(subject.provenance)
    shown = {**subject.provenance}
    if "options" not in shown and subject.config:
        shown["config"] = subject.config
    return {**shown, "encoder": subject.encoder.settings}


_ORDER = (
    "kind",
    "n_words",
    "n_tokens_known",
    "dim",
    "layers",
    "heads",
    "window",
    "parameters",
    "text_bytes",
    "text_words",
    "text_tokens",
    "words_counted",
    "epochs",
    "steps",
    "batch",
    "seed",
    "threads",
    "processes",
    "corpus_fingerprint",
    "fingerprint",
)


def _told(value: object) -> Child:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return phrase("not_recorded") if value is None else str(value)[:80]


def _mark(value: object) -> Child:
    return tag("code", str(value)[:16]) if value else _told(None)


def _static_facts(subject: Subject) -> dict[str, Child]:
    """Facts for reading by the names of their phrases; what does not apply is left out."""
    assert subject.space is not None
    vectors, provenance = subject.space.vectors, subject.provenance
    settings = provenance.get("settings")
    known: Mapping[str, object] = settings if isinstance(settings, Mapping) else {}
    n_bytes = of_corpus(provenance, "n_bytes")
    return {
        "kind": _told(provenance.get("kind") or provenance.get("format")),
        "n_words": len(vectors),
        "dim": vectors.dim,
        "text_bytes": megabytes(n_bytes) if isinstance(n_bytes, int) and _is_number(n_bytes) else _told(None),
        "text_words": _told(of_corpus(provenance, "n_raw_tokens")),
        "words_counted": _told(None if vectors.counts is None else int(vectors.counts.sum())),
        "epochs": _told(provenance.get("epochs_done", known.get("epochs"))),
        "seed": _told(known.get("seed")),
        "threads": _told(known.get("threads")),
        "corpus_fingerprint": _mark(of_corpus(provenance, "fingerprint")),
        "fingerprint": _mark(vectors.fingerprint),
    }


def _contextual_facts(subject: Subject) -> dict[str, Child]:
    assert subject.encoder is not None
    provenance, config, folder = subject.provenance, subject.config, subject.folder
    facts: Mapping[str, object] = {} if folder is None else folder.facts
    lstm = config.get("lstm")
    options = {**config, **lstm} if isinstance(lstm, Mapping) else config

    def first(names: Sequence[str]) -> object:
        return next((options[name] for name in names if options.get(name) is not None), None)

    done, steps = provenance.get("steps_done"), provenance.get("steps")
    n_of_batch, length = provenance.get("batch_size"), provenance.get("length")
    pair = [phrase("of_steps", done=done, n=steps)] if done is not None and steps is not None else None
    batch = [phrase("batch_of", n=n_of_batch, length=length)] if n_of_batch and length else None
    found: dict[str, Child] = {
        "kind": _told(None if folder is None else folder.kind or folder.description),
        "n_tokens_known": _told(facts.get("n_tokens", options.get("vocab_size"))),
        "dim": subject.encoder.dim,
        "layers": _told(first(_LAYERS)),
        "window": _told(subject.encoder.settings.get("max_tokens", first(_WINDOW))),
        "parameters": _told(None if folder is None else folder.n_parameters),
        "text_tokens": _told(of_corpus(provenance, "n_tokens")),
        "epochs": _told(provenance.get("epochs")),
        "steps": pair or _told(None),
        "batch": batch or _told(None),
        "seed": _told(provenance.get("seed")),
        "processes": _told(provenance.get("processes")),
        "corpus_fingerprint": _mark(of_corpus(provenance, "fingerprint")),
        "fingerprint": _mark(subject.fingerprint),
    }
    # The words of ELMo are without number, and it has no heads.
    if folder is not None and folder.kind == "elmo":
        found.pop("n_tokens_known")
    else:
        found["heads"] = _told(first(_HEADS))
    return found


def _loss_charts(subjects: Sequence[Subject], figures: Figures) -> Iterator[Html]:
    """One chart for each objective, so that only what is comparable stands together."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    rows: list[list[Child]] = []
    without = []
    for at, one in enumerate(subjects):
        seen, values = looks(one.provenance), losses(one.provenance)
        lines = [Line(one.name, at, values)] if values and not seen else _curves(one.name, at, seen)
        if not lines:
            without.append(one.name)
            continue
        groups.setdefault((*objective(one.provenance), str(bool(seen))), []).extend(lines)
        if seen:
            last = seen[-1]
            guessed = "–" if last.accuracy is None else f"{last.accuracy:.1%}"
            tokens = "–" if last.tokens is None else last.tokens
            perplexity = "–" if last.perplexity is None else f"{last.perplexity:,.1f}"
            values_of = [number(last.loss), number(last.train_loss), perplexity]
            rows.append([key(at, one.name), last.step, tokens, *values_of, guessed])
    charts = []
    for lines in groups.values():
        name = figures.next_id()
        models = [key(line.group, line.name) for line in lines if not line.is_dashed]
        told = phrase("loss") if lines[0].places is None else phrase("held_out")
        charts.append(figure(line_chart(lines, labelled_by=name), [told, " ", models], name))
    if charts:
        yield tag("div", charts, class_="panels")
    if rows:
        heads = ("model", "at_step", "tokens_seen", "held_out_loss", "train_loss", "perplexity", "guessed")
        yield table(list(map(phrase, heads)), rows, caption=phrase("last_look"), numeric=range(1, len(heads)))
    if len(groups) > 1:
        yield tag("p", phrase("loss_note"), class_="note")
    if without:
        yield tag("p", phrase("loss_none", names=", ".join(without)), class_="note")


def _curves(name: str, group: int, seen: Sequence[Look]) -> list[Line]:
    """The loss on what was held out, and, dashed, on what was trained on since the look before."""
    if not seen:
        return []
    lines = [Line(name, group, tuple(one.loss for one in seen), tuple(one.step for one in seen))]
    trained = [(one.train_loss, one.step) for one in seen if one.train_loss is not None]
    if trained:
        values, places = zip(*trained, strict=True)
        lines.append(Line(name, group, values, places, is_dashed=True))
    return lines
