"""Garbage and files that were made to do harm: one sentence, and nothing is left behind."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import RecordError, UserError
from core.foreign import documents as json_documents
from core.foreign import reading
from core.foreign.reading import FORMATS, Given, read_runs
from tests.core.foreign.written import csv_of, event_file, record

CSV = b"epoch,loss,val_loss\n1,2,3\n2,1,2\n"


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


cells = st.one_of(st.text(max_size=12), st.floats().map(str), st.integers().map(str))
tables = st.lists(st.lists(cells, max_size=5), max_size=6).map(
    lambda rows: "\n".join(",".join(row) for row in [["epoch", "loss", "val_acc"], *rows]).encode(
        "utf-8", "replace"
    )
)
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["loss", "epoch", "rows", "history", "values", "metric", "metrics", "x"]),
            inner,
            max_size=4,
        ),
    ),
).map(lambda value: __import__("json").dumps(value).encode())
garbage = st.one_of(
    st.binary(max_size=300),
    tables,
    documents,
    st.binary(max_size=60).map(record),
    st.binary(max_size=60).map(lambda data: event_file([(1, "loss", 2.0)]) + record(data)),
    st.binary(max_size=200).map(lambda data: b"PK\3\4" + data),
)


@settings(max_examples=300)
@given(data=garbage, forced=st.sampled_from([None, *FORMATS]))
def test_whatever_is_given_is_read_or_refused_in_a_sentence(tmp_path_factory, data: bytes, forced) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage"
    path.write_bytes(data)
    try:
        found = read_runs([Given(path, "garbage")], forced)
    except RecordError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
        return
    for run in found:
        assert run.rows
        for row in run.rows:
            assert row.val_accuracy is None or 0 <= row.val_accuracy <= 1
            assert row.train_loss is None or 0 <= row.train_loss <= 1e30


def test_a_zip_is_looked_at_before_it_is_unpacked(read, monkeypatch) -> None:
    (found,) = read(
        {"logs.zip": zipped({"a/metrics.csv": CSV, "notes.txt": b"x", "a/hparams.yaml": b"y: 1"})}
    )
    assert found.name == "a"
    for name in ("../metrics.csv", "/etc/metrics.csv", "C:\\metrics.csv"):
        with pytest.raises(UserError, match="points outside of it"):
            read({"logs.zip": zipped({name: CSV})})
    with pytest.raises(UserError, match="holds no curves"):
        read({"logs.zip": zipped({"notes.txt": b"x"})})
    with pytest.raises(UserError, match="is no whole zip"):
        read({"logs.zip": zipped({"metrics.csv": CSV})[:60]})
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10_000)
    with pytest.raises(UserError, match="larger than can be read"):
        read({"logs.zip": zipped({"metrics.csv": CSV + b"1,2,3\n" * 10_000})})
    with pytest.raises(UserError, match="at most 0 MB are read"):
        read({"a.csv": CSV + b"1,2,3\n" * 10_000})


def test_a_folder_holds_much_that_is_no_curve(tmp_path) -> None:
    (tmp_path / "version_0").mkdir()
    (tmp_path / "version_0" / "metrics.csv").write_bytes(CSV)
    (tmp_path / "version_0" / "labels.csv").write_bytes(b"file,label\na.png,cat\n")
    (tmp_path / "version_0" / "config.json").write_bytes(b'{"lr": 0.1}')
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    (found,) = read_runs([Given(tmp_path, "logs")])
    assert (found.name, len(found.rows)) == ("version_0", 2)
    with pytest.raises(RecordError, match="cannot be read"):
        read_runs([Given(tmp_path / "none.csv", "none.csv")])


def test_there_are_limits(read, monkeypatch) -> None:
    with pytest.raises(RecordError, match="at most 50 can be imported"):
        read({"a.csv": csv_of("run_name,step,loss", [(f"r{number}", 0, 1) for number in range(51)])})
    with pytest.raises(RecordError, match=r"has 20,001 epochs; at most 20,000"):
        read({"a.csv": csv_of("epoch,loss", [(number, 1) for number in range(20_001)])})
    with pytest.raises(RecordError, match="at most 5,000 are read"):
        read({"a.csv": b"epoch," + b",".join(b"c%d" % number for number in range(5000)) + b"\n1,2\n"})
    with monkeypatch.context() as patch:
        patch.setattr(json_documents, "MAX_DOCUMENT_BYTES", 30)
        with pytest.raises(RecordError, match="of JSON at most 0 MB are read"):
            read({"a.json": b'{"loss": [3, 2, 1], "val_loss": [3, 2, 1]}'})
    with monkeypatch.context() as patch:
        patch.setattr(reading, "MAX_POINTS", 5)
        with pytest.raises(RecordError, match="more than 5 values in all"):
            read({f"{name}.csv": csv_of("epoch,loss", [(0, 3), (1, 2), (2, 1)]) for name in "ab"})
    (found,) = read({"a.csv": csv_of("step,loss", [(number, 1) for number in range(6000)])})
    assert len(found.rows) == 200
