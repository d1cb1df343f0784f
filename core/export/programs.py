"""Programs that use an exported file without ConvDeck: a snippet, one that answers as `predict` does, and the check's.

All three of a format load the file, find its class names and ask it in the same lines. The two for people begin with
what a bare environment has to install; `python -m tests.benchmarks exports` tries that.
"""

import json
from dataclasses import dataclass

from core.images import PIXELS_AVERAGED

METADATA = "metadata.json"  # in a .keras file; Keras writes its version and the date there and reads neither
RECIPE_KEY = "convdeck"  # there, and in the metadata of an ONNX file
RECIPE_FILE = (
    "convdeck.json"  # in the zip at the end of a .tflite file, and in a SavedModel's folder for more files
)
EXTRA_FOLDER = "assets.extra"
AT_ONCE = 32  # pictures
TIMED = 10  # questions about one picture
EVERY = ("numpy", "pillow")  # what every program imports


@dataclass(frozen=True)
class Files:
    """The file `name` of a format, the shape of pictures that it takes, and how they are brought to it.

    `crop` is as in `core.images.fit_picture`.
    """

    export_format: str
    name: str
    image_shape: tuple[int, int, int]
    crop: str
    temperature: float | None = None


@dataclass(frozen=True)
class _Lines:
    """Python of a format: `modules` to import, how to `load` FILE, `names` of the classes, and the `answer`, (count,
    classes), to `pictures`, uint8 (count, height, width, channels). `package` is what pip calls that which opens it,
    `besides` what pip does not bring with it and loading needs.
    """

    modules: str
    load: str
    names: str
    answer: str
    package: str
    besides: tuple[str, ...] = ()

    @property
    def install(self) -> str:
        """For an environment in which nothing is installed."""
        return f"# pip install {' '.join((self.package, *self.besides, *EVERY))}"


_TFLITE = _Lines(
    "json, zipfile, ai_edge_litert.interpreter as litert, numpy as np",
    "model = litert.Interpreter(FILE).get_signature_runner()",
    f'class_names = json.loads(zipfile.ZipFile(FILE).read("{RECIPE_FILE}"))["class_names"]',
    'model(input=pictures)["output_0"]',
    "ai-edge-litert",
)
_LINES = {
    "keras": _Lines(
        "json, zipfile, keras, numpy as np",
        "model = keras.models.load_model(FILE)",
        f'class_names = json.loads(zipfile.ZipFile(FILE).read("{METADATA}"))["{RECIPE_KEY}"]["class_names"]',
        "np.asarray(model(pictures))",
        "keras",
        ("tensorflow",),  # a backend, which Keras does not bring
    ),
    "onnx": _Lines(
        "json, numpy as np, onnxruntime",
        "model = onnxruntime.InferenceSession(FILE)",
        'class_names = json.loads(model.get_modelmeta().custom_metadata_map["class_names"])',
        'model.run(None, {"input": pictures})[0]',
        "onnxruntime",
    ),
    "tflite": _TFLITE,
    "tflite-int8": _TFLITE,
    "savedmodel": _Lines(
        "json, pathlib, numpy as np, tensorflow as tf",
        "model = tf.saved_model.load(FILE)  # a folder: of a zip, what is in it",
        f'class_names = json.loads(pathlib.Path(FILE, "{EXTRA_FOLDER}", "{RECIPE_FILE}").read_text())["class_names"]',
        "np.asarray(model.serve(pictures))",
        "tensorflow",
    ),
}
# What `core.images.fit_picture` does, by its `crop`.
_FITTING = {
    "center": ['image = ImageOps.fit(image.convert("RGB"), SIZE, way)'],
    "pad": [
        'rgb = np.asarray(image.convert("RGB"))',
        "edges = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])",
        "mean = tuple(int(value) for value in edges.mean(axis=0))",
        "image = ImageOps.pad(Image.fromarray(rgb), SIZE, way, color=mean)",
    ],
    "stretch": ['image = image.convert("RGB").resize(SIZE, way)'],
}


def snippet_lines(files: Files) -> list[str]:
    """A few lines that ask the file about `picture.jpg`, and print the class and its probability as the app has them.

    Pictures are read in the plainest way: photos and pictures of the network's own size are brought to it as in
    `program_lines`, which also knows transparency, 16 bits, and pictures that are hardly larger.
    """
    lines, (height, width, _) = _LINES[files.export_format], files.image_shape
    corrected = "" if files.temperature is None else f" ** (1 / {files.temperature!r})"
    total = "" if files.temperature is None else " / probabilities.sum()"
    return [
        lines.install,
        f"import {lines.modules}",
        "from PIL import Image, ImageOps",
        f"FILE, SIZE, way = {json.dumps(files.name)}, ({width}, {height}), Image.Resampling.BOX",
        lines.load,
        lines.names,
        'image = ImageOps.exif_transpose(Image.open("picture.jpg"))',
        *_FITTING[files.crop],
        f"pictures = {_pixels(files)}",
        f"probabilities = {lines.answer}[0]{corrected}",
        f"print(class_names[probabilities.argmax()], probabilities.max(){total})",
    ]


def program_lines(files: Files) -> list[str]:
    """A program that answers a picture as `predict` does, with NumPy, Pillow and what opens the file alone."""
    lines, (height, width, _) = _LINES[files.export_format], files.image_shape
    enough = PIXELS_AVERAGED * max(height, width)
    return [
        lines.install,
        f"import {lines.modules}",
        "from PIL import Image, ImageOps",
        "",
        f"FILE, SIZE = {json.dumps(files.name)}, ({width}, {height})",
        lines.load,
        lines.names,
        "",
        'image = Image.open("picture.jpg")',
        f"image.draft(image.mode, ({enough}, {enough}))  # of a large JPEG, every 2nd, 4th or 8th pixel",
        "image = ImageOps.exif_transpose(image)",
        'if image.mode.startswith("I"):  # 16 bits',
        '    values, clear = np.asarray(image), image.info.get("transparency")',
        '    image = Image.fromarray(np.rint(values / 257).astype("uint8"))',
        "    if clear is not None:",
        '        image.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype("uint8")))',
        "if image.has_transparency_data:",
        '    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))',
        "large = min(image.size) >= 2 * max(SIZE)",
        "way = Image.Resampling.BOX if large else Image.Resampling.BILINEAR",
        *_FITTING[files.crop],
        f"pictures = {_pixels(files)}  # from 0 to 255, not divided",
        f"probabilities = {lines.answer}[0]",
        *(
            [
                f'probabilities = probabilities.astype("float64") ** (1 / {files.temperature!r})  # the temperature',
                "probabilities /= probabilities.sum()",
            ]
            if files.temperature is not None
            else []
        ),
        "print(dict(zip(class_names, probabilities.tolist())))",
    ]


def _pixels(files: Files) -> str:
    """Python that makes of `image` a batch of one."""
    grey = 'np.asarray(image.convert("L"))[None, ..., None]'
    return "np.asarray(image)[None]" if files.image_shape[2] == 3 else grey


def check_lines(export_format: str) -> list[str]:
    """A program that asks the file of its first argument about the pictures, `.npy`, of its second.

    Its last line on standard output is a JSON document: `class_names`, `answers` (count, classes), `milliseconds` per
    picture when asked about one at a time, and `versions`.
    """
    lines = _LINES[export_format]
    return [
        "import importlib.metadata, platform, sys, time",
        f"import {lines.modules}",
        "FILE = sys.argv[1]",
        lines.load,
        lines.names,
        "def answer(pictures):",
        f"    return {lines.answer}",
        "every = np.load(sys.argv[2])",
        f"parts = [answer(every[start : start + {AT_ONCE}]) for start in range(0, len(every), {AT_ONCE})]",
        "seconds = []",
        f"for place in range({TIMED} + 1):  # the first one also prepares",
        "    began = time.perf_counter()",
        "    answer(every[:1])",
        "    seconds.append(time.perf_counter() - began)",
        f'versions = {{"{lines.package}": importlib.metadata.version("{lines.package}")}}',
        'versions |= {"numpy": np.__version__, "python": platform.python_version()}',
        "print(json.dumps({",
        '    "class_names": class_names, "answers": np.concatenate(parts).tolist(),',
        '    "milliseconds": 1000 * float(np.median(seconds[1:])), "versions": versions,',
        "}))",
    ]
