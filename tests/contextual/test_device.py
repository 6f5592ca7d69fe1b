"""Devices: names that cannot be used are one error before work, and nothing is made anywhere but on the run's own device.

There is no GPU where these tests run. In its place torch's default device is "meta", which has no numbers: a tensor that is made
without saying where fails there as it would beside a model on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.contextual import load_encoder
from qianru.errors import ArgumentError
from qianru.layers import backend
from qianru.layers.backend import device_of, is_no_room

torch = pytest.importorskip("torch")

from qianru.contextual import pretrain, processes  # noqa: E402
from qianru.contextual.run_state import checkpoint_folder  # noqa: E402

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
TEXTS = ["The cat sleeps.", "", "猫在睡觉，老虎在跑。", "a tiger and a cat " * 3]


def test_a_name_is_a_device_that_can_be_used() -> None:
    assert device_of("cpu").type == "cpu"
    assert device_of(None).type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("tpu9", "", "cuda:99", "cpu:x"):
        with pytest.raises(ArgumentError, match="device must be one that torch can use here"):
            device_of(name)


def test_no_room_is_known_by_what_devices_say() -> None:
    assert is_no_room(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_no_room(
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
    )
    assert is_no_room(MemoryError())
    assert not is_no_room(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@no_gpu
def test_a_gpu_that_is_not_there_is_one_error_before_work(
    make: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(make())
    with pytest.raises(ArgumentError, match="got 'cuda'"):
        load_encoder(folder, device="cuda")
    text = tmp_path / "text.txt"
    text.write_text("the cat sleeps\n" * 50, encoding="utf-8")
    output = tmp_path / "model"
    for arguments in (
        ["encode", folder, "a cat"],
        ["senses", folder, "cat", str(text)],
        *(["train", kind, str(text), "-o", str(output)] for kind in ("bert", "gpt", "elmo")),
    ):
        assert run([*arguments, "--device", "cuda"]) == 2
        said = capsys.readouterr().err
        assert "device must be one that torch can use here (cpu), got 'cuda'" in said
        assert "Traceback" not in said
        assert not checkpoint_folder(output).exists()


@pytest.mark.parametrize("kind", ["bert", "gpt", "elmo"])
def test_training_and_resuming_make_every_tensor_on_the_runs_device(
    train: Callable[..., Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"dropout": 0.1, "vocab_size": 500, "precision": "bfloat16"}
    whole = train(kind, "whole", **options)

    def elsewhere(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any) -> Any:
            with torch.device("meta"):
                return method(self, *arguments)

        return call

    def dies(self: Any) -> Any:
        if self.step == 4:
            raise RuntimeError("killed")
        return one_step(self)

    one_step = pretrain.PretrainRun._one_step
    for name in ("train", "resume"):
        monkeypatch.setattr(pretrain.PretrainRun, name, elsewhere(getattr(pretrain.PretrainRun, name)))
    monkeypatch.setattr(pretrain.PretrainRun, "_one_step", dies)
    with pytest.raises(RuntimeError, match="killed"):
        train(kind, "cut", **options, device="cpu")
    monkeypatch.setattr(pretrain.PretrainRun, "_one_step", one_step)
    again = train(kind, "cut", **options, resume=True, device="cpu")
    assert again.fingerprint == whole.fingerprint
    assert again.curve == whole.curve


def test_a_checkpoint_of_another_precision_says_so(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a run that began on a GPU, with bfloat16 by default, goes on where float32 is the default."""
    monkeypatch.setattr(pretrain.PretrainRun, "evaluate", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train("bert", precision="bfloat16")
    with pytest.raises(ArgumentError, match='precision was "bfloat16", is "float32"'):
        train("bert", resume=True, precision="float32")


@pytest.mark.parametrize("backend", ["packed", "transformers"])
def test_encoding_makes_every_tensor_on_the_models_device(make: Callable[..., Path], backend: str) -> None:
    modes = ["mean", "cls", "max", "last", "weighted", "mean_sqrt"]
    encoder = load_encoder(make(), backend=backend, pooling=modes, layers=[0, 2, -1])
    expected = encoder.encode(TEXTS).vectors
    place = encoder.encode_spans(TEXTS[:1], [(4, 7)]).vectors
    with torch.device("meta"):
        np.testing.assert_array_equal(encoder.encode(TEXTS).vectors, expected)
        np.testing.assert_array_equal(encoder.encode_spans(TEXTS[:1], [(4, 7)]).vectors, place)


def test_elmo_encodes_on_its_models_device(train: Callable[..., Any]) -> None:
    encoder = load_encoder(train("elmo", steps=1).path, layers=[0, 1, 2])
    expected = encoder.encode(TEXTS).vectors
    with torch.device("meta"):
        np.testing.assert_array_equal(encoder.encode(TEXTS).vectors, expected)


def test_ids_go_to_the_models_device(make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model on "meta" refuses tensors that stayed on the processor, as one on a GPU does."""
    encoder = load_encoder(make(), backend="packed", pooling=["mean", "last"], device="meta")
    seen = []
    engine = encoder._engine._inner
    hidden = engine.hidden
    monkeypatch.setattr(engine, "hidden", lambda *given: seen.append(hidden(*given)) or seen[-1])
    with pytest.raises(NotImplementedError, match="meta"):  # only when the numbers are asked for
        encoder.encode(TEXTS)
    assert {(one.device.type, one.shape[1]) for one in seen} == {("meta", 32)}


def test_precision_is_that_which_the_device_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert backend.default_precision("cpu") in ("float32", "bfloat16")
    monkeypatch.setattr(backend, "device_of", torch.device)
    for native in (True, False):
        # By emulation it is slower than float32.
        monkeypatch.setattr(
            torch.cuda,
            "is_bf16_supported",
            lambda including_emulation=True, native=native: native or including_emulation,
        )
        assert backend.default_precision("cuda") == ("bfloat16" if native else "float32")
    assert backend.default_precision("mps") == "float32"


def test_several_processes_need_a_gpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(processes, "device_of", torch.device)
    with pytest.raises(ArgumentError, match="must not name a single one, got 'cuda:1'"):
        processes.Processes("cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ArgumentError, match="2 processes on this machine need a GPU each, it has 1"):
        processes.Processes("cuda")
