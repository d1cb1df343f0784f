"""Tags on single pictures: kept by data, changed as a whole, refused in words."""

import pytest

from core.errors import RunError, UserError
from core.store.marks import MAX_TAGS
from core.store.picture_tags import data_of
from core.store.records import RunRequest
from tests.core.scheduling.fakes import CONFIG


def test_they_belong_to_a_picture_of_the_data(store) -> None:
    store.picture_tags.set("digest", 7, ["wrong label", " odd ", "odd"])
    store.picture_tags.set("digest", 3, ["odd"])
    store.picture_tags.set("other", 7, ["mine"])
    assert store.picture_tags.of("digest") == {3: ("odd",), 7: ("odd", "wrong label")}
    store.picture_tags.change("digest", 7, add=["new"], remove=["odd", "never there"])
    assert store.picture_tags.of("digest")[7] == ("new", "wrong label")
    store.picture_tags.set("digest", 7, [])
    assert store.picture_tags.of("digest") == {3: ("odd",)}
    assert store.picture_tags.of("nothing") == {}


def test_what_is_not_allowed_changes_nothing(store) -> None:
    store.picture_tags.set("digest", 7, ["odd"])
    with pytest.raises(RunError, match="cannot hold commas"):
        store.picture_tags.set("digest", 7, ["good", "a, b"])
    with pytest.raises(UserError, match=f"at most {MAX_TAGS} tags, not {MAX_TAGS + 1}"):
        store.picture_tags.set("digest", 7, map(str, range(MAX_TAGS + 1)))
    assert store.picture_tags.of("digest") == {7: ("odd",)}


def test_a_run_from_before_digests_goes_by_the_name_of_its_data(store) -> None:
    run = store.queue_run(RunRequest(CONFIG))
    assert run.dataset_digest is None and data_of(run) == run.dataset
