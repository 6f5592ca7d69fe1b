"""ELMo against a twin in plain numpy, its files in both directions, hostile files, and the stored outputs of the original."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.contextual.characters import character_ids
from qianru.contextual.elmo_files import (
    ElmoOptions,
    read_options,
    write_hdf5,
    write_options,
    write_safetensors,
)
from qianru.errors import ArgumentError, FormatError

torch = pytest.importorskip("torch")
h5py = pytest.importorskip("h5py")

from qianru.contextual import Elmo, LayerMix  # noqa: E402

_spec = importlib.util.spec_from_file_location(
    "reference_elmo", Path(__file__).with_name("reference_elmo.py")
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

OPTIONS = ElmoOptions(
    character_dim=3, filters=((1, 4), (2, 5), (3, 6)), n_highway=1, dim=7, projection_dim=4, n_layers=2
)
SENTENCES = [["The", "cat", "sat"], ["老虎", "在", "山", "上", "x" * 70], ["</S>"], ["a"]]


def made(options: ElmoOptions = OPTIONS, *, scale: float = 1.0, seed: int = 3) -> Elmo:
    torch.manual_seed(seed)
    model = Elmo(options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4 * scale)
    return model.eval()


@given(st.lists(st.text(max_size=30), max_size=5))
def test_characters_are_the_bytes_of_a_word_between_marks(words: list[str]) -> None:
    ids = character_ids(words, max_characters=20)
    assert ids.shape == (len(words), 20)
    for word, row in zip(words, ids.tolist(), strict=True):
        data = list(word.encode("utf-8", "replace"))[:18]
        assert row == [259, *(byte + 1 for byte in data), 260, *[261] * (18 - len(data))]


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        (OPTIONS, 1.0),
        (OPTIONS, 6.0),  # so that both clips bind
        (replace(OPTIONS, activation="tanh", skip_connections=False, n_highway=0), 1.0),
        (replace(OPTIONS, cell_clip=None, proj_clip=None, n_layers=1), 6.0),
    ],
)
def test_the_layers_are_those_of_the_plain_twin(options: ElmoOptions, scale: float) -> None:
    model = made(options, scale=scale)
    for sentence, found in zip(SENTENCES, model.embed(SENTENCES), strict=True):
        expected = reference.layers_of(sentence, options, model.weights())
        assert found.shape == (options.n_layers + 1, len(sentence), 8)
        np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


def test_forward_gives_what_embed_gives() -> None:
    model = made()
    words = ["<S>", "cat", "老虎", "</S>"]
    layers, _ = model(torch.from_numpy(character_ids(words))[None])
    np.testing.assert_allclose(layers[:, 0, 1:-1].detach().numpy(), model.embed([words[1:-1]])[0], atol=1e-6)


def test_a_sentence_does_not_depend_on_its_batch() -> None:
    model = made()
    together = model.embed(SENTENCES)
    for sentence, found in zip(SENTENCES, together, strict=True):
        np.testing.assert_allclose(found, model.embed([sentence])[0], atol=1e-6)


def test_the_state_goes_on_where_a_sentence_ended() -> None:
    """Forward, two sentences one after the other are one text: <S> a b </S> <S> c </S>."""
    model = made()
    _, state = model.embed([["a", "b"]], keep_state=True)
    second, _ = model.embed([["c"]], state=state, keep_state=True)
    whole = model.embed([["a", "b", "</S>", "<S>", "c"]])[0]
    np.testing.assert_allclose(second[0][:, :, :4], whole[:, 4:, :4], atol=1e-6)
    assert not np.allclose(second[0][:, :, :4], model.embed([["c"]])[0][:, :, :4])
    with pytest.raises(ArgumentError, match="state is of 1 sentences, got 2"):
        model.embed([["a"], ["b"]], state=state)


@pytest.mark.parametrize("sentences", [[], "ab", ["ab"]])
def test_sentences_must_be_lists_of_words(sentences: Any) -> None:
    with pytest.raises(ArgumentError, match="list of lists of words"):
        made().embed(sentences)


def test_the_mixture_is_the_mean_at_first_and_learns() -> None:
    layers = torch.from_numpy(made().embed([["a", "cat"]])[0])
    mix = LayerMix(3)
    torch.testing.assert_close(mix(layers), layers.mean(dim=0))
    mix(layers)[0, 0].backward()
    assert mix.weights.grad.abs().sum() > 0
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([0.0, 30.0, 0.0]))
        mix.gamma.fill_(2.0)
    torch.testing.assert_close(mix(layers), 2 * layers[1])


def test_both_forms_of_file_give_back_the_same_model(tmp_path: Path) -> None:
    model = made(replace(OPTIONS, proj_clip=None))
    model.export(tmp_path / "original")
    ours = tmp_path / "ours"
    ours.mkdir()
    write_options(ours / "options.json", model.options)
    write_safetensors(ours / "model.safetensors", model.weights())
    for folder in (tmp_path / "original", ours):
        again = Elmo.load(folder)
        assert again.options == model.options
        for name, array in model.weights().items():
            np.testing.assert_array_equal(again.weights()[name], array)


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "elmo"
    made().export(folder)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.pop("lstm"), "lstm is missing"),
        (lambda o: o["lstm"].update(dim=0), "dim must be a whole number from 1"),
        (lambda o: o["lstm"].update(dim=10**12), "dim must be a whole number"),
        (lambda o: o["lstm"].update(dim=8), "has shape .* options.json asks for"),
        (lambda o: o["lstm"].update(n_layers=3), "no tensor 'RNN_0"),
        (lambda o: o["lstm"].update(cell_clip=-1), "cell_clip must be a number above 0"),
        (lambda o: o["lstm"].update(proj_clip=1e308), "proj_clip must be a number above 0 and up to"),
        (lambda o: o["char_cnn"].update(filters=[[1, 4], 7]), "filters holds 7"),
        (lambda o: o["char_cnn"].update(filters=[[60, 4]]), "width 60 for words of 50"),
        (lambda o: o["char_cnn"].update(activation="gelu"), "relu or tanh"),
        (lambda o: o["char_cnn"].update(n_characters=300), "n_characters must be 262"),
    ],
)
def test_options_that_are_wrong_are_one_error(tmp_path: Path, change: Any, message: str) -> None:
    folder = folder_of(tmp_path)
    options = json.loads((folder / "options.json").read_text())
    change(options)
    (folder / "options.json").write_text(json.dumps(options))
    with pytest.raises(FormatError, match=message):
        Elmo.load(folder)


def test_weights_that_are_wrong_are_one_error(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    path = folder / "lm_weights.hdf5"
    whole = path.read_bytes()
    for cut in (0, 7, 100, len(whole) // 2):
        path.write_bytes(whole[:cut])
        with pytest.raises(FormatError, match=r"not a readable HDF5 file|no tensor"):
            Elmo.load(folder)
    (folder / "b.hdf5").write_bytes(whole)
    path.rename(folder / "a.hdf5")
    with pytest.raises(FormatError, match=r"one .hdf5 with weights was expected"):
        Elmo.load(folder)
    with pytest.raises(FormatError, match="cannot be read"):
        Elmo.load(tmp_path)


def test_damaged_bytes_never_crash(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    path = folder / "lm_weights.hdf5"
    whole = path.read_bytes()
    random = np.random.default_rng(4)
    for _ in range(60):
        data = bytearray(whole)
        for at in random.integers(0, len(data), 8):
            data[at] = random.integers(0, 256)
        path.write_bytes(data)
        try:
            Elmo.load(folder)
        except FormatError:
            continue


def test_links_out_of_the_file_and_other_types_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    path = folder / "lm_weights.hdf5"
    weights = made().weights()
    write_hdf5(tmp_path / "other.hdf5", weights)
    for change, message in (
        (
            lambda f: f.update({"char_embed": h5py.ExternalLink(str(tmp_path / "other.hdf5"), "char_embed")}),
            "a link",
        ),
        (lambda f: f.create_dataset("char_embed", data=np.zeros((261, 3), np.int64)), "array of floats"),
        (lambda f: f.create_dataset("char_embed", data=np.full((261, 3), np.nan, np.float32)), "NaN"),
        (lambda f: f.create_group("char_embed"), "array of floats"),
    ):
        write_hdf5(path, weights, force=True)
        with h5py.File(path, "r+") as file:
            del file["char_embed"]
            if message == "a link":
                file["char_embed"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "char_embed")
            else:
                change(file)
        with pytest.raises(FormatError, match=message):
            Elmo.load(folder)


def test_the_options_come_back(tmp_path: Path) -> None:
    write_options(tmp_path / "options.json", OPTIONS)
    assert read_options(tmp_path / "options.json") == OPTIONS


@pytest.mark.slow
def test_the_stored_outputs_of_the_original_program() -> None:
    folder = Path(os.environ.get("QIANRU_DATA", "../shared/data")) / "models/elmo-test"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    model = Elmo.load(folder)
    streams = json.loads((folder / "sentences.json").read_text("utf-8"))
    stored = [h5py.File(folder / f"lm_embeddings_{k}.hdf5") for k in range(len(streams))]
    state, worst = None, 0.0
    for i in range(len(streams[0])):
        layers, state = model.embed([stream[i].split() for stream in streams], state=state, keep_state=True)
        for found, file in zip(layers, stored, strict=True):
            halves = np.stack(np.split(found[-1], 2, axis=1))
            worst = max(worst, float(np.abs(halves - file[str(i)][()]).max()))
    assert worst < 1e-5
    words = (folder / "vocab_test.txt").read_text("utf-8").splitlines()
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][()]
    vectors = model.words(torch.from_numpy(character_ids(words))).detach().numpy()
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
