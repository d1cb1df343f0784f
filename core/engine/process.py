"""The engine: one helper process that answers pages with Keras.

Started by the server (and for the length of one command by the command line) as `python -m core.engine`; reads
requests as frames from standard input, answers on standard output, and ends when its input does. Untrusted
pictures are decoded in a process of its own, see `core.engine.decoder`.
"""

import sys
import traceback
from typing import Any, BinaryIO

from core.engine.augmentation_requests import AugmentationRequests
from core.engine.decoder import Decoder
from core.engine.export_requests import ExportRequests
from core.engine.known_requests import KnownRequests
from core.engine.layer_requests import LayerRequests
from core.engine.loader import Loader
from core.engine.look_requests import LookRequests
from core.engine.map_requests import MapRequests
from core.engine.picture_requests import PictureRequests
from core.engine.run_requests import RunRequests
from core.errors import ConvDeckError, UserError
from core.system.frames import READY, Arrays, read_frame, write_frame
from core.system.processes import choose_backend, take_standard_output
from core.workspace import Workspace


class Requests:
    """What the engine can do, one method per request. Each takes the document and arrays and returns the same."""

    def __init__(self, workspace: Workspace, decoder: Decoder | None = None) -> None:
        loader = Loader(workspace)
        known = KnownRequests(loader)
        decoder = decoder or Decoder()
        pictures, maps = PictureRequests(loader, decoder, known), MapRequests(loader, decoder)
        looks, inside = LookRequests(loader, decoder, known), LayerRequests(loader)
        augmentation, runs, exports = (
            AugmentationRequests(loader),
            RunRequests(loader),
            ExportRequests(loader),
        )
        self._methods = {
            "predict": pictures.predict,
            "look": looks.look,
            "decode": pictures.decode,
            "answer": pictures.answer,
            "explain": pictures.explain,
            "answer_over_epochs": pictures.answer_over_epochs,
            "preview": augmentation.preview,
            "batch": augmentation.batch,
            "count_right": augmentation.count_right,
            "score": runs.score,
            "score_elsewhere": runs.score_elsewhere,
            "export": exports.export,
            "check_export": exports.check_export,
            "learn_known": known.learn,
            "make_map": maps.make,
            "features": maps.features,
            "layers": inside.layers,
            "filters": inside.filters,
            "products": inside.products,
            "dead": inside.dead,
            "histograms": inside.histograms,
        }

    def handle(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Answer one request. Raises UserError on what a person can mend."""
        return self._methods[document["method"]](document, arrays)


def serve_requests(requests: Requests, incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer frame after frame until the input ends."""
    while True:
        try:
            document, arrays = read_frame(incoming)
        except EOFError:
            return
        try:
            answer, answer_arrays = requests.handle(document, arrays)
        except UserError as error:
            answer, answer_arrays = {"user_error": str(error)}, {}
        except ConvDeckError as error:
            answer, answer_arrays = {"error": str(error)}, {}
        except Exception as error:
            traceback.print_exc()
            answer, answer_arrays = (
                {
                    "error": f"The picture engine failed ({type(error).__name__}: {error}). Try again; if it fails "
                    "again, restart the dashboard. Its log is on the System page."
                },
                {},
            )
        write_frame(outgoing, answer, answer_arrays)


def main() -> int:
    """Load Keras before the first request comes, then serve."""
    choose_backend()
    outgoing = take_standard_output()
    decoder = Decoder()
    decoder.start()
    from core.training.loading import load_keras

    load_keras()
    import core.training.saved_models  # noqa: F401

    write_frame(outgoing, READY, {})
    serve_requests(Requests(Workspace.from_environment(), decoder), sys.stdin.buffer, outgoing)
    decoder.close()
    return 0
