"""What learns, how fast, and what is decayed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.traverse_util import flatten_dict

from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.config import ModelConfig, TextConfig, ViTConfig
from koclip.errors import KoCLIPError
from koclip.training.optimizer import is_decayed, learning_rate, make_optimizer, split_locked
from tests.training import toy


@pytest.mark.parametrize(
    ("schedule", "middle"), [("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)]
)
def test_learning_rate(schedule, middle):
    config = toy.config(learning_rate=2.0, warmup_steps=4, schedule=schedule)
    rate = learning_rate(config, total_steps=24)
    np.testing.assert_allclose([rate(i) for i in range(5)], [0.5, 1, 1.5, 2, 2], rtol=1e-6)
    np.testing.assert_allclose(rate(14), 2 * middle, rtol=1e-6)
    np.testing.assert_allclose(rate(24), 2 if schedule == "constant" else 0, atol=1e-6)


def test_learning_rate_of_the_original():
    """No warm-up, from the peak in a straight line to 0."""
    rate = learning_rate(toy.config(learning_rate=5e-5), total_steps=10)
    np.testing.assert_allclose(
        [rate(i) for i in range(11)], 5e-5 * np.linspace(1, 0, 11), rtol=1e-5
    )


def test_one_step_of_warm_up_is_none():
    config = toy.config(learning_rate=1.0, warmup_steps=1, schedule="constant")
    assert [float(learning_rate(config, 3)(i)) for i in range(3)] == [1, 1, 1]


def test_matrices_and_tables_are_decayed_and_nothing_else():
    text = TextConfig(8, 8, 1, 2, 8, max_position_embeddings=8)
    vision = ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=8,
        patch_size=4,
    )
    flat = flatten_dict(parameter_shapes(ModelConfig(text, vision, 8)), sep=".")
    decayed = {path for path in flat if is_decayed(path)}
    assert all(len(flat[path].shape) >= 2 for path in decayed)
    spared = flat.keys() - decayed
    assert {path for path in spared if len(flat[path].shape) >= 2} == set()
    assert "logit_scale" in spared
    assert "vision_tower.class_token" in spared
    assert any(path.endswith("norm.scale") for path in spared)


def update(config, gradients: dict, parameters: dict) -> dict:
    optimizer = make_optimizer(config, parameters, total_steps=10)
    updates, _ = optimizer.update(gradients, optimizer.init(parameters), parameters)
    return updates


def test_first_update_is_adamw():
    parameters = {"a.kernel": jnp.full((2, 2), 4.0), "a.bias": jnp.full(2, 4.0)}
    gradients = {"a.kernel": jnp.full((2, 2), 0.3), "a.bias": jnp.full(2, -0.3)}
    updates = update(toy.config(learning_rate=0.5, weight_decay=0.1), gradients, parameters)
    np.testing.assert_allclose(updates["a.kernel"], -0.5 * (1 + 0.1 * 4), rtol=1e-5)
    np.testing.assert_allclose(updates["a.bias"], 0.5, rtol=1e-5)


def test_groups_learn_at_their_own_rate():
    parameters = {name: jnp.ones((2, 2)) for name in ("text_tower.kernel", "vision_tower.kernel")}
    plain = update(toy.config(), parameters, parameters)
    slow = update(
        toy.config(learning_rate_multipliers=(("text_", 0.1), (".*kernel", 2.0))),
        parameters,
        parameters,
    )
    np.testing.assert_allclose(slow["text_tower.kernel"], 0.1 * plain["text_tower.kernel"])
    np.testing.assert_allclose(slow["vision_tower.kernel"], 2 * plain["vision_tower.kernel"])


def second_update(*gradients: tuple[float, float], **changes) -> list[float]:
    """Of two steps: Adam forgets a factor that all gradients share, so one step would not do."""
    parameters = {"a.bias": jnp.zeros(()), "b.bias": jnp.zeros(())}
    optimizer = make_optimizer(toy.config(**changes), parameters, total_steps=10)
    state = optimizer.init(parameters)
    for gradient in gradients:
        gradient = dict(zip(parameters, map(jnp.float32, gradient), strict=True))
        updates, state = optimizer.update(gradient, state, parameters)
    return [float(update) for update in updates.values()]


def test_gradients_are_clipped_as_one_vector():
    small = (0.3, -0.2)
    clipped = second_update(small, (30.0, 40.0), max_gradient_norm=1.0)
    assert clipped == pytest.approx(second_update(small, (0.6, 0.8)), rel=1e-5)
    assert clipped != pytest.approx(second_update(small, (30.0, 40.0)), rel=1e-2)


def test_locked_patterns_match_from_the_start():
    flat = {"vision_tower.a": 1, "text_tower.vision_tower": 2, "logit_scale": 3}
    trained, locked = split_locked(flat, ("vision_tower",))
    assert locked == {"vision_tower.a": 1}
    assert trained == {"text_tower.vision_tower": 2, "logit_scale": 3}


def test_a_pattern_that_matches_nothing_is_named():
    flat = {"vision_tower.a": 1, "logit_scale": 3}
    with pytest.raises(KoCLIPError, match=r"'image_tower' in 'locked'.*logit_scale, vision_tower"):
        split_locked(flat, ("vision_tower", "image_tower"))
    with pytest.raises(KoCLIPError, match="learning_rate_multipliers"):
        make_optimizer(toy.config(learning_rate_multipliers=(("x", 0.1),)), flat, 10)


def test_nothing_left_to_train():
    with pytest.raises(KoCLIPError, match="nothing is left"):
        split_locked({"a": 1}, (".*",))


def test_locked_parameters_have_no_optimizer_state():
    trained, _ = split_locked({"a.kernel": jnp.ones(3), "b.kernel": jnp.ones(5)}, ("b",))
    state = make_optimizer(toy.config(), trained, 10).init(trained)
    assert {x.shape for x in jax.tree.leaves(state)} == {(), (3,)}
    assert isinstance(state[0], optax.ScaleByAdamState)
