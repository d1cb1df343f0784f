"""`python -m tests.benchmarks.step_profile`: what takes the time in one training step of the article's network.

TensorFlow's profiler times each operation; the median over the steps leaves out what else the machine was doing.
"""

import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

STEPS = 60
BATCH_SIZE = 32
# The first that an operation's name contains says where it belongs.
GROUPS = {
    "adam": "optimizer",
    "batch_norm": "batch normalisation",
    "conv_": "convolutions and their ReLU",
    "pool_": "pooling",
    "fc": "dense layers",
    "softmax": "dense layers",
    "dropout": "dropout",
    "": "the rest: loss, accuracy, rescaling, sums",
}


def main() -> None:
    os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")
    import numpy as np
    import tensorflow as tf

    from core.design.presets import get_preset
    from core.training.arrays import TrainingSet
    from core.training.runtime import configure_runtime
    from core.training.train import compiled_model

    config = get_preset("article").config
    configure_runtime(1, 0, deterministic=True)
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (BATCH_SIZE, 32, 32, 3)).astype(np.uint8)
    data = TrainingSet(x, np.arange(BATCH_SIZE), generator.integers(0, 10, BATCH_SIZE), 10)
    model = compiled_model(config, data, STEPS)
    batches = tf.data.Dataset.from_tensors(data.take(np.arange(BATCH_SIZE))).cache().repeat()

    def steps() -> float:
        """Milliseconds of processor time a step."""
        began = time.process_time()
        model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0)
        return 1000 * (time.process_time() - began) / STEPS

    steps()
    spent = statistics.median(steps() for _ in range(7))
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        steps()
        tf.profiler.experimental.stop()
        groups = _grouped(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    print("| | ms a step |\n| --- | --- |")
    for name, milliseconds in sorted(groups.items(), key=lambda item: -item[1]):
        print(f"| {name} | {milliseconds:.1f} |")
    print(f"| all operations | {sum(groups.values()):.1f} |")
    print(f"| processor time, with Keras's own and all threads | {spent:.1f} |")


def _grouped(profile: bytes) -> dict[str, float]:
    """Milliseconds a step, of the operations in the step's own graph."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(profile)
    took: dict[str, list[float]] = defaultdict(list)
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                if name.startswith("StatefulPartitionedCall/"):
                    took[name].append(event.duration_ps / 1e9)
    groups: dict[str, float] = defaultdict(float)
    for name, milliseconds in took.items():
        group = next(title for part, title in GROUPS.items() if part in name)
        groups[group] += statistics.median(milliseconds)
    return groups


if __name__ == "__main__":
    main()
