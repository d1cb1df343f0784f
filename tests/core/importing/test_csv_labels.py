"""Labels in a table beside the pictures."""

import pytest

from core.datasets.storage import load_dataset
from core.errors import DatasetError
from core.importing.importing import import_here
from core.importing.report import load_report
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
    assert {each.reason for each in report.left_out} == {"has no label in the table"}


def test_class_folders_count_more_than_a_table(workspace, tmp_path) -> None:
    entries = {f"{kind_of(index)}/{index}.jpg": noise(index) for index in range(24)}
    path = make_zip(tmp_path / "a.zip", entries | {"list.csv": table("id,label", "{i}.jpg,other")})
    assert import_here(workspace, "mine", path).class_names == ("cat", "dog")


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
