"""The backend of this process: its name, devices, threads and determinism, and the memory it takes."""

import gc

import keras


def backend_name() -> str:
    """`tensorflow` or `jax`."""
    return str(keras.backend.backend())


def configure_runtime(num_replicas: int, threads: int, *, deterministic: bool) -> int:
    """Prepare this process for training; returns how many devices it will use at once.

    `threads` is the number of CPU threads (0: the backend decides). Holds for the rest of the process.
    """
    if backend_name() != "tensorflow":
        return 1
    from core.training.backend_tensorflow import configure_devices, make_deterministic

    if deterministic:
        make_deterministic()
    return configure_devices(num_replicas, threads)


def reset_runtime() -> bool:
    """Forget everything of the run that has ended: names, random states, graphs, memory.

    Returns whether the next run in this process will give what it gives in a new one.
    """
    if backend_name() != "tensorflow":
        return False  # only tried with TensorFlow
    from core.training.backend_tensorflow import forget_graphs

    forget_graphs()
    keras.utils.clear_session(free_memory=False)
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()  # what is left are loaded modules, which need not be looked through after every run
    return True


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device, or the machine, ran out of memory."""
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return True
    return type(error).__name__ == "ResourceExhaustedError"


def peak_memory_mib() -> int | None:
    """The most memory in MiB that one GPU gave this process; None where none is used."""
    if backend_name() != "tensorflow":
        return None
    from core.training.backend_tensorflow import peak_gpu_memory_mib

    return peak_gpu_memory_mib()
