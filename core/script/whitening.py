"""The part of a script that computes the whitening layer's filters, as `core.training.whitening` does."""

from core.design.architecture import WHITENING
from core.script.source import ScriptSource

MOST_PICTURES, MOST_PATCHES = 5_000, 5_000_000
EPSILON = 3e-5


def whitening_lines(source: ScriptSource) -> list[str]:
    """The function `whiten`."""
    height, width, _ = source.shape
    count = min(source.num_train, MOST_PICTURES, max(1, MOST_PATCHES // ((height - 1) * (width - 1))))
    return [
        "def whiten(network, pictures):",
        '    """Give the first layer its filters, after Jordan (arXiv 2404.00498, section 3.2).',
        "",
        "    They are the directions in which patches of 2×2 pixels vary, each scaled to a variance of nearly 1, and",
        "    their negatives.",
        '    """',
        f"    x = pictures[:{count}] / 255.0",
        "    rows, columns = x.shape[1] - 1, x.shape[2] - 1",
        "    corners = [x[:, i : i + rows, j : j + columns] for i in (0, 1) for j in (0, 1)]",
        "    patches = np.concatenate(corners, axis=-1).reshape(-1, 4 * x.shape[-1])",
        "    mean = patches.mean(axis=0)",
        "    covariance = patches.T @ patches / len(patches) - np.outer(mean, mean)",
        "    variances, directions = np.linalg.eigh(covariance)",
        "    # A direction and its opposite are the same: the first number that is not small is made positive.",
        "    first = np.argmax(np.abs(directions) > 0.5 * np.abs(directions).max(axis=0), axis=0)",
        "    directions *= np.sign(directions[first, np.arange(len(variances))])",
        f"    filters = (directions / np.sqrt(np.maximum(variances, 0.0) + {EPSILON!r}))[:, ::-1]",
        "    both = np.concatenate([filters, -filters], axis=1)",
        "    kernel = both.reshape(2, 2, -1, both.shape[1])",
        f'    network.get_layer("{WHITENING}").set_weights([kernel, -mean @ both])',
    ]
