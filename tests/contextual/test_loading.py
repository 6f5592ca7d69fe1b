"""What can be wrong with a folder is one clear error; modules of sentence-transformers do what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from qianru.contextual import load_encoder
from qianru.errors import FormatError, QianruError
from qianru.layers import backend
from qianru.vectors import StaticEncoder, Vectors

MEAN = {"kind": "Pooling", "config": {"pooling_mode_mean_tokens": True, "word_embedding_dimension": 32}}


def test_modules_tell_the_pooling(make) -> None:
    folder = make(
        modules=[
            {"kind": "Pooling", "config": {"embedding_dimension": 32, "pooling_mode": ["cls", "max"]}},
            {"kind": "Dense", "config": {"activation_function": "torch.nn.modules.activation.Tanh"}},
            {"kind": "Normalize"},
        ]
    )
    torch.manual_seed(1)
    weight, bias = torch.randn(8, 64), torch.randn(8)
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / "2_Dense" / "model.safetensors")
    encoder = load_encoder(folder)
    assert encoder.dim == 8
    found = encoder.encode(["the cat"]).vectors[0]
    bare = load_encoder(folder, pooling=["cls", "max"]).encode(["the cat"]).vectors[0]
    expected = np.tanh(weight.numpy() @ bare + bias.numpy())
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)
    loose = load_encoder(folder, normalize=False).encode(["the cat"]).vectors[0]
    np.testing.assert_allclose(loose, expected, atol=1e-5)


def test_a_module_that_is_not_known_is_refused(make) -> None:
    folder = make(modules=[MEAN, {"kind": "LSTM"}])
    with pytest.raises(FormatError, match="LSTM"):
        load_encoder(folder)
    listed = json.loads((folder / "modules.json").read_text())
    listed[1]["path"] = "../elsewhere"
    (folder / "modules.json").write_text(json.dumps(listed[:2]))
    with pytest.raises(FormatError, match="out of the folder"):
        load_encoder(folder)
    for damaged in ("[]", "{", "3", '[{"type": 1}]', "[[]]", "null"):
        (folder / "modules.json").write_text(damaged)
        with pytest.raises(FormatError):
            load_encoder(folder)


def test_each_tensor_that_does_not_fit_is_named(make) -> None:
    folder = make()
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors["encoder.layer.1.output.dense.weight"] = torch.zeros(3, 3)
    del tensors["encoder.layer.0.attention.self.query.bias"]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(FormatError) as caught:
        load_encoder(folder)
    assert "encoder.layer.1.output.dense.weight is [3, 3], not [32, 64]" in caught.value.message
    assert "encoder.layer.0.attention.self.query.bias is missing" in caught.value.message
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 4}))
    with pytest.raises(FormatError, match=r"encoder\.layer\.3\.output\.LayerNorm\.bias is missing"):
        load_encoder(folder)


def test_a_pickle_is_refused_and_the_way_out_is_told(make) -> None:
    folder = make()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FormatError, match=r"pickle \(pytorch_model.bin\)") as caught:
        load_encoder(folder)
    assert "save_pretrained" in caught.value.hint
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(FormatError, match=r"no model\.safetensors"):
        load_encoder(folder)


def test_parts_that_are_missing(make, tmp_path: Path) -> None:
    folder = make()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FormatError, match="no tokenizer in it"):
        load_encoder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(FormatError, match=r"no config\.json"):
        load_encoder(folder)
    with pytest.raises(FormatError, match="no such file"):
        load_encoder(tmp_path / "nothing")


def test_damaged_files_are_format_errors(make) -> None:
    folder = make()
    whole = (folder / "model.safetensors").read_bytes()
    for data in (b"", whole[:7], whole[:100], whole[:-40], b"\xff" * 8 + whole[8:]):
        (folder / "model.safetensors").write_bytes(data)
        with pytest.raises(FormatError):
            load_encoder(folder)
    (folder / "model.safetensors").write_bytes(whole)
    config = (folder / "config.json").read_text()
    for text in (
        "",
        "{",
        "[]",
        '{"model_type": "nonsense"}',
        config.replace('"hidden_size": 32', '"hidden_size": -1'),
    ):
        (folder / "config.json").write_text(text)
        with pytest.raises(FormatError):
            load_encoder(folder)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("bert", "num_hidden_layers", 10**19),  # a model of so many would be made without end
        ("bert", "num_hidden_layers", -1),
        ("bert", "num_attention_heads", -1),
        ("bert", "intermediate_size", 10**9),
        ("bert", "vocab_size", 1e308),
        ("bert", "max_position_embeddings", 10**10),
        ("bert", "dtype", 1e308),
        ("bert", "add_cross_attention", None),
        ("gpt2", "n_layer", 10**19),
        ("gpt2", "n_embd", 0),
    ],
)
def test_sizes_out_of_reach_of_the_weights_are_refused_at_once(
    make, kind: str, name: str, value: object
) -> None:
    folder = make(kind)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, name: value}))
    with pytest.raises(FormatError, match=f"disagree: {name} is|does not open"):
        load_encoder(folder)


def test_a_tokenizer_of_another_model_is_refused(make) -> None:
    folder = make()
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocab = tokenizer["model"]["vocab"]
    for i in range(1000):
        vocab[f"more{i}"] = len(vocab)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(FormatError, match="tokens, the model"):
        load_encoder(folder)


def test_without_torch_it_is_one_line(make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make()

    def missing(name: str):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(backend.importlib, "import_module", missing)
    with pytest.raises(QianruError, match="package torch") as caught:
        load_encoder(folder)
    assert caught.value.hint == "pip install 'qianru[torch]'"


def test_static_models_are_encoders_too(tmp_path: Path) -> None:
    words = Vectors(["cat", "tiger", "猫"], np.eye(3, dtype=np.float32))
    words.save(tmp_path / "static")
    encoder = load_encoder(tmp_path / "static")
    assert isinstance(encoder, StaticEncoder)
    with pytest.raises(QianruError, match="layers"):
        load_encoder(tmp_path / "static", layers=1)
