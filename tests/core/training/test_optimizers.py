"""Optimizers and the courses of their learning rates, against the formulas."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import ops

from core.config import OptimizerConfig
from core.config.optimizer import OPTIMIZERS
from core.training.arrays import training_set
from core.training.optimizers import build_optimizer, build_schedule
from core.training.train import compiled_model


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_lowers_a_loss(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2, "softmax", name="softmax")]
    )
    config = OptimizerConfig(name=name, learning_rate=0.01, weight_decay=0.001, gradient_clip_norm=1.0)
    model.compile(build_optimizer(config, 4, 10), "categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    y = np.eye(2, dtype=np.float32)[(x[:, 0] > 0).astype(int)]
    losses = model.fit(x, y, batch_size=16, epochs=10, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]


KERNEL, BIAS = [[0.5, -2.0], [1.0, 4.0]], [1.0, -3.0]
RATE = 0.1


def after(
    config: OptimizerConfig, *gradients: tuple[list[list[float]], list[float]], layer: str = "fc1"
) -> tuple[np.ndarray, np.ndarray]:
    """`KERNEL` and `BIAS` after a step along each (gradient of the kernel, gradient of the bias)."""
    variables = [
        keras.Variable(value, dtype="float32", name=name)
        for value, name in ((KERNEL, "kernel"), (BIAS, "bias"))
    ]
    for variable in variables:
        variable._path = f"network/{layer}/{variable.name}"  # what being a layer's does, and Muon looks at
    optimizer = build_optimizer(config, 10, 10)
    optimizer.build(variables)
    for step in gradients:
        optimizer.apply([ops.convert_to_tensor(part, "float32") for part in step], variables)
    optimizer.finalize_variable_values(variables)
    kernel, bias = (ops.convert_to_numpy(variable) for variable in variables)
    return kernel, bias


def sgd(**settings: object) -> OptimizerConfig:
    return OptimizerConfig(name="sgd", learning_rate=RATE, momentum=0.0, **settings)


FIRST = ([[1.0, 2.0], [-2.0, 0.0]], [4.0, 0.0])  # of norm 5
SECOND = ([[0.5, -1.0], [0.0, 3.0]], [-2.0, 1.0])


def test_plain_sgd_goes_against_the_gradient() -> None:
    kernel, bias = after(sgd(), FIRST)
    np.testing.assert_allclose(kernel, np.subtract(KERNEL, 0.1 * np.array(FIRST[0])), rtol=1e-6)
    np.testing.assert_allclose(bias, np.subtract(BIAS, 0.1 * np.array(FIRST[1])), rtol=1e-6)


@pytest.mark.parametrize(("clip", "factor"), [(1.0, 1 / 5), (2.5, 1 / 2), (6.0, 1.0)])
def test_gradients_are_clipped_to_their_norm_over_all_weights(clip: float, factor: float) -> None:
    kernel, bias = after(sgd(gradient_clip_norm=clip), FIRST)
    np.testing.assert_allclose(kernel, KERNEL - RATE * factor * np.array(FIRST[0]), rtol=1e-5)
    np.testing.assert_allclose(bias, BIAS - RATE * factor * np.array(FIRST[1]), rtol=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_carries_the_former_step_on(nesterov: bool) -> None:
    config = OptimizerConfig(name="sgd", learning_rate=RATE, momentum=0.8, nesterov=nesterov)
    expected, velocity = np.array(KERNEL), np.zeros((2, 2))
    for gradient, _ in (FIRST, SECOND):
        velocity = 0.8 * velocity - RATE * np.array(gradient)
        # Nesterov's looks ahead along the new velocity (Sutskever et al., ICML 2013, in Keras's form).
        expected = expected + (0.8 * velocity - RATE * np.array(gradient) if nesterov else velocity)
    np.testing.assert_allclose(after(config, FIRST, SECOND)[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("adam", 1.0),  # m / √v after one step: the gradient's sign
        ("adamw", 1.0),
        ("lion", 1.0),
        ("rmsprop", 1 / math.sqrt(0.1)),  # v holds a tenth of the gradient's square
        ("muon", 1.0),  # which leaves vectors to Adam
    ],
)
def test_the_first_step_of_those_that_scale_by_the_gradient(name: str, size: float) -> None:
    _, bias = after(OptimizerConfig(name=name, learning_rate=RATE), SECOND)
    np.testing.assert_allclose(bias, BIAS - RATE * size * np.sign(SECOND[1]), rtol=1e-4)


def test_muon_s_step_along_a_matrix_is_orthogonal() -> None:
    config = OptimizerConfig(name="muon", learning_rate=RATE)
    kernel, _ = after(config, SECOND)
    step = (KERNEL - kernel) / RATE
    left, sizes, right = np.linalg.svd(SECOND[0])
    # Five Newton-Schulz iterations bring the singular values to 0.7 to 1.2 (Jordan et al., "Muon", 2024).
    found = np.diag(left.T @ step @ right.T)
    scale = found.mean()
    np.testing.assert_allclose(left.T @ step @ right.T / scale, np.eye(2), atol=0.3)
    assert sizes[0] / sizes[1] > 5, "the gradient itself is far from it"
    # The output layer is left to Adam.
    kernel, _ = after(config, SECOND, layer="softmax")
    np.testing.assert_allclose(kernel, KERNEL - RATE * np.sign(SECOND[0]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layer", ["fc1", "softmax"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_shrinks_kernels_and_leaves_biases_alone(name: str, layer: str) -> None:
    kernels, biases = zip(
        *(
            after(OptimizerConfig(name=name, learning_rate=RATE, weight_decay=decay), SECOND, layer=layer)
            for decay in (0.0, 0.5)
        ),
        strict=True,
    )
    # Decoupled from the gradient (arXiv 1711.05101): by rate times decay of the weight, whatever the step.
    np.testing.assert_allclose(kernels[1] - kernels[0], -RATE * 0.5 * np.array(KERNEL), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(biases[1], biases[0])


def test_weight_decay_leaves_batch_normalisation_alone() -> None:
    optimizer = build_optimizer(sgd(weight_decay=0.5), 10, 10)
    norm = keras.layers.BatchNormalization()
    norm.build((None, 4))
    optimizer.build(norm.trainable_variables)
    optimizer.apply([ops.zeros(4), ops.zeros(4)], norm.trainable_variables)
    np.testing.assert_array_equal(norm.gamma, np.ones(4))


def test_averaged_weights_follow_at_their_momentum() -> None:
    one, two = (after(sgd(), *steps)[0] for steps in ([FIRST], [FIRST, SECOND]))
    averaged, _ = after(sgd(weight_averaging=0.7), FIRST, SECOND)
    np.testing.assert_allclose(averaged, 0.7 * one + 0.3 * two, rtol=1e-5)


def test_label_smoothing_takes_from_the_right_class_for_all(config, arrays) -> None:
    config = config.with_values({"optimizer.label_smoothing": 0.3})
    loss = compiled_model(config, training_set(arrays), 4).loss
    # Of three classes each gets 0.1, the right one 0.7 more (Szegedy et al., arXiv 1512.00567).
    expected = -(0.8 * math.log(0.5) + 0.1 * math.log(0.3) + 0.1 * math.log(0.2))
    assert float(loss(np.array([[1.0, 0, 0]]), np.array([[0.5, 0.3, 0.2]]))) == pytest.approx(expected)


def rates(config: OptimizerConfig, steps: int, epochs: int) -> list[float]:
    schedule = build_schedule(config, steps, epochs)
    return [float(schedule(step)) for step in range(steps * epochs)]


def test_cosine_rises_in_the_warm_up_and_ends_near_nothing() -> None:
    got = rates(OptimizerConfig(schedule="cosine", learning_rate=0.1, warmup_epochs=1), 10, 5)
    expected = [0.1 * s / 10 for s in range(10)]
    expected += [0.1 * 0.5 * (1 + math.cos(math.pi * s / 40)) for s in range(40)]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-7)


def test_step_falls_by_its_factor() -> None:
    got = rates(OptimizerConfig(schedule="step", learning_rate=0.1, step_epochs=2, step_factor=0.5), 3, 6)
    np.testing.assert_allclose(got, [0.1] * 6 + [0.05] * 6 + [0.025] * 6, rtol=1e-5)


def test_triangular_goes_straight_up_and_straight_down() -> None:
    got = rates(OptimizerConfig(schedule="triangular", learning_rate=0.5), 50, 4)
    # Corners and heights as Jordan gives them (arXiv 2404.00498): a fifth, the whole at 23 % of the steps, 7 %.
    np.testing.assert_allclose(got, 0.5 * np.interp(range(200), [0, 46, 200], [0.2, 1.0, 0.07]), rtol=1e-5)
    assert np.argmax(got) == 46


def test_one_cycle_peaks_after_30_percent() -> None:
    got = rates(OptimizerConfig(schedule="one_cycle", learning_rate=0.1), 10, 10)
    assert got[0] == pytest.approx(0.1 / 25)
    assert int(np.argmax(got)) == 30
    assert max(got) == pytest.approx(0.1)
    assert got[65] == pytest.approx(0.1 * (1e-4 + (1 - 1e-4) * 0.5), rel=1e-3)  # half-way down
    assert all(b < a for a, b in itertools.pairwise(got[30:]))


def test_a_constant_rate_is_a_number() -> None:
    assert build_schedule(OptimizerConfig(learning_rate=0.02), 5, 5) == 0.02
