"""Two processes that torchrun starts (gloo, on the processor) train as one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qianru.sample import sample_lines

pytest.importorskip("torch")
pytest.importorskip("accelerate")

SCRIPT = """
import json, sys
import torch
from qianru.contextual import train_{kind}
from qianru.text import Corpus
torch.set_num_threads(1)
made = train_{kind}(
    Corpus("text.txt"), output=sys.argv[1], vocab_size=1000, length=16, batch_size=8, steps=8, accumulate=2,
    evaluate_every=4, learning_rate=3e-3, precision="float32",
)
if made.fingerprint:
    print("CURVE", json.dumps([made.curve.losses, [look["loss"] for look in made.curve.held_out]]))
"""


def curve(command: list[str], folder: Path) -> list[list[float]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("CURVE")]
    assert len(lines) == 1, ran.stderr[-2000:]
    found: list[list[float]] = json.loads(lines[0].removeprefix("CURVE"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "gpt"])
def test_two_processes_have_the_loss_curve_of_one(kind: str, tmp_path: Path) -> None:
    lines = [*sample_lines("en", n_bytes=9_000), *sample_lines("zh", n_bytes=9_000)]
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "run.py").write_text(SCRIPT.format(kind=kind))
    one = curve([sys.executable, "run.py", "one"], tmp_path)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    two = curve([*torchrun, "run.py", "two"], tmp_path)
    for here, there in zip(one, two, strict=True):
        np.testing.assert_allclose(there, here, atol=1e-3)
    assert np.ptp(one[0]) > 0.01  # it moves at all
    about = json.loads((tmp_path / "two/qianru.json").read_text("utf-8"))
    assert about["provenance"]["processes"] == 2
