"""`python -m tests.benchmarks.kernels`: a training step with oneDNN's kernels and without, in alternation.

A process for each, because TensorFlow reads the switch when it is loaded. Both are told so: where a processor has
AVX-512, TensorFlow has them on by itself.
"""

import os
import statistics
import subprocess
import sys
import time

PRESETS = ("article", "tiny")
ROUNDS = 5
# Enough pictures for a step of each preset to be timed several times.
PICTURES, TRIES = 1024, 5


def main(arguments: list[str]) -> None:
    """Without arguments, all of it; with the name of a preset, its milliseconds a step in this process."""
    if arguments:
        print(_step(arguments[0]))
        return
    print("| preset | without, ms a step | with | how much faster |\n| --- | --- | --- | --- |")
    for preset in PRESETS:
        took: dict[str, list[float]] = {"0": [], "1": []}
        for _ in range(ROUNDS):
            for switch, found in took.items():
                found.append(_in_a_process(preset, switch))
        ratios = [without / having for without, having in zip(took["0"], took["1"], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        without, having = (statistics.median(found) for found in took.values())
        print(
            f"| `{preset}` | {without:.1f} | {having:.1f} | {statistics.median(ratios):.2f}× ({spread}) |",
            flush=True,
        )


def _in_a_process(preset: str, switch: str) -> float:
    environment = {
        **os.environ, "TF_ENABLE_ONEDNN_OPTS": switch, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.benchmarks.kernels", preset]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _step(preset: str) -> float:
    """The median of a few tries, each of as many steps as PICTURES pictures make."""
    import numpy as np
    import tensorflow as tf

    from core.design.presets import get_preset
    from core.training.arrays import TrainingSet
    from core.training.runtime import configure_runtime
    from core.training.train import compiled_model

    config = get_preset(preset).config
    size = config.training.batch_size
    steps = max(1, PICTURES // size)
    configure_runtime(1, 0, deterministic=True)
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (size, 32, 32, 3)).astype(np.uint8)
    data = TrainingSet(x, np.arange(size), generator.integers(0, 10, size), 10)
    model = compiled_model(config, data, steps)
    batches = tf.data.Dataset.from_tensors(data.take(np.arange(size))).cache().repeat()
    took = []
    for _ in range(1 + TRIES):
        began = time.perf_counter()
        model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
        took.append(1000 * (time.perf_counter() - began) / steps)
    return statistics.median(took[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
