"""The sample world on disk: text, truth, a manifest with sums, and a notice that all of it is generated."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from qianru.errors import ArgumentError, OutputError
from qianru.progress import Progress, ProgressCallback
from qianru.sample.truth import all_truth
from qianru.sample.world import check_arguments, world_lines

# Raised whenever the same arguments give other bytes than before.
WORLD_VERSION = 3

# How the bytes are shared out. Aligned lines are written when both languages are asked for.
_SHARES = {"en": 42, "zh": 38, "mixed": 10, "en-zh": 10}
_FILES = {"en": "en.txt", "zh": "zh.txt", "mixed": "mixed.txt", "en-zh": "aligned.en-zh.tsv"}
_REPORT_EVERY = 10_000

_NOTICE = """\
This text is generated. A program, qianru's sample world, wrote every line from a small grammar and lexicon
of its own; names and most events in it are made up. It is here to try things out and to test with. What a
model scores on it says nothing about how good that model is on real text.

本文件夹的文字由程序生成（qianru 的样例世界），不是真实语料；
在它上面得到的分数不能说明模型在真实文本上的好坏。

world version: {version}
seed: {seed}
text asked for: {n_bytes} bytes

en.txt zh.txt           one sentence a line
mixed.txt               sentences with words of the other language in them
aligned.en-zh.tsv       the same meaning in both languages, a tab between
truth/similarity.*.tsv  anchor, nearer word, farther word
truth/analogies.*.txt   `: section`, then a b c d: a is to b as c is to d
truth/senses.*.tsv      sentence, a word with two senses, its sense here
truth/labels.*.tsv      sentence, positive or negative
truth/translations.tsv  English word, Chinese word
manifest.json           settings, sizes and SHA-256 sums

A language that was not asked for has no text file; the truth is always there in both.
Sentences in truth/ come from random streams of their own; a short one may by chance also stand in the text.
"""


@dataclass(frozen=True)
class SampleFile:
    """One file of a sample: path below the folder, size in bytes, lines, SHA-256 in hexadecimal."""

    path: str
    n_bytes: int
    n_lines: int
    sha256: str


@dataclass(frozen=True)
class SampleManifest:
    """What `write_sample` wrote, as it stands in manifest.json. `n_bytes` is the size asked for."""

    version: int
    generated: bool
    seed: int
    n_bytes: int
    languages: tuple[str, ...]
    files: tuple[SampleFile, ...]


def write_sample(
    path: str | Path,
    *,
    n_bytes: int = 6_000_000,
    seed: int = 1,
    languages: Sequence[str] = ("en", "zh", "mixed"),
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> SampleManifest:
    """Write a sample world of about `n_bytes` of text into the folder `path`.

    The bytes are shared between the text files (English 42, Chinese 38, mixed 10, aligned 10 parts); each
    file ends within one line of its share. The same `n_bytes`, `seed` and `languages` give the same files on
    every platform. The folder is written beside and renamed, so it is never half there.
    Raises ArgumentError for an unknown language, fewer than 1,000 bytes or a bad seed, and OutputError when
    `path` exists and `force` is not given, or cannot be written.
    """
    target = Path(path)
    languages = _check_languages(languages)
    check_arguments(languages, n_bytes, seed, known=("en", "zh", "mixed"))
    _check_target(target, force)
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.absolute().parent))
    except OSError as error:
        raise _output_error(target, error) from error
    try:
        manifest = _fill(beside, n_bytes, seed, languages, progress)
        beside.chmod(0o755)  # mkdtemp makes folders that only their owner can open
        _put_in_place(beside, target)
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def _fill(
    folder: Path, n_bytes: int, seed: int, languages: tuple[str, ...], progress: ProgressCallback | None
) -> SampleManifest:
    """Write every file into `folder`, the manifest last."""
    notice = _NOTICE.format(version=WORLD_VERSION, seed=seed, n_bytes=n_bytes)
    files = [_write_file(folder, "README.txt", notice.splitlines())]
    parts = [*languages, "en-zh"] if {"en", "zh"} <= set(languages) else list(languages)
    total = sum(_SHARES[part] for part in parts)
    reporter = None if progress is None else _Reporter(progress, n_bytes)
    for part in parts:
        lines = world_lines(part, n_bytes * _SHARES[part] // total, seed)
        watched = lines if reporter is None else reporter.watch(lines)
        files.append(_write_file(folder, _FILES[part], watched))
    (folder / "truth").mkdir()
    files += [_write_file(folder, f"truth/{name}", lines) for name, lines in all_truth(seed).items()]
    manifest = SampleManifest(WORLD_VERSION, True, seed, n_bytes, languages, tuple(files))
    _write_file(folder, "manifest.json", [json.dumps(asdict(manifest), ensure_ascii=False, indent=2)])
    return manifest


def _check_languages(languages: Sequence[str]) -> tuple[str, ...]:
    if isinstance(languages, str):
        raise ArgumentError(
            f"languages must be a sequence, got the string {languages!r}", hint='use ("en", "zh")'
        )
    if not languages:
        raise ArgumentError("languages is empty", hint="choose among en, zh, mixed")
    return tuple(dict.fromkeys(languages))


def _check_target(target: Path, force: bool) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise OutputError(
            f"output exists: {target}", hint="choose another folder, or replace it with force (--force)"
        )
    # Replacing means deleting: only what this function wrote before, or an empty folder, may go.
    empty = target.is_dir() and not any(target.iterdir())
    if target.is_symlink() or not (empty or _is_sample(target)):
        raise OutputError(
            f"output is not a sample and would be deleted: {target}",
            hint="choose another folder, or remove it yourself",
        )


def _is_sample(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("generated") is True


def _put_in_place(beside: Path, target: Path) -> None:
    """Rename `beside` to `target`; what stood there goes away only after the new one is complete."""
    if not target.exists():
        os.replace(beside, target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.absolute().parent))
    os.replace(target, old / "was")
    try:
        os.replace(beside, target)
    except OSError:
        os.replace(old / "was", target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _output_error(target: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {target}: {error.strerror or error}",
        hint="check the folder, its permissions and free space",
    )


def _write_file(folder: Path, name: str, lines: Iterable[str]) -> SampleFile:
    digest = hashlib.sha256()
    n_bytes = n_lines = 0
    with (folder / name).open("wb") as file:
        for chunk, n_in_chunk in _chunks(lines):
            file.write(chunk)
            digest.update(chunk)
            n_bytes += len(chunk)
            n_lines += n_in_chunk
    return SampleFile(name, n_bytes, n_lines, digest.hexdigest())


def _chunks(lines: Iterable[str]) -> Iterator[tuple[bytes, int]]:
    """Line ends are always one byte, on every platform."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == _REPORT_EVERY:
            yield ("\n".join(waiting) + "\n").encode(), len(waiting)
            waiting.clear()
    if waiting:
        yield ("\n".join(waiting) + "\n").encode(), len(waiting)


class _Reporter:
    """Turns lines that pass by into progress reports over all text files."""

    def __init__(self, progress: ProgressCallback, n_bytes: int) -> None:
        self._progress = progress
        self._n_bytes = n_bytes
        self._n_done = 0
        self._started = time.monotonic()

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(lines, start=1):
            self._n_done += len(line.encode()) + 1
            yield line
            if number % _REPORT_EVERY == 0:
                self._report()
        self._report()

    def _report(self) -> None:
        rate = self._n_done / max(time.monotonic() - self._started, 1e-9)
        n_left = max(self._n_bytes - self._n_done, 0)
        done = min(self._n_done / self._n_bytes, 1.0)
        self._progress(Progress("sample", done, rate, "bytes", seconds_left=n_left / max(rate, 1e-9)))
