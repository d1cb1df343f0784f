"""What an import leaves out, converts and finds is said, in the report that is kept with the data set."""

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.class_counts import ClassCount, count_notes
from core.datasets.storage import load_dataset
from core.errors import DatasetError
from core.importing.importing import import_here
from core.importing.reading import Reading
from core.importing.report import DamagedPictures, Duplicates, ImportReport, load_report
from tests.core.importing.made import encoded, make_folder, make_zip, noise, pictures, png


def report_of(workspace, path: Path, reading: Reading | None = None) -> ImportReport:
    import_here(workspace, "mine", path, reading)
    report = load_report(workspace, "mine")
    assert report is not None
    return report


def left_out(report: ImportReport) -> dict[str, str]:
    return {each.file: each.reason for each in report.left_out}


DAMAGED = {
    "Cat/66.jpg": b"",
    "Cat/67.jpg": b"GIF89a",
    "Dog/17.jpg": encoded(Image.effect_noise((60, 60), 90), "JPEG")[:-300],
    "Dog/18.jpg": b"<html>404</html>",
    "Dog/19.heic": b"\0\0\0\x18ftypheic" + bytes(60),
}


@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_all_damaged_pictures_are_named_at_once(workspace, tmp_path, make) -> None:
    path = make(tmp_path / "pets.zip", pictures("Cat", "Dog", count=6) | DAMAGED)
    with pytest.raises(DamagedPictures) as caught:
        import_here(workspace, "mine", path)
    assert caught.value.num_whole == 12
    assert {each.file for each in caught.value.left_out} == set(DAMAGED)
    assert "5 of 17 pictures cannot be read" in str(caught.value)
    assert not (workspace.datasets / "mine").exists()
    assert not list(workspace.datasets.glob(".mine*/*"))


def test_the_others_are_imported_and_the_report_is_kept(workspace, tmp_path) -> None:
    path = make_zip(tmp_path / "pets.zip", pictures("Cat", "Dog", count=6) | DAMAGED)
    report = report_of(workspace, path, Reading(skip_damaged=True))
    assert left_out(report) == {
        "Cat/66.jpg": "is empty",
        "Cat/67.jpg": "cannot be decoded: its data is damaged",
        "Dog/17.jpg": "cannot be decoded: it is cut off",
        "Dog/18.jpg": "is not a picture in PNG, JPEG, WebP, BMP, GIF, TIFF or AVIF format",
        "Dog/19.heic": "is a HEIC photo, which is not read. Save it as JPEG",
    }
    dataset = load_dataset(workspace, "mine", verify=True)
    assert len(dataset.x_train) + len(dataset.x_test) == 12
    assert report.classes == (ClassCount("Cat", 4, 1, 1), ClassCount("Dog", 4, 1, 1))


def test_a_class_that_is_damaged_as_a_whole_is_named(workspace, tmp_path) -> None:
    path = make_zip(tmp_path / "a.zip", pictures("a", "b") | {f"c/{i}.png": b"" for i in range(5)})
    with pytest.raises(DatasetError, match="No training picture of c can be read"):
        import_here(workspace, "mine", path, Reading(skip_damaged=True))


def test_what_is_no_picture_is_left_out_and_said(workspace, tmp_path) -> None:
    path = make_folder(
        tmp_path / "pets",
        pictures("cats", "dogs")
        | {
            "notes.txt": b"hello",
            "labels.csv": b"a,b\n1,2\n",
            "cats/inner.zip": b"PK\x03\x04",
            ".ipynb_checkpoints/0.png": png(),
            "preview.png": png(),
            "cats/.DS_Store": b"x",
            "cats/._0.png": b"x",
            "dogs/Thumbs.db": b"x",
            "__MACOSX/cats/0.png": b"x",
        },
    )
    (path / "birds").symlink_to(path / "cats")
    (path / "cats" / "linked.png").symlink_to(path / "dogs" / "0.png")
    report = report_of(workspace, path)
    assert [each.name for each in report.classes] == ["cats", "dogs"]
    assert left_out(report) == {
        ".ipynb_checkpoints/0.png": "is hidden",
        "birds": "is a link, which is not followed",
        "cats/inner.zip": "is an archive within; unpack it and import what is in it",
        "cats/linked.png": "is a link, which is not followed",
        "labels.csv": "is a table; the folders have the classes",
        "notes.txt": "is not a picture",
        "preview.png": "is in no class folder, so it has no label",
    }
    assert any(note.startswith("Left out 4 system files") for note in report.notes)


def test_what_a_picture_is_its_content_tells(workspace, tmp_path) -> None:
    """Every ending that cameras, browsers and scanners write, and none at all; the same for folder and zip."""
    image = Image.new("RGB", (20, 20), "red")
    kinds = {
        "0.jfif": "JPEG", "1.jpe": "JPEG", "2": "JPEG", "3.tif": "TIFF", "4.avif": "AVIF", "5.JPG": "JPEG",
        "6.dat": "PNG", "7.webp": "PNG", "8.bmp": "BMP",
    }  # fmt: skip
    entries = pictures("dogs", count=9) | {
        f"cats/{name}": encoded(image, kind) for name, kind in kinds.items()
    }
    for name, path in (
        ("folder", make_folder(tmp_path / "a", entries)),
        ("zip", make_zip(tmp_path / "a.zip", entries)),
    ):
        import_here(workspace, name, path)
        report = load_report(workspace, name)
        assert report is not None and not report.left_out
        assert [sum((each.train, each.validation, each.test)) for each in report.classes] == [9, 9]


def test_an_archive_in_an_archive_alone_is_refused_with_its_name(workspace, tmp_path) -> None:
    inner = make_zip(tmp_path / "inner.zip", pictures("a", "b")).read_bytes()
    path = make_zip(tmp_path / "outer.zip", {"train.zip": inner})
    with pytest.raises(DatasetError, match=r"no pictures in it\. train\.zip is an archive within; unpack it"):
        import_here(workspace, "mine", path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unfolds_without_limit_is_refused_unread(workspace, tmp_path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in pictures("cats", "dogs").items():
            archive.writestr(name, data)
    with pytest.raises(DatasetError, match=rf"method that is not read \(number {method}\)"):
        import_here(workspace, "mine", path)


def test_a_disk_without_room_is_said_before_anything_is_decoded(workspace, tmp_path, monkeypatch) -> None:
    path = make_zip(tmp_path / "a.zip", pictures("a", "b", count=200))
    usage = type("Usage", (), {"free": 1_500_000})()
    monkeypatch.setattr("core.datasets.rows.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(
        DatasetError, match=r"400 pictures need 2 MB of disk space.*2 MB are free\. Free some space"
    ):
        import_here(workspace, "mine", path)


def test_folders_within_a_class_are_told(workspace, tmp_path) -> None:
    """Breeds within animals: either could be meant."""
    entries = pictures("lung/aca", "lung/scc", "colon/n", "colon/adeno", count=5)
    report = report_of(workspace, make_zip(tmp_path / "a.zip", entries))
    assert [each.name for each in report.classes] == ["colon", "lung"]
    assert any("in the folders aca, scc are of the class lung. If these" in note for note in report.notes)


def test_an_unlabelled_test_part_may_be_the_larger(workspace, tmp_path) -> None:
    entries = pictures("train/a", "train/b") | pictures("test", count=40)
    report = report_of(workspace, make_zip(tmp_path / "a.zip", entries))
    assert len(report.left_out) == 40
    assert {each.reason for each in report.left_out} == {
        "is in test, which has no class folders, so it has no label"
    }


def test_links_in_a_zip_are_left_out(workspace, tmp_path) -> None:
    path = make_zip(tmp_path / "a.zip", pictures("cats", "dogs"))
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("cats/link.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert left_out(report_of(workspace, path)) == {
        "cats/link.png": "is a link or a device, which is not followed"
    }


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_entries_with_one_name_the_last_counts(workspace, tmp_path) -> None:
    """As when the zip is unpacked."""
    path = make_zip(
        tmp_path / "a.zip", pictures("cats", "dogs", count=5) | {"cats/9.png": png("red", (9, 9))}
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("cats/9.png", png("lime", (9, 9)))
    report = report_of(workspace, path)
    assert left_out(report) == {"cats/9.png": "is in the zip twice; the last one is used"}
    dataset = load_dataset(workspace, "mine")
    every = np.concatenate([dataset.x_train, dataset.x_test])
    assert [int((every == color).all(axis=(1, 2, 3)).sum()) for color in ((0, 255, 0), (255, 0, 0))] == [1, 0]


def raw_zip(path: Path, names: list[bytes], data: bytes) -> Path:
    """A zip whose names are these bytes, without the flag that says they are UTF-8, as macOS packs them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for place in range(len(names)):
            archive.writestr(f"{place:04}" + "x" * (len(names[place]) - 4), data)
    content = stream.getvalue()
    for place, name in enumerate(names):
        content = content.replace(f"{place:04}".encode() + b"x" * (len(name) - 4), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("encoding", "names", "expected", "is_unclear"),
    [
        ("utf-8", ["Äpfel", "苹果"], ("Äpfel", "苹果"), False),
        ("cp437", ["Äpfel", "Birnen"], ("Birnen", "Äpfel"), True),
        ("cp932", ["りんご", "なし"], None, True),
    ],
)
def test_names_in_a_zip_are_utf_8_wherever_they_can_be(
    workspace, tmp_path, encoding, names, expected, is_unclear: bool
) -> None:
    paths = [f"{name}/{index}.png".encode(encoding) for name in names for index in range(5)]
    report = report_of(workspace, raw_zip(tmp_path / "a.zip", paths, png()))
    if expected is not None:
        assert tuple(each.name for each in report.classes) == expected
    assert any("old encoding" in note for note in report.notes) == is_unclear


def test_the_same_picture_in_two_parts_is_counted(workspace, tmp_path) -> None:
    """After resizing: the copy is another file of the same pixels."""
    train = pictures("train/cats", "train/dogs", count=12)
    copies = {
        f"{part}/{name}/copy{index}.png": train[f"train/{name}/{index}.png"]
        for part in ("valid", "test")
        for name in ("cats", "dogs")
        for index in range(6)
    }
    own = pictures("valid/cats", "test/dogs", count=3, seed=5)
    report = report_of(workspace, make_zip(tmp_path / "a.zip", train | copies | own))
    assert {each.kind: each.pictures for each in report.duplicates} == {
        "train_validation": 12, "train_test": 12, "validation_test": 12,
    }  # fmt: skip
    said = report.sentences()
    assert any(
        "12 of 15 validation pictures are training pictures too" in sentence
        and "train/cats/0.png and valid/cats/copy0.png" in sentence
        for sentence in said
    )


def test_the_same_picture_under_two_classes_is_counted(workspace, tmp_path) -> None:
    entries = pictures("cats", "dogs", count=20)
    entries |= {f"dogs/also{index}.png": entries[f"cats/{index}.png"] for index in range(4)}
    report = report_of(workspace, make_zip(tmp_path / "a.zip", entries))
    (found,) = (each for each in report.duplicates if each.kind == "two_labels")
    assert found.pictures == 8
    assert found.examples[0] == ("cats/0.png", "dogs/also0.png")


def test_copies_in_one_part_are_counted(workspace, tmp_path) -> None:
    entries = pictures("train/a", "train/b", "test/a", "test/b", count=10)
    for name, original in (
        ("train/a/1 copy.png", "train/a/1.png"),
        ("train/a/1 copy 2.png", "train/a/1.png"),
    ):
        entries[name] = entries[original]
    report = report_of(workspace, make_zip(tmp_path / "a.zip", entries))
    (found,) = report.duplicates
    assert (found.kind, found.pictures) == ("within_part", 2)
    assert set(found.examples[0]) <= {"train/a/1.png", "train/a/1 copy.png", "train/a/1 copy 2.png"}
    assert "2 pictures repeat another one of the same class and part" in found.sentence(report.classes)


def test_different_pictures_are_no_duplicates(workspace, tmp_path) -> None:
    assert report_of(workspace, make_zip(tmp_path / "a.zip", pictures("a", "b", count=20))).duplicates == ()


def test_sixteen_bits_of_which_few_are_used_are_said(workspace, tmp_path) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (12, 12)).astype(np.uint16)
    dark = encoded(Image.fromarray(values), "PNG")
    entries = {f"{name}/{index}.png": dark for name in "ab" for index in range(5)}
    notes = report_of(workspace, make_zip(tmp_path / "a.zip", entries)).notes
    assert any("16 bits per pixel" in note and "(10 of 10 pictures)" in note for note in notes)
    assert any("very dark" in note for note in notes)


def test_uneven_classes_and_what_cannot_be_judged_are_said(workspace, tmp_path) -> None:
    entries = pictures("healthy", count=300) | pictures("ill", count=6) | {"rare/0.png": noise(1)}
    report = report_of(workspace, make_zip(tmp_path / "a.zip", entries))
    assert report.classes == (
        ClassCount("healthy", 240, 30, 30), ClassCount("ill", 4, 1, 1), ClassCount("rare", 1, 0, 0),
    )  # fmt: skip
    said = " ".join(report.notes)
    assert "Few training pictures: ill (4), rare (1). Better are 20 or more per class." in said
    assert "rare has no validation and test pictures" in said
    assert "healthy has 240 training pictures, rare 1. Look at the balanced accuracy" in said


def test_a_part_without_a_class_is_said(workspace, tmp_path) -> None:
    entries = pictures(
        "train/a", "train/b", "train/c", "valid/a", "valid/b", "valid/c", "test/a", "test/b", count=30
    )
    report = report_of(workspace, make_zip(tmp_path / "a.zip", entries))
    assert [each.test for each in report.classes] == [30, 30, 0]
    assert "c has no test pictures, so the accuracy on them says nothing about it." in report.notes


def test_a_damaged_report_costs_only_itself(workspace, tmp_path) -> None:
    import_here(workspace, "mine", make_zip(tmp_path / "a.zip", pictures("a", "b")))
    (workspace.datasets / "mine" / "report.json").write_text("[[[[")
    assert load_report(workspace, "mine") is None
    assert load_dataset(workspace, "mine", verify=True).class_names == ("a", "b")


def test_what_misleads_is_told_from_what_is_only_worth_knowing() -> None:
    classes = (ClassCount("a", 100, 0, 200), ClassCount("b", 10, 250, 200))
    twice = Duplicates("train_test", 3, (("a/1.png", "a/2.png"),))
    notes = ("It came without a test part.", *count_notes(classes))
    report = ImportReport(classes, duplicates=(twice,), notes=notes)
    missing = "a has no validation pictures, so the accuracy on them says nothing about it."
    assert report.serious_findings() == [
        "3 of 400 test pictures are training pictures too (the same pixels), so the test accuracy looks better than it "
        "is.",
        missing,
        "Few training pictures: b (10). Better are 20 or more per class.",
        "The classes are uneven: a has 100 training pictures, b 10. Look at the balanced accuracy: it counts every "
        "class the same.",
    ]
    assert report.serious() == [
        f"{report.serious_findings()[0]} For example a/1.png and a/2.png.",
        *report.serious_findings()[1:],
    ]
    assert set(report.serious()) < set(report.sentences())
    assert ImportReport((ClassCount("a", 100, 60, 60), ClassCount("b", 60, 60, 60))).serious() == []
