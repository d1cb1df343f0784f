"""Labels in a table beside the pictures."""

import pytest

from core.datasets.storage import load_dataset
from core.errors import DatasetError
from core.importing.importing import import_here
from core.importing.report import ImportReport, load_report
from tests.core.importing.made import make_zip, noise

PICTURES = {f"images/{index}.jpg": noise(index) for index in range(24)}


def kind_of(index: int) -> str:
    return "cat" if index % 2 else "dog"


def table(header: str, row: str, delimiter: str = ",") -> bytes:
    """`row` may use `i`, the picture's number, and `k`, its class."""
    lines = [header, *(row.format(i=index, k=kind_of(index)) for index in range(24))]
    return "\n".join(lines).replace(",", delimiter).encode()


@pytest.mark.parametrize(
    "content",
    [
        table("id,label", "{i}.jpg,{k}"),
        table("image_id,breed", "{i},{k}"),
        table("file;path;class", "x;images/{i}.jpg;{k}"),
        table("id,label", "{i}.jpg,{k}", "\t"),
        b"\xef\xbb\xbf" + table("number,filename,width,category", "{i},{i}.jpg,12,{k}"),
        table("", "{i}.jpg,{k}").lstrip(b"\n"),
        "\n".join(
            ["image,cat,dog", *(f"{i},{float(i % 2)},{float((i + 1) % 2)}" for i in range(24))]
        ).encode(),
    ],
)
def test_tables_as_people_have_them(workspace, tmp_path, content: bytes) -> None:
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": content})
    dataset = import_here(workspace, "mine", path)
    assert dataset.class_names == ("cat", "dog")
    report = load_report(workspace, "mine")
    assert report is not None and not report.left_out
    assert [each.train + each.validation + each.test for each in report.classes] == [12, 12]
    assert any("were read from labels.csv" in note for note in report.notes)


def test_each_picture_has_the_class_of_its_row(workspace, tmp_path) -> None:
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": table("id,label", "{i}.jpg,{k}")})
    import_here(workspace, "table", path)
    folders = {f"{kind_of(index)}/{index}.jpg": noise(index) for index in range(24)}
    import_here(workspace, "folders", make_zip(tmp_path / "b.zip", folders))
    seen = [
        {
            (picture.tobytes(), int(label))
            for x, y in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test))
            for picture, label in zip(x, y, strict=True)
        }
        for dataset in (load_dataset(workspace, "table"), load_dataset(workspace, "folders"))
    ]
    assert seen[0] == seen[1] and len(seen[0]) == 24


def test_a_column_says_the_part(workspace, tmp_path) -> None:
    rows = ["id,label,split"]
    rows += [f"{i}.jpg,{kind_of(i)},{'train' if i < 12 else 'val' if i < 18 else 'test'}" for i in range(24)]
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": "\n".join(rows).encode()})
    dataset = import_here(workspace, "mine", path)
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (12, 6, 12)


def test_pictures_without_a_row_are_left_out(workspace, tmp_path) -> None:
    """As competitions have it: training pictures with a table, test pictures without."""
    entries = {f"train/{index}.jpg": noise(index) for index in range(24)}
    entries |= {f"test/{index}.jpg": noise(index) for index in range(100, 105)}
    path = make_zip(tmp_path / "a.zip", entries | {"train.csv": table("id,label", "{i}.jpg,{k}")})
    import_here(workspace, "mine", path)
    report = load_report(workspace, "mine")
    assert report is not None
    assert {each.file for each in report.left_out} == {f"test/{index}.jpg" for index in range(100, 105)}
    assert {each.reason for each in report.left_out} == {"has no label in a table"}


def test_class_folders_count_more_than_a_table(workspace, tmp_path) -> None:
    entries = {f"{kind_of(index)}/{index}.jpg": noise(index) for index in range(24)}
    path = make_zip(tmp_path / "a.zip", entries | {"list.csv": table("id,label", "{i}.jpg,other")})
    assert import_here(workspace, "mine", path).class_names == ("cat", "dog")


def pairs_of(workspace, name: str) -> set[tuple[bytes, str]]:
    """Each picture with its class."""
    dataset = load_dataset(workspace, name)
    return {
        (picture.tobytes(), dataset.class_names[int(label)])
        for x, y in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test))
        for picture, label in zip(x, y, strict=True)
    }


def labelled(workspace, tmp_path, entries: dict[str, bytes], expected: dict[str, str]) -> ImportReport:
    """Import `entries` with their table, and the same pictures in class folders: each has to have the same class."""
    import_here(workspace, "mine", make_zip(tmp_path / "a.zip", entries))
    by_class = {f"{label}/{place}.png": entries[name] for place, (name, label) in enumerate(expected.items())}
    import_here(workspace, "as-folders", make_zip(tmp_path / "b.zip", by_class))
    assert pairs_of(workspace, "mine") == pairs_of(workspace, "as-folders")
    report = load_report(workspace, "mine")
    assert report is not None
    return report


def test_names_that_look_the_same_when_shown_stay_apart(workspace, tmp_path) -> None:
    """Two spaces or one, capitals or not, and a path that is too long to be shown."""
    deep = "very long folder " * 15
    names = [f"p  {i}.png" for i in range(8)] + [f"p {i}.png" for i in range(8)] + ["A.png", "a.png"]
    expected = {f"{deep}/{name}": "ab"[place % 2] for place, name in enumerate(names)}
    entries = {name: noise(place) for place, name in enumerate(expected)}
    rows = ["file,label", *(f"{name.rsplit('/', 1)[-1]},{label}" for name, label in expected.items())]
    labelled(workspace, tmp_path, entries | {"labels.csv": "\n".join(rows).encode()}, expected)


def test_paths_in_a_table_may_begin_at_its_own_folder(workspace, tmp_path) -> None:
    entries = {
        f"pets/data/{part}/{i}.jpg": noise(i + 50 * (part == "test"))
        for part in ("train", "test")
        for i in range(8)
    }
    expected = {name: kind_of(place) for place, name in enumerate(entries)}
    rows = ["file,label", *(f"{name.removeprefix('pets/')},{label}" for name, label in expected.items())]
    labelled(workspace, tmp_path, entries | {"pets/labels.csv": "\n".join(rows).encode()}, expected)


def test_rows_that_differ_for_a_picture_are_refused(workspace, tmp_path) -> None:
    """As in a table of boxes: several things are in a picture."""
    rows = table("file,label,x,y", "{i}.jpg,{k},1,2") + b"\n3.jpg,dog,9,9"
    path = make_zip(tmp_path / "a.zip", PICTURES | {"boxes.csv": rows})
    with pytest.raises(
        DatasetError, match=r"images/3\.jpg has more than one row, and they differ \(cat, dog\)"
    ):
        import_here(workspace, "mine", path)
    same = table("file,label", "{i}.jpg,{k}") + b"\n3.jpg,cat"
    assert import_here(workspace, "mine", make_zip(path, PICTURES | {"a.csv": same})).class_names == (
        "cat",
        "dog",
    )


@pytest.mark.parametrize("value", ["extra", ""])
def test_a_part_that_is_none_is_refused(workspace, tmp_path, value: str) -> None:
    rows = ["id,label,split", *(f"{i}.jpg,{kind_of(i)},{value if i == 5 else 'train'}" for i in range(24))]
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": "\n".join(rows).encode()})
    with pytest.raises(DatasetError, match=f"says '{value}' in its column of parts; it must be one of train"):
        import_here(workspace, "mine", path)


def test_folders_say_the_part_where_the_table_does_not(workspace, tmp_path) -> None:
    entries = {f"data/{'train' if i < 14 else 'test'}/{i}.jpg": noise(i) for i in range(24)}
    table_of_all = {"labels.csv": table("id,label", "{i}.jpg,{k}")}
    dataset = import_here(workspace, "mine", make_zip(tmp_path / "a.zip", entries | table_of_all))
    by_class = {f"{'train' if i < 14 else 'test'}/{kind_of(i)}/{i}.jpg": noise(i) for i in range(24)}
    expected = import_here(workspace, "as-folders", make_zip(tmp_path / "b.zip", by_class))
    assert {x.tobytes() for x in dataset.x_train} == {x.tobytes() for x in expected.x_train}
    assert len(dataset.x_train) == 14


def test_a_table_for_each_part(workspace, tmp_path) -> None:
    entries = {f"images/{i}.jpg": noise(i) for i in range(24)}
    for name, rows in (("train", range(14)), ("test", range(14, 24))):
        entries[f"{name}.csv"] = "\n".join(["id,label", *(f"{i}.jpg,{kind_of(i)}" for i in rows)]).encode()
    report = labelled(workspace, tmp_path, entries, {f"images/{i}.jpg": kind_of(i) for i in range(24)})
    assert sum(each.train for each in report.classes) == 14


def test_tables_of_several_kinds_are_refused(workspace, tmp_path) -> None:
    tables = {"one.csv": table("id,label", "{i}.jpg,{k}"), "two.csv": table("name,breed", "{i}.jpg,{k}")}
    path = make_zip(tmp_path / "a.zip", PICTURES | tables)
    with pytest.raises(DatasetError, match=r"one\.csv, two\.csv. Keep the one with the classes"):
        import_here(workspace, "mine", path)


def test_a_submission_s_table_is_no_table_of_labels(workspace, tmp_path) -> None:
    entries = {f"train/{i}.jpg": noise(i) for i in range(24)}
    entries |= {f"test/{i}.jpg": noise(i) for i in range(100, 130)}
    entries["labels.csv"] = table("id,label", "{i}.jpg,{k}")
    rows = ["id,label", *(f"{i}.jpg,cat" for i in range(100, 130))]
    entries["sample_submission.csv"] = "\n".join(rows).encode()
    report = labelled(workspace, tmp_path, entries, {f"train/{i}.jpg": kind_of(i) for i in range(24)})
    left = {each.file: each.reason for each in report.left_out}
    assert left["sample_submission.csv"] == "is a table for a submission, not of labels"
    assert left["test/100.jpg"] == "has no label in a table" and len(left) == 31


def test_folders_that_a_table_contradicts_are_refused(workspace, tmp_path) -> None:
    """Pictures packed in two folders for their number alone, and a table with their classes."""
    entries = {f"images_part_{1 + i // 12}/{i}.jpg": noise(i) for i in range(24)}
    path = make_zip(tmp_path / "a.zip", entries | {"metadata.csv": table("image_id,age,dx", "{i},40,{k}")})
    words = r"images_part_1, images_part_2.*different classes.*column 'dx'.*put all pictures into one"
    with pytest.raises(DatasetError, match=words):
        import_here(workspace, "mine", path)


def test_a_table_that_agrees_with_the_folders_is_left_out(workspace, tmp_path) -> None:
    entries = {f"{kind_of(i)}/{i}.jpg": noise(i) for i in range(24)}
    path = make_zip(tmp_path / "a.zip", entries | {"labels.csv": table("id,label", "{i}.jpg,the {k}")})
    assert import_here(workspace, "mine", path).class_names == ("cat", "dog")


def test_labels_that_look_the_same_are_one_class_or_refused(workspace, tmp_path) -> None:
    names = ["café", "cafe\u0301", "thé"]
    rows = ["id,label", *(f"{i}.jpg,{names[i % 3]}" for i in range(24))]
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": "\n".join(rows).encode()})
    assert import_here(workspace, "mine", path).class_names == ("café", "thé")
    rows = ["id,label", *(f"{i}.jpg,{'x' * 70}{i % 2}" for i in range(24))]
    with pytest.raises(DatasetError, match="look the same"):
        import_here(workspace, "long", make_zip(path, PICTURES | {"labels.csv": "\n".join(rows).encode()}))


def test_rows_that_name_nothing_are_counted(workspace, tmp_path) -> None:
    content = table("id,label", "{i}.jpg,{k}") + b"\n900.jpg,cat\n901.jpg,cat\nshort"
    import_here(workspace, "mine", make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": content}))
    report = load_report(workspace, "mine")
    assert report is not None
    assert "2 rows name no picture in it. 1 row with too few cells was not read." in report.notes[0]
    assert "column 'label', pictures named by its column 'id'" in report.notes[0]


def test_a_table_that_is_too_large_is_refused(workspace, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("core.importing.csv_labels.MAX_FILE_BYTES", 200)
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": table("id,label", "{i}.jpg,{k}")})
    with pytest.raises(DatasetError, match=r"labels\.csv is larger than"):
        import_here(workspace, "mine", path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            table("id,width,height", "{i}.jpg,12,13"),
            "not clearly their classes: its columns are id, width, height",
        ),
        (table("a,b", "x,y"), "only one class"),
        (table("id,label", "{i}.jpg,same"), "only one class"),
        (b"\0\xff" * 50, "only one class"),
    ],
)
def test_tables_that_do_not_say_are_refused(workspace, tmp_path, content: bytes, words: str) -> None:
    path = make_zip(tmp_path / "a.zip", PICTURES | {"labels.csv": content})
    with pytest.raises(DatasetError, match=words):
        import_here(workspace, "mine", path)
