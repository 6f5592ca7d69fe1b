"""`qianru report`: the page, what is told about it, what cannot be done; and the page in a browser."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.cli.report import names_of
from qianru.errors import ArgumentError
from qianru.sample import sample_lines, write_sample
from qianru.static import train_word2vec
from qianru.text import Corpus
from qianru.vectors import Vectors

DOCS = Path(__file__).resolve().parents[2] / "docs" / "concepts" / "report.md"


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Path:
    there = tmp_path / "tests"
    there.mkdir()
    (there / "pairs.txt").write_text("猫 老虎 9\n猫 汽车 1\nman king 6\nman cat 1\n", encoding="utf-8")
    (there / "readme.txt").write_text("no test here\nat all\n")
    opened = Vectors.load(model)
    matrix = np.random.default_rng(1).standard_normal((len(opened), 3)).astype(np.float32)
    Vectors(list(opened.keys), matrix).save(tmp_path / "other")
    return there


def test_a_page(cli: Callable, model: Path, folder: Path, text: Path) -> None:
    ran = cli(
        "report", model, "other", "--data", folder, "--words", "猫, man，blah", "--text", text, "-o", "r.html"
    )
    assert ran.code == 0, ran.err
    assert ran.out == "r.html\n"
    assert "wrote r.html: 2 models" in ran.err
    page = Path("r.html").read_text(encoding="utf-8")
    for shown in (
        "<bdi>猫</bdi>",
        "<bdi>man</bdi>",
        "<bdi>blah</bdi>",
        "not in the vocabulary",
        'id="fertility"',
    ):
        assert shown in page
    again = cli("report", model, "--data", folder, "-o", "r.html")
    assert again.code == 2
    assert "exists already" in again.err
    assert Path("r.html").read_text(encoding="utf-8") == page


def test_text_from_stdin_is_there_for_every_model(
    cli: Callable, model: Path, folder: Path, text: Path
) -> None:
    for name in ("one", "two"):
        train_word2vec(Corpus(str(text)), dim=4, epochs=1, threads=1, min_count=1).save(folder.parent / name)
    given = ("report", "one", "two", "--data", folder)
    ran = cli(*given, "--text", "-", "-o", "r.html", stdin=text.read_text("utf-8"))
    assert ran.code == 0, ran.err
    assert "no tokenizer" not in ran.err
    assert cli(*given, "--text", text, "-o", "s.html").code == 0
    tables = [
        re.findall(r"<td>[\d.,%]+</td>", Path(page).read_text("utf-8").split('id="fertility"')[1])
        for page in ("r.html", "s.html")
    ]
    assert tables[0][:8] == tables[1][:8] != []


def test_json(cli: Callable, model: Path, folder: Path) -> None:
    told = cli("report", model, "other", "--data", folder, "-o", "r.html", "--json", "--unknown", "zero").json
    assert told["path"] == "r.html"
    assert told["n_bytes"] == Path("r.html").stat().st_size
    assert [one["name"] for one in told["models"]] == ["model", "other"]
    assert told["models"][0]["results"][0]["unknown"] == "zero"
    assert told["comparisons"][0]["p_holm"] is not None


def test_files_of_vectors_have_no_tokenizer(cli: Callable, model: Path, folder: Path, text: Path) -> None:
    Vectors.load(model).export("v.txt")
    ran = cli("report", "v.txt", "--data", folder, "--text", text, "-o", "r.html")
    assert ran.code == 0, ran.err
    assert "no tokenizer of v.txt: it is a file of vectors" in ran.err
    assert 'id="fertility"' not in Path("r.html").read_text(encoding="utf-8")


def test_names() -> None:
    assert names_of(["a/model", "b"]) == {"model": "a/model", "b": "b"}
    assert names_of(["a/model", "b/model"]) == {"a/model": "a/model", "b/model": "b/model"}
    with pytest.raises(ArgumentError, match="given twice"):
        names_of(["a", "b", "a"])


def test_errors(cli: Callable, model: Path, folder: Path) -> None:
    Path("bad.json").write_text("{}")
    for arguments, message in (
        (("nowhere",), "nowhere"),
        ((model, model), "given twice"),
        ((model, "--data", "nowhere"), "no such folder"),
        ((model, "--senses", "bad.json"), "bad.json: word 1: senses must be"),
        ((model, "--senses", "nowhere.json"), "cannot be read"),
        ((model, "--text", "nowhere.txt"), "no such file"),
        ((model, "-k", 0), "k must be"),
        ((model, "--data", folder, "--restrict-vocab", 1), "no dataset can be used"),
        ((model, "--target", "nowhere"), "nowhere"),
    ):
        ran = cli("report", *arguments, "-o", "r.html")
        assert ran.code == 2, arguments
        assert message in ran.err, (arguments, ran.err)
        assert "Traceback" not in ran.err
        assert not Path("r.html").exists()
    assert cli("report", model).code == 2


def test_a_folder_that_is_not_what_its_fingerprint_says(cli: Callable, model: Path, folder: Path) -> None:
    path = model / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(bytes(data))
    ran = cli("report", model, "--data", folder, "-o", "r.html")
    assert ran.code == 2
    assert "fingerprint" in ran.err


def test_the_page_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = DOCS.read_text("utf-8")
    write_sample("world", n_bytes=300_000)
    for command in re.findall(r"^\$ qianru (.*)$", page, re.MULTILINE):
        assert run(shlex.split(command)) == 0, command
    for snippet in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        exec(compile(snippet, "report.md", "exec"), {})
    assert len(list(tmp_path.glob("*.html"))) == 3


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
FLAGS += "--disable-component-update --disable-sync --enable-logging=stderr --v=0"


@pytest.fixture
def browser(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    if CHROMIUM is None:
        pytest.skip("no chromium")

    def call(page: Path, *flags: str) -> subprocess.CompletedProcess[bytes]:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [CHROMIUM, *FLAGS.split(), profile, *flags, f"file://{page}"]
        return subprocess.run(command, capture_output=True, timeout=120, check=True)

    return call


def complaints(ran: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What the page wrote to the browser's console."""
    return [line for line in ran.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]


def printed(path: Path, expected: tuple[str, ...]) -> str:
    """The text of a printed page without white space; what is expected where nothing reads it."""
    if (reader := shutil.which("pdftotext")) is None:
        return "".join(expected)
    ran = subprocess.run([reader, str(path), "-"], capture_output=True, check=True)
    return re.sub(r"\s+", "", ran.stdout.decode("utf-8"))


def fits_a_phone(browser: Callable, page: Path) -> bool:
    """Measured from inside a frame as wide as a telephone; the page itself allows no script."""
    frame = page.with_name("frame.html")
    measure = "const d = f.contentDocument.documentElement; document.body.dataset.width = d.scrollWidth + ' ' + d.clientWidth"
    frame.write_text(
        f'<iframe id="f" src="{page.name}" width="390" height="800" onload="{measure}"></iframe>'
    )
    dumped = browser(frame, "--dump-dom", "--allow-file-access-from-files").stdout.decode("utf-8")
    scrolled, shown = map(int, re.findall(r'data-width="(\d+) (\d+)"', dumped)[0])
    return scrolled <= shown <= 390


@pytest.mark.slow
def test_in_a_browser(tmp_path: Path, browser: Callable) -> None:
    """No console message, whole when printed, no wider than a phone; and a page with an error is found out."""
    for language in ("en", "zh"):
        lines = list(sample_lines(language, n_bytes=600_000))
        train_word2vec(Corpus(lines), dim=30, epochs=3).save(tmp_path / language)
    write_sample(tmp_path / "world", n_bytes=100_000)
    page = tmp_path / "r.html"
    arguments = [
        "report",
        str(tmp_path / "en"),
        str(tmp_path / "zh"),
        "--data",
        str(tmp_path / "world" / "truth"),
    ]
    assert run([*arguments, "--words", "tiger,老虎", "-o", str(page)]) == 0
    bad = tmp_path / "bad.html"
    bad.write_text("<script>console.error('wrong')</script>")
    assert complaints(browser(bad, "--dump-dom")) != []
    assert complaints(browser(page, f"--print-to-pdf={tmp_path / 'r.pdf'}")) == []
    titles = ("Ataglance", "Nearestwords", "Analogiesasarrows", "Settings", "Howitwasmeasured", "老虎")
    assert [one for one in titles if one not in printed(tmp_path / "r.pdf", titles)] == []
    assert fits_a_phone(browser, page)
    for scheme, width in (("light", 1280), ("dark", 390)):
        flags = [f"--window-size={width},900", f"--screenshot={tmp_path / scheme}.png"]
        flags += ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
        assert complaints(browser(page, *flags)) == []
        assert (tmp_path / f"{scheme}.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "light.png").read_bytes() != (tmp_path / "dark.png").read_bytes()


@pytest.mark.slow
def test_contextual_models_in_a_browser(tmp_path: Path, browser: Callable) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from qianru.contextual import train_bert
    from qianru.tokens import Tokenizer

    lines = [line for language in ("en", "zh") for line in sample_lines(language, n_bytes=200_000)]
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    tokenizer = Tokenizer.train(Corpus(lines), kind="wordpiece", vocab_size=1500, special_tokens=special)
    train_bert(
        Corpus(lines), output=tmp_path / "bert", tokenizer=tokenizer, steps=30, length=32, batch_size=8
    )
    train_word2vec(Corpus(lines), dim=20, epochs=1).save(tmp_path / "words")
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "sts.tsv").write_text("a cat\ta tiger\t3\na king\ta cat\t1\n猫\t老虎\t4\n", encoding="utf-8")
    page = tmp_path / "r.html"
    arguments = ["--text", str(tmp_path / "text.txt"), "--data", str(tmp_path / "sts.tsv"), "--words", "苹果"]
    models = [str(tmp_path / "bert"), str(tmp_path / "words")]
    assert run(["report", *models, *arguments, "--language", "zh", "-o", str(page)]) == 0
    assert complaints(browser(page, f"--print-to-pdf={tmp_path / 'r.pdf'}")) == []
    titles = ("留出文本上的损失", "句子相似度", "所用模型：bert", "分词", "本页没有的内容", "测量方式")
    assert [one for one in titles if one not in printed(tmp_path / "r.pdf", titles)] == []
    assert fits_a_phone(browser, page)
