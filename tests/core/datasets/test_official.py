"""Downloads from a server on this machine: resumed when cut, refused when wrong, never half there."""

import gzip
import hashlib
import http.server
import io
import os
import pickle
import tarfile
import threading
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from core.datasets import prepare, storage
from core.datasets.catalogue import CIFAR10_CLASSES, SOURCES, Archive
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import Progress
from core.errors import DatasetError
from core.importing.importing import import_here


def cifar_archive(train: object = None) -> bytes:
    """The layout of the official archive with 20 pictures a batch."""
    generator = np.random.default_rng(0)

    def part(seed: int) -> dict[bytes, object]:
        data = generator.integers(0, 256, (20, 3072)).astype(np.uint8)
        return {b"data": data, b"labels": [(seed + k) % 10 for k in range(20)], b"filenames": []}

    parts = {f"data_batch_{k}": part(k) for k in range(1, 6)} | {"test_batch": part(0)}
    if train is not None:
        parts["data_batch_1"] = train
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in parts.items():
            data = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def idx_file(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4) for side in array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


class FileServer:
    """Serves bytes by path; `cut_at` ends the first answer early; `ranges` says whether it knows Range."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut_at: int | None = None
        self.ranges = True
        self.asked: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = outer.files.get(self.path)
                if data is None:
                    self.send_error(404)
                    return
                wanted = self.headers.get("Range")
                outer.asked.append(wanted)
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and outer.ranges else 0
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                end, outer.cut_at = outer.cut_at, None
                self.wfile.write(data[start:end])

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def files():
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def known(files, monkeypatch):
    """`cifar10` as a small archive on the loopback server."""

    def make(data: bytes, digest: str | None = None):
        files.files["/cifar.tar.gz"] = data
        archive = Archive(
            f"{files.url}/cifar.tar.gz", len(data), "sha256", digest or hashlib.sha256(data).hexdigest()
        )
        source = replace(SOURCES["cifar10"], num_train=100, num_test=20, archives=(archive,))
        for module in (prepare, storage):
            monkeypatch.setitem(module.SOURCES, "cifar10", source)
        return source

    return make


def test_the_archive_is_fetched_checked_and_unpacked(workspace, known) -> None:
    known(cifar_archive())
    told = []
    dataset = ensure_dataset(workspace, "cifar10", progress=told.append)
    assert (dataset.x_train.shape, dataset.x_test.shape) == ((100, 32, 32, 3), (20, 32, 32, 3))
    assert dataset.class_names[3] == "cat"
    expected = np.random.default_rng(0).integers(0, 256, (20, 3072)).astype(np.uint8)
    # The format: 1,024 red values row by row, then green, then blue.
    assert dataset.x_train[0, 2, 5].tolist() == [expected[0, 1024 * c + 32 * 2 + 5] for c in range(3)]
    assert told[0].stage.startswith("Downloading")
    assert [path.name for path in workspace.datasets.iterdir() if path.is_dir()] == ["cifar10"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_is_gone_on_with(workspace, known, files, ranges: bool) -> None:
    known(cifar_archive())
    files.cut_at, files.ranges = 5_000, ranges
    dataset = ensure_dataset(workspace, "cifar10")
    assert len(dataset.x_train) == 100
    assert files.asked == [None, "bytes=5000-"]


def test_what_has_come_is_kept_when_the_server_goes(workspace, known, files) -> None:
    data = cifar_archive()
    known(data)
    part = workspace.datasets / ".cifar10.download" / "cifar.tar.gz"
    part.parent.mkdir(parents=True)
    part.write_bytes(data[:5_000])
    files.files.clear()
    with pytest.raises(DatasetError, match="continues where it stopped"):
        ensure_dataset(workspace, "cifar10")
    assert part.read_bytes() == data[:5_000]
    assert not (workspace.datasets / "cifar10").exists()
    known(data)
    ensure_dataset(workspace, "cifar10")
    assert files.asked == ["bytes=5000-"]
    assert not part.parent.exists()


def test_another_file_than_the_official_one_is_refused(workspace, known) -> None:
    known(cifar_archive(), digest="0" * 64)
    with pytest.raises(DatasetError, match="the downloaded file is not the official one"):
        ensure_dataset(workspace, "cifar10")
    assert not (workspace.datasets / "cifar10").exists()
    assert not list(workspace.datasets.glob(".cifar10.download/*"))


def test_a_server_that_is_not_there_is_a_sentence(workspace, known, files) -> None:
    known(cifar_archive())
    files.files.clear()
    with pytest.raises(DatasetError, match=r"could not be downloaded.*Not Found"):
        ensure_dataset(workspace, "cifar10")


def test_two_at_once_download_once(workspace, known, files) -> None:
    known(cifar_archive())
    threads = [threading.Thread(target=ensure_dataset, args=(workspace, "cifar10")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files.asked == [None]


def test_a_file_of_the_right_size_that_was_torn_is_fetched_again(workspace, known, files) -> None:
    data = cifar_archive()
    known(data)
    torn = workspace.datasets / ".cifar10.download" / "cifar.tar.gz"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(data[:5_000] + bytes(len(data) - 5_000))
    assert len(ensure_dataset(workspace, "cifar10").x_train) == 100
    assert files.asked == [None]


def test_who_waits_for_another_is_told_so(workspace, known, files) -> None:
    known(cifar_archive())
    workspace.ensure()
    lock = FileLock(workspace.datasets / ".cifar10.lock")
    told = []

    def on_progress(progress: Progress) -> None:
        told.append(progress.stage)
        if progress.stage.startswith("Waiting"):
            lock.release()

    with lock:
        ensure_dataset(workspace, "cifar10", progress=on_progress)
    assert told[0] == "Waiting: CIFAR-10 is being prepared already"
    assert files.asked == [None]


def python_2_batch(pictures: bytes, labels: list[int]) -> bytes:
    """What Python 2 with an old numpy wrote, opcode by opcode; the official archives are such pickles."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    count = len(labels)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + b"K\x00\x85" + text(b"b") + b"\x87R"
        + b"(K\x01" + b"K" + bytes([count]) + b"M\x00\x0c\x86"
        + b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R"
        + b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"\x89T" + len(pictures).to_bytes(4, "little") + pictures + b"tb"
    )  # fmt: skip
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + b"u."


def test_the_pickles_of_the_official_archives_are_read(workspace, tmp_path) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (20, 3072)).astype(np.uint8)
    labels = [k % 10 for k in range(20)]
    batch = python_2_batch(pictures.tobytes(), labels)
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        for name in ("data_batch_1", "test_batch"):
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(batch)
            archive.addfile(info, io.BytesIO(batch))
    dataset = import_here(workspace, "mine", tmp_path / "cifar.tar.gz")
    np.testing.assert_array_equal(dataset.x_train[3, 0, 7], pictures[3, [7, 1024 + 7, 2048 + 7]])
    assert sorted(dataset.y_test.tolist()) == sorted(labels)
    assert dataset.class_names == CIFAR10_CLASSES


def test_under_an_official_name_only_the_official_archive_is_taken(workspace, known, files, tmp_path) -> None:
    official = cifar_archive()
    source = known(official)
    path = tmp_path / "cifar-10.tar.gz"
    # As many pictures of the same shape, and other ones.
    path.write_bytes(cifar_archive(train={b"data": np.zeros((20, 3072), np.uint8), b"labels": [1] * 20}))
    with pytest.raises(DatasetError, match=r"not the official archive of CIFAR-10.*Choose another name"):
        import_here(workspace, "cifar10", path)
    assert not (workspace.datasets / "cifar10").exists()
    assert import_here(workspace, "my-cifar", path).title == "my-cifar"
    path.write_bytes(official)
    assert import_here(workspace, "cifar10", path).title == source.title
    assert files.asked == []


def test_under_an_official_name_arrays_of_its_counts_are_taken(workspace, known, tmp_path) -> None:
    known(cifar_archive())
    x, y = np.zeros((100, 32, 32, 3), np.uint8), np.arange(100) % 10
    np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])
    assert import_here(workspace, "cifar10", tmp_path / "cifar10.npz").class_names == CIFAR10_CLASSES


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def test_a_pickle_that_would_run_something_is_refused_and_does_not(workspace, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cifar.tar.gz").write_bytes(cifar_archive(train=Evil()))
    with pytest.raises(DatasetError, match="no place in a data set"):
        import_here(workspace, "mine", tmp_path / "cifar.tar.gz")
    assert not (tmp_path / "executed").exists()


def test_mnist_files_are_read(workspace, files, monkeypatch) -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    y = (np.arange(20) % 10).astype(np.uint8)
    contents = {"a": idx_file(x), "b": idx_file(y), "c": idx_file(x[:10]), "d": idx_file(y[:10])}
    archives = []
    for name, data in contents.items():
        files.files[f"/{name}.gz"] = data
        archives.append(Archive(f"{files.url}/{name}.gz", len(data), "md5", hashlib.md5(data).hexdigest()))
    source = replace(SOURCES["mnist"], num_train=20, num_test=10, archives=tuple(archives))
    monkeypatch.setitem(prepare.SOURCES, "mnist", source)
    dataset = ensure_dataset(workspace, "mnist")
    np.testing.assert_array_equal(dataset.x_train[..., 0], x)
    assert dataset.y_test.tolist() == list(range(10))
    assert dataset.image_shape == (28, 28, 1)


def test_nobody_listening_is_a_sentence_that_says_what_else_can_be_done(workspace, known, files) -> None:
    known(cifar_archive())
    files.close()
    with pytest.raises(
        DatasetError, match=r"could not be downloaded.*python -m core datasets add cifar10 PATH"
    ):
        ensure_dataset(workspace, "cifar10")
    assert not (workspace.datasets / "cifar10").exists()


def test_a_longer_file_than_the_official_one_is_refused(workspace, known, files) -> None:
    known(cifar_archive())
    files.files["/cifar.tar.gz"] += bytes(1_000_000)
    with pytest.raises(DatasetError, match="the downloaded file is not the official one"):
        ensure_dataset(workspace, "cifar10")
    assert not list(workspace.datasets.glob(".cifar10.download/*"))
