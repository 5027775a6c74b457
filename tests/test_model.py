"""KoCLIP as people use it, and the padding that must not change a result."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP, load_koclip
from koclip.errors import KoCLIPError
from koclip.similarity import unit_rows
from tests.conftest import ORACLE


@pytest.fixture(scope="module")
def tiny_torch() -> KoCLIP:
    """`tiny_base` in the PyTorch form: positions follow the padding."""
    return KoCLIP.from_pretrained(ORACLE / "pt/tiny-base-safetensors")


@pytest.fixture(params=["tiny_base", "tiny_torch"])
def model(request) -> KoCLIP:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    pixels = np.random.default_rng(14).integers(0, 256, (37, 50, 3), np.uint8)
    return Image.fromarray(pixels)


def random_texts(model: KoCLIP, lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask of texts with these lengths, padded on the right."""
    rng = np.random.default_rng(15)
    pad = model.config.text.pad_token_id
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int32)
    ids = rng.integers(pad + 1, model.config.text.vocab_size, mask.shape, np.int32)
    return np.where(mask, ids, pad), mask


def code_of(function, *arguments: object, **named: object) -> str:
    with pytest.raises(KoCLIPError) as caught:
        function(*arguments, **named)
    assert caught.value.localized("ko")
    return caught.value.code


# The original's quickstart -------------------------------------------------------------------


@pytest.mark.parametrize("tensors", ["jax", "np"])
def test_the_documented_quickstart(tiny_korean_folder, picture, tensors):
    model, processor = load_koclip(str(tiny_korean_folder))
    text = ["고양이 사진", "강아지", "이것은 커피 이다."]
    inputs = processor(text=text, images=picture, return_tensors=tensors, padding=True)
    outputs = model(**inputs)
    assert outputs.logits_per_image.shape == (1, 3)
    assert outputs.logits_per_text.shape == (3, 1)
    probabilities = jax.nn.softmax(outputs.logits_per_image, axis=1)
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)

    text_rows = np.float64(model.get_text_features(inputs["input_ids"], inputs.attention_mask))
    image_rows = np.float64(model.get_image_features(inputs["pixel_values"]))
    text_rows /= np.linalg.norm(text_rows, axis=1, keepdims=True)
    image_rows /= np.linalg.norm(image_rows, axis=1, keepdims=True)
    expected = image_rows @ text_rows.T * np.exp(np.float64(model.parameters["logit_scale"]))
    np.testing.assert_allclose(outputs.logits_per_image, expected, atol=2e-5)
    np.testing.assert_array_equal(outputs.logits_per_text, outputs.logits_per_image.T)
    np.testing.assert_allclose(outputs.text_embeds, text_rows, atol=1e-6)
    np.testing.assert_allclose(outputs.image_embeds, model.embed_images(picture), atol=1e-6)
    results = model.classify(picture, ["강아지"], "{}")
    assert results[0].cosine * model.logit_scale == pytest.approx(
        float(outputs.logits_per_image[0, 1]), abs=2e-5
    )


def test_inputs_are_named_and_shaped_as_the_originals(tiny_korean: KoCLIP, picture):
    inputs = tiny_korean.processor(
        text=["고양이", "바다"], images=[picture, picture], return_tensors="jax", padding=True
    )
    assert list(inputs) == ["input_ids", "attention_mask", "pixel_values"]
    assert all(isinstance(value, jax.Array) for value in inputs.values())
    assert inputs.input_ids.shape == inputs.attention_mask.shape == (2, 5)
    assert inputs.pixel_values.shape == (2, 32, 32, 3)
    with pytest.raises(AttributeError):
        _ = inputs.token_type_ids


def test_texts_or_images_alone(tiny_korean: KoCLIP, picture):
    assert list(tiny_korean.processor(text="고양이")) == ["input_ids", "attention_mask"]
    assert list(tiny_korean.processor(images=picture)) == ["pixel_values"]
    assert tiny_korean.processor(images=[])["pixel_values"].shape == (0, 32, 32, 3)
    assert code_of(tiny_korean.processor, text="고양이", return_tensors="pt") == "tensors_unknown"
    assert code_of(tiny_korean.processor, text=5) == "text_not_string"
    assert code_of(tiny_korean.processor, images=5) == "image_wrong_type"


def test_token_type_ids_may_be_there(tiny_base: KoCLIP):
    ids, mask = random_texts(tiny_base, [5, 3])
    pixels = np.zeros((1, 32, 32, 3), np.float32)
    plain = tiny_base(ids, pixels, mask)
    typed = tiny_base(
        input_ids=ids, pixel_values=pixels, attention_mask=mask, token_type_ids=np.zeros_like(ids)
    )
    np.testing.assert_array_equal(plain.logits_per_image, typed.logits_per_image)


# Batches and buckets -------------------------------------------------------------------------


def test_texts_do_not_depend_on_batch_or_padding(model):
    """Forty at once, padded to the longest, against each by itself without padding."""
    lengths = [1, 2, 7, 8, 9, 16, 17, 32, 33, 38] * 4
    ids, mask = random_texts(model, lengths)
    together = unit_rows(model.get_text_features(ids, mask))
    for i, length in enumerate(lengths[:10]):
        alone = unit_rows(model.get_text_features(ids[i : i + 1, :length]))
        np.testing.assert_allclose(alone, together[i : i + 1], atol=1e-6, err_msg=f"{length}")
    part = unit_rows(model.get_text_features(ids[:33], mask[:33]))
    np.testing.assert_allclose(part, together[:33], atol=1e-6)


@pytest.mark.parametrize("width", [6, 8, 9, 16, 17, 38])
def test_texts_do_not_depend_on_the_bucket(model, width):
    ids, mask = random_texts(model, [6])
    expected = unit_rows(model.get_text_features(ids, mask))
    more = ((0, 0), (0, width - 6))
    pad = model.config.text.pad_token_id
    actual = model.get_text_features(np.pad(ids, more, constant_values=pad), np.pad(mask, more))
    np.testing.assert_allclose(unit_rows(actual), expected, atol=1e-6)


def test_what_stands_under_the_mask_does_not_matter(tiny_base: KoCLIP):
    ids, mask = random_texts(tiny_base, [6, 4])
    expected = tiny_base.get_text_features(ids, mask)
    actual = tiny_base.get_text_features(np.where(mask, ids, 33), mask)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_images_do_not_depend_on_the_batch(tiny_base: KoCLIP):
    pixels = np.random.default_rng(16).normal(size=(40, 32, 32, 3)).astype(np.float32)
    together = unit_rows(tiny_base.get_image_features(pixels))
    for size in (1, 3, 33):
        part = unit_rows(tiny_base.get_image_features(pixels[:size]))
        np.testing.assert_allclose(part, together[:size], atol=1e-6)
    np.testing.assert_allclose(
        unit_rows(tiny_base.get_image_features(pixels[39:])), together[39:], atol=1e-6
    )


# Features ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64, list, jnp.int32])
def test_token_ids_of_any_whole_type(tiny_base: KoCLIP, dtype):
    ids, mask = random_texts(tiny_base, [5, 3])
    expected = tiny_base.get_text_features(ids, mask)
    if dtype is list:
        ids, mask = ids.tolist(), mask.tolist()
    elif dtype is jnp.int32:
        ids, mask = jnp.asarray(ids), jnp.asarray(mask)
    else:
        ids, mask = ids.astype(dtype), mask.astype(dtype)
    np.testing.assert_array_equal(tiny_base.get_text_features(ids, mask), expected)


@pytest.mark.parametrize("dtype", [bool, np.float32, np.uint8])
def test_masks_of_any_numeric_type(tiny_base: KoCLIP, dtype):
    ids, mask = random_texts(tiny_base, [5, 3])
    expected = tiny_base.get_text_features(ids, mask)
    np.testing.assert_array_equal(tiny_base.get_text_features(ids, mask.astype(dtype)), expected)


def test_a_text_that_is_all_padding_has_finite_features(model):
    ids = np.full((2, 5), model.config.text.pad_token_id)
    for mask in (None, np.zeros((2, 5), int)):
        assert np.isfinite(model.get_text_features(ids, mask)).all()


def test_the_longest_text(model):
    limit = model.config.text.max_tokens
    assert limit == (38 if model.config.text.positions_after_padding else 40)
    ids, _ = random_texts(model, [limit + 1])
    assert np.isfinite(model.get_text_features(ids[:, :limit])).all()
    with pytest.raises(KoCLIPError) as caught:
        model.get_text_features(ids)
    assert caught.value.code == "text_too_long"
    assert f"{limit + 1} tokens" in str(caught.value)
    assert f"at most {limit}" in str(caught.value)


@pytest.mark.parametrize("value", [-1, 64, 10**9, -(2**31), 2**40])
def test_ids_outside_the_vocabulary(tiny_base: KoCLIP, value):
    with pytest.raises(KoCLIPError) as caught:
        tiny_base.get_text_features(np.array([[3, value, 5]]))
    assert caught.value.code == "token_out_of_range"
    assert str(value) in str(caught.value)
    assert "0–63" in str(caught.value)


@pytest.mark.parametrize(
    "ids",
    [
        [],
        [[]],
        [1, 2, 3],
        5,
        [[[1, 2]]],
        [[1, 2], [3]],
        [[1.0, 2.0]],
        [[True, False]],
        [["1", "2"]],
        [[None, 1]],
        None,
        "고양이",
        np.zeros((0, 4), int),
        np.zeros((4, 0), int),
    ],
    ids=repr,
)
def test_token_ids_of_the_wrong_shape_or_type(tiny_base: KoCLIP, ids):
    assert code_of(tiny_base.get_text_features, ids) == "tokens_bad_shape"


@pytest.mark.parametrize(
    "mask",
    [[1, 1, 1], [[1, 1]], [[1, 1, 1], [1, 1, 1]], [[1], [1, 1]], [["1", "1", "1"]], 1, "x"],
    ids=repr,
)
def test_masks_of_the_wrong_shape_or_type(tiny_base: KoCLIP, mask):
    assert code_of(tiny_base.get_text_features, [[1, 2, 3]], mask) == "mask_bad_shape"


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((32, 32, 3)),
        np.zeros((1, 3, 32, 32)),
        np.zeros((1, 32, 31, 3)),
        np.zeros((1, 32, 32, 4)),
        np.zeros((1, 32, 32, 3), complex),
        np.full((1, 32, 32, 3), "x"),
        np.full((1, 32, 32, 3), None),
        [[1, 2], [3]],
        None,
        5,
        [],
        "cat.jpg",
    ],
    ids=lambda pixels: str(getattr(pixels, "shape", pixels)),
)
def test_pixels_of_the_wrong_shape_or_type(tiny_base: KoCLIP, pixels):
    with pytest.raises(KoCLIPError) as caught:
        tiny_base.get_image_features(pixels)
    assert caught.value.code == "pixels_bad_shape"
    assert "[B, 32, 32, 3]" in str(caught.value)


def test_pixels_of_any_numeric_type(tiny_base: KoCLIP):
    pixels = np.random.default_rng(17).integers(0, 3, (1, 32, 32, 3))
    expected = tiny_base.get_image_features(pixels.astype(np.float32))
    for dtype in (np.int64, np.uint8, np.float64, np.float16, jnp.bfloat16):
        actual = tiny_base.get_image_features(pixels.astype(dtype))
        np.testing.assert_array_equal(actual, expected)
    assert tiny_base.get_image_features(np.zeros((0, 32, 32, 3))).shape == (0, 24)


# Embeddings ----------------------------------------------------------------------------------


def test_embeddings_are_unit_rows(tiny_korean: KoCLIP, picture):
    texts = tiny_korean.embed_texts(["고양이", "강아지 사진", ""])
    images = tiny_korean.embed_images([picture, np.asarray(picture)])
    for rows, count in ((texts, 3), (images, 2)):
        assert rows.shape == (count, 24)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(images[0], images[1])


def test_one_or_none_to_embed(tiny_korean: KoCLIP, picture):
    assert (
        tiny_korean.embed_texts("고양이").shape
        == tiny_korean.embed_images(picture).shape
        == (1, 24)
    )
    assert tiny_korean.embed_texts([]).shape == tiny_korean.embed_images([]).shape == (0, 24)
    np.testing.assert_allclose(
        tiny_korean.embed_texts(text for text in ["고양이"]), tiny_korean.embed_texts("고양이")
    )


@pytest.mark.parametrize("texts", [None, 5, [5], ["고양이", None], b"cat", [b"cat"]])
def test_what_is_no_text(tiny_korean: KoCLIP, texts):
    assert code_of(tiny_korean.embed_texts, texts) == "text_not_string"


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (None, "image_missing"),
        ([None], "image_missing"),
        (5, "image_wrong_type"),
        ({}, "image_wrong_type"),
        (b"", "image_unreadable"),
        ("no.png", "image_not_found"),
    ],
)
def test_what_is_no_image(tiny_korean: KoCLIP, images, code):
    assert code_of(tiny_korean.embed_images, images) == code


def test_a_model_knows_its_name_and_revision(tiny_korean: KoCLIP, tiny_base: KoCLIP):
    assert (tiny_korean.name, tiny_base.name) == ("tiny-korean", "tiny-base")
    assert tiny_korean.revision == tiny_base.revision  # the same weights
    assert tiny_base.logit_scale == pytest.approx(
        float(np.exp(np.float64(tiny_base.parameters["logit_scale"]))), rel=1e-6
    )


def test_the_row_of_an_image_stands_for_the_image(mini, picture):
    (row,) = mini.embed_images(picture)
    rows = mini.embed_images([row * 3, picture])
    np.testing.assert_allclose(rows, [row, row], atol=1e-6)
    labels = ["고양이", "강아지"]
    of_row, of_picture = mini.classify(row, labels), mini.classify(picture, labels)
    assert [score.label for score in of_row] == [score.label for score in of_picture]
    assert of_row[0].probability == pytest.approx(of_picture[0].probability, abs=1e-4)
