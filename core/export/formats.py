"""The formats of exported models: what each is for, which packages write and open it, and what counts as the same."""

from dataclasses import dataclass
from importlib.util import find_spec

from core.errors import UserError

INSTALL = ".venv/bin/pip install -r requirements-export.txt"
# Of probabilities: other kernels add in another order. What was measured: docs/decisions/0047-exports.md.
TOLERANCE = 1e-4
# In 8 bits probabilities differ in the second digit, and what has to stay is the class. A run that has hardly learned
# finds several classes almost equally probable, and the smallest difference changes its answer: that is no fault.
LEAST_AGREEMENT, ROUNDED_TOLERANCE = 0.98, 0.01


@dataclass(frozen=True)
class ExportFormat:
    """A format by the `name` that commands and REST know it by.

    `purpose` is a sentence for people. `suffix` ends its file's name, and is empty for a folder. `packages` are to be
    installed besides `requirements.txt`, as pip and as Python call them. `runtime` opens the file and is a package as
    pip calls it. `exact` is false where numbers are rounded on purpose.
    """

    name: str
    title: str
    purpose: str
    suffix: str
    runtime: str
    packages: tuple[tuple[str, str], ...] = ()
    exact: bool = True

    @property
    def is_folder(self) -> bool:
        return not self.suffix

    def file_name(self, stem: str) -> str:
        """What its file is called beside those of the other formats."""
        return f"{stem}{'' if self.exact else '-int8'}{self.suffix}"

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of its packages that are not installed, as pip calls them. Nothing is loaded to find out."""
        return tuple(package for package, module in self.packages if find_spec(module) is None)

    @property
    def missing_in_words(self) -> str | None:
        """Which packages this format needs that are not installed, in a sentence; None where all are there."""
        missing = self.missing
        if not missing:
            return None
        are = "is" if len(missing) == 1 else "are"
        *others, last = missing
        packages = f"{', '.join(others)} and {last}" if others else last
        return f"{self.title} needs {packages}, which {are} not installed."


_LITERT = (("ai-edge-litert", "ai_edge_litert"),)

FORMATS: dict[str, ExportFormat] = {
    each.name: each
    for each in (
        ExportFormat("keras", "Keras", "For Keras in Python, to train on or to change.", ".keras", "keras"),
        ExportFormat(
            "onnx", "ONNX", "For servers, browsers and other languages, without TensorFlow.", ".onnx", "onnxruntime",
            (("onnx", "onnx"), ("tf2onnx", "tf2onnx"), ("onnxruntime", "onnxruntime")),
        ),
        ExportFormat(
            "tflite", "LiteRT", "For phones and small computers (formerly TensorFlow Lite).", ".tflite",
            "ai-edge-litert", _LITERT,
        ),
        ExportFormat(
            "tflite-int8", "LiteRT, 8-bit", "A quarter of the size, in whole numbers: for microcontrollers and "
            "accelerators. A few answers may change.", ".tflite", "ai-edge-litert", _LITERT, exact=False,
        ),
        ExportFormat("savedmodel", "SavedModel", "A folder for TensorFlow and TensorFlow Serving.", "", "tensorflow"),
    )
}  # fmt: skip

# No model, so it needs no weights: `core.script` writes it.
SCRIPT = ExportFormat(
    "script",
    "Python script",
    "One readable file that trains the network again, with Keras alone.",
    ".py",
    "keras",
)
# The whole run: `core.bundles` writes it.
BUNDLE = ExportFormat(
    "bundle",
    "Bundle",
    "All of the run for another computer with ConvDeck: settings, curves, notes, weights, receipts. No pictures.",
    ".zip",
    "",
)
CHOICES: dict[str, ExportFormat] = {**FORMATS, SCRIPT.name: SCRIPT, BUNDLE.name: BUNDLE}


def get_format(name: str) -> ExportFormat:
    """One of a model. Raises UserError that lists the formats there are."""
    if name not in FORMATS:
        raise UserError(f"There is no export format {name[:40]!r}; choose one of {', '.join(CHOICES)}.")
    return FORMATS[name]


def ready_format(name: str) -> ExportFormat:
    """The format, whose packages are all here. Raises UserError that says what to install."""
    found = get_format(name)
    if missing := found.missing_in_words:
        raise UserError(f"{missing} Install with: {INSTALL}")
    return found
