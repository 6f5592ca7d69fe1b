"""What only a process of its own can show: signals, pipes that close, a full device, a terminal without UTF-8."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qianru.vectors import Vectors

QIANRU = [sys.executable, "-c", "from qianru.cli import main; main()"]


def start(*arguments: str | Path, **options) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen([*QIANRU, *map(str, arguments)], **{**pipes, **options})


def until(condition, process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Wait for the condition while the process runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("trainer", [("word2vec",), ("fasttext", "--n-buckets", "1000")])
def test_ctrl_c_keeps_what_save_every_saved_and_nothing_half(
    text: Path, tmp_path: Path, trainer: tuple[str, ...]
) -> None:
    made = tmp_path / "made"
    options = ("--dim", "16", "--epochs", "1000000", "--save-every", "1", "--threads", "2")
    process = start("train", *trainer, text, "-o", made, *options)
    until((made / "qianru.json").is_file, process)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    saved = Vectors.load(made, verify=True)
    assert f"interrupted: epoch {saved.provenance['epochs_done']} is saved in {made}" in err
    assert sorted(os.listdir(tmp_path)) == ["made", "made.checkpoint", "text.txt"]


def test_ctrl_c_without_save_every_leaves_nothing(text: Path, tmp_path: Path) -> None:
    process = start("train", "word2vec", text, "-o", tmp_path / "made", "--epochs", "1000000")
    # What was read is told just before training begins.
    assert process.stderr is not None
    assert process.stderr.readline().startswith("read ")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "interrupted: nothing was saved (--save-every 1 saves after each epoch)\n"
    assert os.listdir(tmp_path) == ["text.txt"]


def test_killed_while_saving_leaves_a_whole_model(text: Path, tmp_path: Path) -> None:
    """SIGKILL cannot be caught: what stands under the model's name is whole all the same, again and again.

    Between the two renames nothing stands there; the earlier model then lies whole in a folder beside it.
    """
    made = tmp_path / "made"
    options = ("--dim", "64", "--epochs", "1000000", "--save-every", "1", "--force")
    for wait in (0.0, 0.013, 0.029):
        before = version(made)
        process = start("train", "word2vec", text, "-o", made, *options)
        until(lambda before=before: version(made) not in (None, before), process)
        time.sleep(wait)
        process.kill()
        process.communicate()
        if not made.exists():
            (aside,) = tmp_path.glob(".made.*.old/made")
            aside.rename(made)
        Vectors.load(made, verify=True)
        for left in tmp_path.glob(".made.*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def version(folder: Path) -> int | None:
    try:
        return (folder / "qianru.json").stat().st_mtime_ns
    except OSError:
        return None


@pytest.mark.parametrize("verb", [("similar", "model", "man"), ("info", "model"), ("--help",)])
def test_a_pipe_that_closes_is_no_error(model: Path, verb: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start(*verb, stdout=write, cwd=model.parent)
    os.close(write)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device_is_told(model: Path) -> None:
    with open("/dev/full", "w") as full:
        process = start("info", model, stdout=full)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert err.splitlines()[0] == "error: No space left on device"
    assert "Traceback" not in err


def test_chinese_comes_out_without_a_utf8_locale(model: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = start("similar", model, "-", "-k", "1", stdin=subprocess.PIPE, env=environment)
    out, err = process.communicate("猫\n", timeout=30)
    assert (process.returncode, out, err) == (0, "猫\t老虎\t0.9954\n", "")


def test_the_installed_command_is_this_one() -> None:
    command = Path(sys.executable).with_name("qianru")
    if not command.exists():
        pytest.skip("this interpreter has no qianru command beside it")
    ran = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("qianru ")


@pytest.mark.parametrize("module", ["typer", "qianru.cli.app", "qianru.errors"])
def test_ctrl_c_while_modules_load_shows_no_traceback(module: str) -> None:
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from qianru.cli import main\n"
        "main(['--version'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (130, "interrupted: nothing was saved\n")


def test_ctrl_c_at_any_moment_shows_no_traceback() -> None:
    for wait in (0.03, 0.05, 0.08, 0.12, 0.16):
        process = subprocess.Popen(
            [sys.executable, "-c", "print(1, flush=True); from qianru.cli import main; main(['demo'])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Traceback" not in err


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_stream_that_was_closed_shows_no_traceback(model: Path, closed: int) -> None:
    for arguments in (("similar", model, "king"), ("similar", model, "-"), ("tokenize", model, "-")):
        process = subprocess.run(
            [*QIANRU, *map(str, arguments)],
            check=False,
            capture_output=True,
            preexec_fn=lambda: os.close(closed),
        )
        assert b"Traceback" not in process.stderr
        assert process.returncode in (0, 2)


def test_a_pipe_is_not_replaced_by_a_file(model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = start("convert", model, tmp_path / "pipe", "--to", "text", "--force")
    assert "is no plain file" in process.communicate()[1]
    assert process.returncode == 2
    assert (tmp_path / "pipe").is_fifo()


def test_names_as_long_as_they_may_be(model: Path, tmp_path: Path) -> None:
    vectors = Vectors.load(model)
    vectors.save(tmp_path / ("模" * 85))
    vectors.save(tmp_path / ("模" * 85), force=True)
    vectors.export(tmp_path / ("v" * 251 + ".txt"))
    assert len(list(tmp_path.iterdir())) >= 2
