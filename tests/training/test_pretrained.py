"""Towers in every published form give, joined, the numbers that they give by themselves."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from transformers import VisionTextDualEncoderConfig

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.towers.dual_encoder import INITIAL_LOGIT_SCALE
from koclip.towers.text_tower import TextTower
from koclip.towers.vision_tower import VisionTower
from koclip.training.pretrained import initial_model, join_towers
from tests.conftest import ORACLE, WORDS, write_tokenizer
from tests.hub_server import HubServer, point_client_at
from tests.training.towers import FORMS, split_oracle, with_heads, write_tower, write_towers

TABLE = "roberta.embeddings.position_embeddings.weight"


@pytest.fixture
def towers(tmp_path) -> tuple[Path, Path]:
    """tiny-base as two tower folders, to be spoilt."""
    return write_towers(tmp_path)


def edit(folder: Path, **changes: object) -> None:
    """Replaces tensors of a safetensors folder; None takes one out."""
    tensors = load_file(folder / "model.safetensors") | changes
    kept = {name: value for name, value in tensors.items() if value is not None}
    save_file(kept, folder / "model.safetensors")


def with_projections_of(model: KoCLIP, size: str) -> KoCLIP:
    """`model` with the oracle's projections instead of random ones."""
    oracle = KoCLIP.from_pretrained(ORACLE / f"flax/tiny-{size}").parameters
    trained = {name: oracle[name] for name in ("text_projection", "visual_projection")}
    return KoCLIP(model.config, model.parameters | trained, model.processor, model.files)


def joined(folders: tuple[Path, Path], **options: object) -> KoCLIP:
    return join_towers(*map(str, folders), **{"projection_dim": 24} | options)


def refusal(folders: tuple[Path, Path], **options: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        joined(folders, **options)
    for language in ("ko", "en"):
        assert len(caught.value.localized(language)) > 20
    return caught.value


def close(actual: object, expected: np.ndarray) -> None:
    np.testing.assert_allclose(np.asarray(actual), expected, atol=1e-5, rtol=0)


# ---- the numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", ["base", "large"])
def test_features_are_those_of_the_towers(tmp_path, size, form):
    """As transformers computes them: text positions begin after the padding's."""
    model = with_projections_of(joined(write_towers(tmp_path, size, form)), size)
    oracle = np.load(ORACLE / f"pt/tiny-{size}.npz")
    close(model.get_image_features(oracle["pixel_values"]), oracle["image_features"])
    text = model.get_text_features(oracle["input_ids"], oracle["attention_mask"])
    close(text, oracle["text_features"])


def test_a_table_with_rows_for_the_offset_keeps_the_others(towers):
    """klue/roberta-large has 514 rows, of which token 0 reads the third; koclip-base has 512."""
    text, _ = towers
    rows = load_file(text / "model.safetensors")[TABLE]
    edit(text, **{TABLE: np.concatenate([np.full_like(rows[:2], 1e3), rows])})
    model = joined(towers)
    assert model.config.text.max_position_embeddings == model.config.text.max_tokens == 40
    assert not model.config.text.positions_after_padding
    np.testing.assert_array_equal(
        model.parameters["text_tower"]["position_embedding"]["embedding"], rows
    )
    oracle = np.load(ORACLE / "flax/tiny-base.npz")
    ids, mask = oracle["input_ids_full"], oracle["attention_mask_full"]
    close(
        with_projections_of(model, "base").get_text_features(ids, mask),
        oracle["text_features_full"],
    )


@pytest.mark.parametrize("head", [True, False])
def test_a_bert_counts_from_the_first_row(tmp_path, head):
    text, vision = write_towers(tmp_path)
    settings = json.loads((text / "config.json").read_text()) | {"model_type": "bert"}
    encoder, _ = split_oracle("base", "torch")
    (text / "model.safetensors").unlink()
    write_tower(text, settings, with_heads(encoder, "bert") if head else encoder, "safetensors")
    model = joined((text, vision))
    assert model.config.text.max_position_embeddings == 40
    oracle = np.load(ORACLE / "flax/tiny-base.npz")
    text_features = with_projections_of(model, "base").get_text_features(
        oracle["input_ids"], oracle["attention_mask"]
    )
    close(text_features, oracle["text_features"])


@pytest.mark.parametrize("size", ["base", "large"])
def test_bare_encoders_are_the_same(tmp_path, size):
    """RobertaModel, CLIPVisionModel and ViTModel: no heads, and for two of them no prefix."""
    text, vision = write_towers(tmp_path, size)
    expected = joined((text, vision)).parameters
    encoders = split_oracle(size, "torch")
    for folder, encoder in zip((text, vision), encoders, strict=True):
        settings = json.loads((folder / "config.json").read_text())
        (folder / "model.safetensors").unlink()
        write_tower(folder, settings.get("vision_config", settings), encoder, "safetensors")
    jax.tree.map(np.testing.assert_array_equal, joined((text, vision)).parameters, expected)


def test_norms_converted_from_tensorflow(towers):
    expected = joined(towers).parameters
    text, _ = towers
    tensors = load_file(text / "model.safetensors")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    for new, name in old.items():
        tensors = {key.replace(new, name): value for key, value in tensors.items()}
    assert "roberta.embeddings.LayerNorm.gamma" in tensors
    save_file(tensors, text / "model.safetensors")
    jax.tree.map(np.testing.assert_array_equal, joined(towers).parameters, expected)


# ---- what no tower brings ------------------------------------------------------------------


def test_projections_come_from_the_seed(towers):
    first, again, other = (joined(towers, seed=seed).parameters for seed in (3, 3, 4))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    for name, width in (("text_projection", 32), ("visual_projection", 48)):
        kernel = np.asarray(first[name]["kernel"])
        assert kernel.shape == (width, 24)
        assert kernel.std() == pytest.approx(0.02, rel=0.1)
        assert not np.array_equal(kernel, other[name]["kernel"])
    assert float(first["logit_scale"]) == pytest.approx(INITIAL_LOGIT_SCALE)
    np.testing.assert_array_equal(
        first["text_tower"]["pooler"]["kernel"], other["text_tower"]["pooler"]["kernel"]
    )


@pytest.mark.parametrize("size", ["base", "large"])
def test_a_missing_pooler_is_new_and_said_so(tmp_path, caplog, size):
    """As in klue/roberta-large and google/vit-large-patch16-224, whose heads need none."""
    folders = write_towers(tmp_path, size)
    whole = joined(folders).parameters
    poolers = ["text_tower"] if size == "base" else ["text_tower", "vision_tower"]
    for folder, prefix in zip(folders, ("roberta", "vit"), strict=False):
        if f"{prefix}.pooler.dense.weight" in load_file(folder / "model.safetensors"):
            edit(folder, **{f"{prefix}.pooler.dense.{leaf}": None for leaf in ("weight", "bias")})
    with caplog.at_level(logging.WARNING):
        models = [joined(folders, seed=seed).parameters for seed in (1, 1, 2)]
    assert len(caplog.records) == 3 * len(poolers)
    assert "has no pooler" in caplog.text
    for tower in poolers:
        kernels = [np.asarray(model[tower].pop("pooler")["kernel"]) for model in models]
        whole[tower].pop("pooler")
        np.testing.assert_array_equal(kernels[0], kernels[1])
        assert kernels[0].std() == pytest.approx(0.02, rel=0.1)
        assert not np.array_equal(kernels[0], kernels[2])
    for name in ("text_tower", "vision_tower"):
        jax.tree.map(np.testing.assert_array_equal, models[0][name], whole[name])


# ---- the model -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["base", "large"])
def test_the_model_can_be_saved_and_opened(tmp_path, size):
    model = joined(write_towers(tmp_path / "towers", size))
    model.save_pretrained(tmp_path / "saved")
    again = KoCLIP.from_pretrained(tmp_path / "saved")
    assert again.config == model.config
    assert again.processor.image_processor == model.processor.image_processor
    jax.tree.map(np.testing.assert_array_equal, again.parameters, model.parameters)
    texts = ["고양이 사진", "하늘"]
    np.testing.assert_allclose(again.embed_texts(texts), model.embed_texts(texts), atol=1e-6)
    theirs = VisionTextDualEncoderConfig.from_pretrained(tmp_path / "saved")
    assert theirs.text_config.max_position_embeddings == 40
    assert theirs.projection_dim == 24
    raw = json.loads((tmp_path / "saved/config.json").read_text())
    assert raw["vision_config"]["model_type"] == ("clip_vision_model" if size == "base" else "vit")
    assert "id2label" not in raw["vision_config"]


def test_transformers_opens_it_with_equal_output(tmp_path):
    torch = pytest.importorskip("torch", reason="transformers' own class needs PyTorch")
    from transformers import VisionTextDualEncoderModel

    model = joined(write_towers(tmp_path / "towers"))
    model.save_pretrained(tmp_path / "saved")
    theirs = VisionTextDualEncoderModel.from_pretrained(tmp_path / "saved").eval()
    oracle = np.load(ORACLE / "pt/tiny-base.npz")
    ids, mask, pixels = (oracle[k] for k in ("input_ids", "attention_mask", "pixel_values"))
    with torch.no_grad():
        outputs = theirs(
            input_ids=torch.tensor(ids).long(),
            attention_mask=torch.tensor(mask).long(),
            pixel_values=torch.tensor(pixels.transpose(0, 3, 1, 2)),
        )
    ours = model(input_ids=ids, attention_mask=mask, pixel_values=pixels)
    close(ours.text_embeds, outputs.text_embeds.numpy())
    close(ours.image_embeds, outputs.image_embeds.numpy())


@pytest.mark.parametrize(
    "image_class", ["CLIPModel", "CLIPVisionModel", "ViTForImageClassification"]
)
@pytest.mark.parametrize("text_class", ["RobertaForMaskedLM", "BertModel", "BertForPreTraining"])
def test_towers_as_transformers_saves_them(tmp_path, text_class, image_class, rng):
    """Its own classes write the checkpoints and compute what must come out."""
    torch = pytest.importorskip("torch", reason="transformers' own classes need PyTorch")
    import transformers

    torch.manual_seed(0)
    small = {"num_hidden_layers": 2, "num_attention_heads": 2}
    small |= {"hidden_size": 16, "intermediate_size": 24}
    pixels_of = {"image_size": 32, "patch_size": 8}
    kind = text_class.partition("F")[0].removesuffix("Model")
    text_config = getattr(transformers, f"{kind}Config")(vocab_size=64, **small)
    text = getattr(transformers, text_class)(text_config).eval()
    if image_class == "CLIPModel":
        image_config = transformers.CLIPConfig(vision_config=small | pixels_of, text_config=small)
    else:
        kind = image_class.partition("F")[0].removesuffix("Model")
        image_config = getattr(transformers, f"{kind}Config")(**small, **pixels_of)
    image = getattr(transformers, image_class)(image_config).eval()
    for model, name in ((text, "text"), (image, "image")):
        for value in model.parameters():  # else biases are 0 and norms 1
            torch.nn.init.normal_(value, std=0.2)
        model.save_pretrained(tmp_path / name)
    write_tokenizer(tmp_path / "text/tokenizer.json", WORDS)
    ours = joined((tmp_path / "text", tmp_path / "image"))
    ids = rng.integers(4, 64, (2, 9))
    pixels = rng.normal(size=(2, 32, 32, 3)).astype(np.float32)
    with torch.no_grad():
        theirs = text.base_model(input_ids=torch.tensor(ids)).last_hidden_state
        encoder = image.vision_model if image_class == "CLIPModel" else image.base_model
        image_states = encoder(torch.tensor(pixels.transpose(0, 3, 1, 2))).last_hidden_state
    tower = TextTower(ours.config.text)
    states = tower.apply({"params": ours.parameters["text_tower"]}, ids, np.ones_like(ids))
    close(states.last_hidden_state, theirs.numpy())
    tower = VisionTower(ours.config.vision)
    states = tower.apply({"params": ours.parameters["vision_tower"]}, pixels)
    close(states.last_hidden_state, image_states.numpy())


def test_towers_come_from_the_hub(towers, tmp_path, monkeypatch):
    with HubServer() as server:
        point_client_at(monkeypatch, server.url, tmp_path / "home")
        server.add("klue/roberta-large", towers[0])
        server.add("openai/clip-vit-base-patch32", towers[1])
        model = join_towers("klue/roberta-large", "openai/clip-vit-base-patch32", projection_dim=24)
    jax.tree.map(np.testing.assert_array_equal, model.parameters, joined(towers).parameters)
    assert model.name == "klue/roberta-large+openai/clip-vit-base-patch32"


def test_a_configuration_names_towers_or_a_whole_model(towers, tiny_korean_folder):
    names = dict(zip(("text_tower", "vision_tower"), map(str, towers), strict=True))
    settings = SimpleNamespace(**names, projection_dim=24, seed=5, model="")
    expected = joined(towers, seed=5).parameters
    jax.tree.map(np.testing.assert_array_equal, initial_model(settings).parameters, expected)
    settings.model = str(tiny_korean_folder)
    assert initial_model(settings).name == tiny_korean_folder.name


# ---- what is refused -----------------------------------------------------------------------


def test_the_faults_of_both_towers_are_one_error(towers):
    text, vision = towers
    edit(
        text,
        **{
            "roberta.encoder.layer.1.output.dense.bias": None,
            "roberta.encoder.layer.0.attention.self.key.bias": np.zeros(5, np.float32),
            "roberta.adapter.weight": np.zeros(2, np.float32),
            "roberta.pooler.dense.bias": None,
        },
    )
    edit(vision, **{"vision_model.pre_layrnorm.bias": None, "head": np.zeros(1, np.float32)})
    error = refusal(towers)
    assert error.code == "weights_mismatch"
    text_file, vision_file = text / "model.safetensors", vision / "model.safetensors"
    assert sorted(str(error).splitlines()[1:]) == sorted(
        [
            f"{text_file}: missing: roberta.encoder.layer.1.output.dense.bias [32]",
            f"{text_file}: missing: roberta.pooler.dense.bias [32]",
            f"{text_file}: unknown: roberta.adapter.weight [2]",
            f"{text_file}: wrong shape: roberta.encoder.layer.0.attention.self.key.bias is [5], "
            "expected [32]",
            f"{vision_file}: missing: vision_model.pre_layrnorm.bias [48]",
            f"{vision_file}: unknown: head [1]",
        ]
    )


def test_towers_the_wrong_way_round(towers):
    error = refusal(towers[::-1])
    assert error.code in ("tokenizer_missing", "config_unsupported")
    write_tokenizer(towers[1] / "tokenizer.json", WORDS)
    error = refusal(towers[::-1])
    assert (error.code, error.values["part"]) == ("config_unsupported", "text")


@pytest.mark.parametrize("kind", ["resnet", "efficientnet-lite", "roberta"])
def test_image_towers_of_other_kinds(towers, kind):
    (towers[1] / "config.json").write_text(json.dumps({"model_type": kind}))
    error = refusal(towers)
    assert (error.code, error.values["kind"]) == ("config_unsupported", kind)
    assert str(towers[1]) in str(error)


def test_a_setting_that_makes_no_sense_names_its_file(towers):
    for folder in towers:
        path = folder / "config.json"
        kept = path.read_text()
        for broken in ("[]", "{", kept.replace('"hidden_size": ', '"hidden_size": -')):
            path.write_text(broken)
            assert str(path) in str(refusal(towers))
        path.write_text(kept)


@pytest.mark.parametrize("projection_dim", [0, -1, 1.5, True, "512"])
def test_projection_dims_that_make_no_sense(towers, projection_dim):
    error = refusal(towers, projection_dim=projection_dim)
    assert (error.code, error.values["key"]) == ("config_bad_value", "projection_dim")


@pytest.mark.parametrize("rows", [1, 2])
def test_a_position_table_of_padding_alone(towers, rows):
    edit(towers[0], **{TABLE: np.zeros((rows, 32), np.float32)})
    assert refusal(towers).values["key"] == "pad_token_id"


def test_a_text_tower_without_a_tokenizer(towers):
    (towers[0] / "tokenizer.json").unlink()
    assert refusal(towers).code == "tokenizer_missing"


@pytest.mark.parametrize("form", FORMS)
def test_damaged_weights(tmp_path, form):
    folders = write_towers(tmp_path, form=form)
    weights = next(p for p in folders[1].iterdir() if p.name != "config.json")
    weights.write_bytes(weights.read_bytes()[:-500])
    assert str(weights) in str(refusal(folders))


def test_towers_that_do_not_exist(towers):
    assert refusal((towers[0], towers[0].parent / "none")).code == "hub_no_folder"
