"""What is TensorFlow's own: threads and devices, `tf.data`, fused batch normalisation, several devices, gradients."""

from collections.abc import Callable
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.config import ExperimentConfig
from core.training.arrays import TrainingSet
from core.training.augmentation import move, recolor
from core.training.draws import ImageShape
from core.training.pipeline import epoch_plan, value_specs

# 512 pictures of 32×32×3: a sixth more of them a second of processor time than in blocks of 32, and more adds little.
BLOCK_VALUES = 512 * 32 * 32 * 3
AT_ONCE = 2
PREFETCHED = 8


def configure_devices(num_replicas: int, threads: int) -> int:
    """Set up TensorFlow before its first operation; returns how many devices there are to train on.

    Without a GPU, several replicas become logical devices on the CPU: slower, with the same results.
    `threads` 0 leaves the number to TensorFlow.
    """
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(max(2, threads))
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        return min(num_replicas, len(gpus))
    if num_replicas > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * num_replicas
        )
    return num_replicas


def peak_gpu_memory_mib() -> int | None:
    """The fullest GPU's highest mark; None without a GPU, and where its allocator does not tell."""
    marks = []
    for gpu in tf.config.list_logical_devices("GPU"):
        try:
            marks.append(
                int(tf.config.experimental.get_memory_info(gpu.name.removeprefix("/device:"))["peak"])
            )
        except (ValueError, RuntimeError, KeyError, tf.errors.OpError):
            return None
    return max(marks) // 2**20 if marks else None


def make_deterministic() -> None:
    """Have every operation give the same result each time. Holds for the rest of the process."""
    tf.config.experimental.enable_op_determinism()


def forget_graphs() -> None:
    """Let go of the graphs of models that are not used any more.

    TensorFlow registers each use of `tf.custom_gradient` in a graph for good, and with it the graph, its variables and
    the data it reads: 20 MB for each run of the smallest network. The registry is private; when it changes, this
    raises, and the process ends instead of taking another run.
    """
    from tensorflow.python.framework import ops

    registered = ops.gradient_registry._registry
    for name in [each for each in registered if each.startswith("CustomGradient-")]:
        del registered[name]


def strategy_for(replicas: int) -> Any:
    """Data parallel training over `replicas` devices, or None for one.

    Each device gets an equal share of every batch; gradients and batch normalisation's statistics are those of the
    whole batch, so losses and weights are one device's but for rounding (which a maximum, in ReLU and in pooling,
    can turn into a visible difference after some steps). Two things differ: dropout draws for each device on its
    own, and an epoch's last batch may hold up to `replicas` - 1 pictures more, see `epoch_plan`.
    """
    if replicas <= 1:
        return None
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)[:replicas]]
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())


def build_dataset(
    config: ExperimentConfig, data: TrainingSet, first_epoch: int, replicas: int = 1
) -> tf.data.Dataset:
    """One stream of batches from `first_epoch` (from 0) on, across all epochs, without an end.

    Pictures come from the shared memory map and stay uint8. They are read and moved in blocks of several batches, two
    blocks at once and ahead of the training, see `batches_per_block`; colours are varied a batch at a time. Keras is
    told how many steps make an epoch. Each batch can be shared out evenly over `replicas` devices, which divide the
    batch size.
    """
    size = config.training.batch_size
    block = size * batches_per_block(config, data.image_shape)
    specs = value_specs(config, data.image_shape)
    names = list(specs)

    def plan(epoch: Any) -> list[Any]:
        made = epoch_plan(config, data.num_train, data.image_shape, int(epoch), replicas)
        return [made.order, *(made.values[name] for name in names)]

    def planned(epoch: Any) -> tf.data.Dataset:
        types = [tf.int64, *(tf.as_dtype(specs[name].dtype) for name in names)]
        order, *values = tf.numpy_function(plan, [epoch], types, stateful=False)
        order = tf.ensure_shape(order, [None])
        parts = {
            name: tf.ensure_shape(v, [None, *specs[name].shape[1:]])
            for name, v in zip(names, values, strict=True)
        }
        return _sliced((order, parts), tf.size(order, tf.int64), block)

    def take(order: NDArray[np.int64], *transform: NDArray[np.float32]) -> list[Any]:
        images, labels = data.take(order)
        moving = {"transform": transform[0]} if transform else {}
        return [move(images, moving, config.augmentation), labels]

    def read(order: Any, values: dict[str, Any]) -> Any:
        moving = [values[name] for name in names if name == "transform"]
        images, labels = tf.numpy_function(take, [order, *moving], [tf.uint8, tf.float32], stateful=False)
        images = tf.ensure_shape(images, [None, *data.image_shape])
        labels = tf.ensure_shape(labels, [None, data.num_classes])
        return images, labels, {name: value for name, value in values.items() if name != "transform"}

    def shared_out(*parts: Any) -> tf.data.Dataset:
        return _sliced(parts, tf.shape(parts[1], tf.int64)[0], size)

    def vary(images: Any, labels: Any, values: dict[str, Any]) -> Any:
        return recolor(images, labels, values, config.augmentation, data.image_shape)

    dataset = tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(planned)
    dataset = dataset.map(read, num_parallel_calls=AT_ONCE, deterministic=True).flat_map(shared_out)
    if set(names) - {"transform"}:
        dataset = dataset.map(vary, num_parallel_calls=AT_ONCE, deterministic=True)
    else:
        dataset = dataset.map(lambda images, labels, values: (images, labels))
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    # There is nothing to tune, and the thread that tunes would keep a run that has ended waiting for up to seconds.
    options.autotune.enabled = False
    dataset = dataset.apply(
        tf.data.experimental.assert_cardinality(tf.data.experimental.INFINITE_CARDINALITY)
    )
    return dataset.with_options(options).prefetch(PREFETCHED)


def batches_per_block(config: ExperimentConfig, image_shape: ImageShape) -> int:
    """How many batches are read and moved at once: each call has a price of its own, however few its pictures."""
    return max(1, BLOCK_VALUES // (config.training.batch_size * prod(image_shape)))


def _sliced(tensors: Any, count: Any, size: int) -> tf.data.Dataset:
    """Slices of `size` along the first axis of all `tensors`, the last one with what is left of `count`."""
    return tf.data.Dataset.range((count + size - 1) // size).map(
        lambda place: tf.nest.map_structure(lambda tensor: tensor[place * size : (place + 1) * size], tensors)
    )


def gradient(function: Callable[[Any], Any], at: Any) -> Any:
    """The gradient of `function`, whose value is one number, with respect to the tensor `at`, of the same shape."""
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at)


def weight_gradients(
    network: keras.Model, variables: list[Any], pictures: Any, loss: Callable[[Any], Any]
) -> list[Any]:
    """The gradient of `loss` of what `network` gives for `pictures`, not in training, for each of the `variables`."""
    own = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(own)
        value = loss(network(pictures, training=False))
    gradients: list[Any] = tape.gradient(value, own, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return gradients


def fuse_batch_normalization(model: keras.Model) -> None:
    """Have the layers after convolutions trained by the fused kernel, where one device sees the whole batch.

    A fifth of a step of the article's network is saved: Keras composes batch normalisation from some twenty operations,
    each of which passes over the whole activation. The layers stay Keras's own, so what is saved names nothing of ours.
    The results are Keras's but for rounding. In half precision Keras's own way stays.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and _is_fusible(layer):
            layer.call = _fused(layer)


def _is_fusible(layer: Any) -> bool:
    return (
        not layer.synchronized
        and layer.compute_dtype == "float32"
        and len(layer.input.shape) == 4
        and layer.axis in (-1, 3)
    )


def _fused(layer: Any) -> Any:
    composed = layer.call

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and layer.trainable):
            return composed(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=layer.gamma,
            offset=layer.beta,
            mean=[],
            variance=[],
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The kernel's variance is the estimate for the population; Keras's is the batch's own.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        variance *= (count - 1) / count
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
        return outputs

    return call
