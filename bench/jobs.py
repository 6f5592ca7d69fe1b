"""One training run of one system in a process of its own: seconds, peak memory and quality as one line of JSON.

`python -m bench.jobs '{"system": "qianru", ...}'` is what bench/word2vec.py and recipes/word2vec.py start; each job gets the raw
file and does everything from there, so that its times can be compared end to end.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from recipes.intrinsic import data_folder, judge

# The settings of the comparison; the same for every system.
COMMON = {"window": 5, "sample": 1e-4, "min_count": 5, "epochs": 5}


def corpus_file(language: str, cache: Path, megabytes: int | None = None, *, style: str = "text8") -> Path:
    """The corpus as a plain file under `cache`: English in text8 style (a-z, lines of 1,000 words) or raw, Chinese raw."""
    name = {"en": "en-wiki-100mb", "zh": "zh-mixed-100mb"}[language]
    text8 = language == "en" and style == "text8"
    kind = "-raw" if language == "en" and not text8 else ""
    out = cache / f"{name}{kind}{'' if megabytes is None else f'-{megabytes}'}.txt"
    if not out.exists():
        cache.mkdir(parents=True, exist_ok=True)
        raw = subprocess.run(
            ["zstd", "-dc", str(data_folder() / "corpora" / f"{name}.txt.zst")],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        if megabytes is not None:
            raw = raw[: raw.rfind(b"\n", 0, megabytes * 1_000_000) + 1]
        if text8:
            words = re.sub(rb"[^a-z]+", b" ", raw.lower()).split()
            raw = b"".join(b" ".join(words[i : i + 1000]) + b"\n" for i in range(0, len(words), 1000))
        out.write_bytes(raw)
    return out


def run(job: dict[str, object]) -> dict[str, object]:
    """Run a job in a fresh process and return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.jobs", json.dumps(job)], stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise SystemExit(f"{job['system']} failed on {job}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def train_qianru(job: dict) -> dict:
    from qianru.static import train_word2vec
    from qianru.text import Corpus

    started = time.perf_counter()
    encoded = Corpus(job["corpus"]).encode(min_count=COMMON["min_count"], threads=job["threads"])
    read = time.perf_counter()
    vectors = train_word2vec(
        encoded,
        model="cbow" if job["cbow"] else "skipgram",
        loss="hs" if job["hs"] else "ns",
        cbow_gradient=job.get("cbow_gradient", "classic"),
        dim=job["dim"],
        window=COMMON["window"],
        negative=5,
        sample=COMMON["sample"],
        epochs=COMMON["epochs"],
        learning_rate=job.get("learning_rate", 0.025),
        min_learning_rate=job.get("min_learning_rate", 1e-4),
        seed=job["seed"],
        threads=job["threads"],
    )
    trained = time.perf_counter()
    pairs = sum(vectors.provenance["pairs_per_epoch"])  # type: ignore[arg-type]
    return {
        "prepare": read - started,
        "train": trained - read,
        "total": trained - started,
        "raw_words": encoded.n_raw_tokens,
        "tokens": encoded.n_tokens,
        "gflops": pairs * 36.0 * job["dim"] / (trained - read) / 1e9
        if not (job["cbow"] or job["hs"])
        else None,
        "words": list(vectors.keys),
        "matrix": vectors.to_numpy(),
    }


def train_gensim(job: dict) -> dict:
    from gensim.models import Word2Vec

    started = time.perf_counter()
    path = job["corpus"]
    with tempfile.TemporaryDirectory() as folder:
        if job["language"] == "zh":
            path = cut_with_rjieba(Path(path), Path(folder) / "words.txt")
        model = Word2Vec(
            vector_size=job["dim"],
            sg=0 if job["cbow"] else 1,
            hs=1 if job["hs"] else 0,
            negative=0 if job["hs"] else 5,
            window=COMMON["window"],
            sample=COMMON["sample"],
            min_count=COMMON["min_count"],
            epochs=COMMON["epochs"],
            workers=job["threads"],
            seed=job["seed"],
        )
        model.build_vocab(corpus_file=str(path))
        read = time.perf_counter()
        model.train(
            corpus_file=str(path),
            total_words=model.corpus_total_words,
            total_examples=model.corpus_count,
            epochs=COMMON["epochs"],
        )
        trained = time.perf_counter()
    return {
        "prepare": read - started,
        "train": trained - read,
        "total": trained - started,
        "raw_words": model.corpus_total_words,
        "tokens": int(sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)),
        "words": list(model.wv.index_to_key),
        "matrix": model.wv.vectors,
    }


def cut_with_rjieba(source: Path, target: Path) -> Path:
    """What a user of the two libraries writes: cut each line, keep what holds a letter or a digit."""
    import rjieba

    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            words = (word for word in rjieba.cut(line, False) if re.search(r"\w", word))
            out.write(" ".join(words) + "\n")
    return target


def train_word2vec_c(job: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "vectors.bin"
        command = [job["binary"], "-train", job["corpus"], "-output", str(out), "-binary", "1"]
        options = {
            "size": job["dim"],
            "window": COMMON["window"],
            "sample": COMMON["sample"],
            "min-count": COMMON["min_count"],
            "iter": job.get("epochs", COMMON["epochs"]),
            "threads": job["threads"],
            "cbow": int(job["cbow"]),
            "hs": int(job["hs"]),
            "negative": 0 if job["hs"] else 5,
            "alpha": 0.025,
        }
        for name, value in options.items():
            command += [f"-{name}", str(value)]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            # It flushes its output for the first time some ten thousand words into the training: by then the words are counted.
            process.stdout.read(1)
            prepare = time.perf_counter() - started
            while process.stdout.read(1 << 16):
                pass
        total = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{job['binary']} ended with status {process.returncode}")
        words, matrix = read_word2vec_bin(out)
    scale = COMMON["epochs"] / job.get("epochs", COMMON["epochs"])
    train = (total - prepare) * scale
    return {
        "prepare": prepare,
        "train": train,
        "total": prepare + train,
        "scaled_from_epochs": job.get("epochs", COMMON["epochs"]),
        "words": words,
        "matrix": matrix,
    }


def read_word2vec_bin(path: Path) -> tuple[list[str], np.ndarray]:
    data = path.read_bytes()
    end = data.index(b"\n")
    n, dim = map(int, data[:end].split())
    words, matrix, at = [], np.empty((n, dim), np.float32), end + 1
    for row in range(n):
        space = data.index(b" ", at)
        words.append(data[at:space].strip().decode("utf-8", "replace"))
        matrix[row] = np.frombuffer(data, np.float32, dim, space + 1)
        at = space + 1 + 4 * dim
    return words, matrix


def main() -> None:
    job = json.loads(sys.argv[1])
    train = {"qianru": train_qianru, "gensim": train_gensim, "word2vec.c": train_word2vec_c}[job["system"]]
    result = train(job)
    who = resource.RUSAGE_CHILDREN if job["system"] == "word2vec.c" else resource.RUSAGE_SELF
    words, matrix = result.pop("words"), result.pop("matrix")
    result["peak_mb"] = resource.getrusage(who).ru_maxrss / 1000
    result["vocabulary"] = len(words)
    if result.get("scaled_from_epochs", COMMON["epochs"]) == COMMON["epochs"]:
        result["quality"] = judge(words, matrix, job["language"])
    if job.get("near"):
        unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
        result["near"] = {
            word: [words[i] for i in np.argsort(-(unit @ unit[words.index(word)]))[1:11]]
            for word in job["near"]
            if word in words
        }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
