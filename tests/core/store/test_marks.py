"""Tags, hidden runs and saved views: kept with the runs, all or none."""

import pytest

from core.errors import RunError, RunNotFound, UserError
from core.store.marks import MAX_TAGS, check_tag
from core.store.records import RunRequest
from core.store.store import Store
from core.store.views import SavedView
from tests.core.scheduling.fakes import CONFIG


@pytest.fixture
def ids(store) -> list[str]:
    return [store.queue_run(RunRequest(CONFIG, name)).id for name in ("a", "b")]


def test_tags_are_given_to_several_and_taken_again(store, ids) -> None:
    store.marks.add_tags(ids, [" good ", "kernels"])
    store.marks.add_tags(ids[:1], ["good", "best"])
    assert store.marks.tags_of(ids[0]) == ("best", "good", "kernels")
    assert store.marks.count_by_tag() == {"best": 1, "good": 2, "kernels": 2}
    store.marks.remove_tags(ids, ["good", "never there"])
    assert store.marks.tags_of(ids[1]) == ("kernels",)
    # In the trash they count no more, and come back with the run.
    store.trash.put(ids[0])
    assert store.marks.count_by_tag() == {"kernels": 1}
    store.trash.restore(ids[0])
    assert store.marks.count_by_tag() == {"best": 1, "kernels": 2}


def test_all_are_changed_or_none(store, ids) -> None:
    with pytest.raises(RunNotFound):
        store.marks.add_tags([ids[0], "aaaaaaaaaa"], ["x"])
    with pytest.raises(RunNotFound):
        store.marks.set_hidden([ids[0], "aaaaaaaaaa"], True)
    with pytest.raises(RunError, match=f"at most {MAX_TAGS} tags"):
        store.marks.add_tags(ids, map(str, range(MAX_TAGS + 1)))
    assert store.marks.count_by_tag() == {} and not store.marks.is_hidden(ids[0])


def test_several_changes_of_one_request_are_one(store, ids) -> None:
    store.marks.add_tags(ids[:1], map(str, range(MAX_TAGS)))
    # Of a run that has all tags that it can have, one may be exchanged.
    store.marks.change(ids[:1], add=["new"], remove=["0"], hidden=True)
    assert "new" in store.marks.tags_of(ids[0]) and store.marks.is_hidden(ids[0])
    with pytest.raises(RunError):
        store.marks.change(ids, remove=["new"], add=["a", "b"], hidden=False)
    assert "new" in store.marks.tags_of(ids[0]) and store.marks.is_hidden(ids[0])
    assert store.marks.tags_of(ids[1]) == ()


def test_hidden_runs_are_hidden_in_every_process(workspace, store, ids) -> None:
    store.marks.set_hidden(ids[:1], True)
    with Store(workspace) as other:
        assert [other.marks.is_hidden(each) for each in ids] == [True, False]
        other.marks.set_hidden(ids, False)
    assert not store.marks.is_hidden(ids[0])


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "a\nb", "\u200b", "x" * 41, 5])
def test_a_tag_is_short_and_can_be_seen(tag) -> None:
    with pytest.raises(RunError):
        check_tag(tag)


def test_views_are_saved_under_a_name_and_come_back(store) -> None:
    first = store.views.save(" Kernels ", "?where=tags = kernels")
    assert first == SavedView(first.id, "Kernels", "where=tags = kernels", first.created_at)
    store.views.save("a", "sort=gap")
    assert [view.name for view in store.views.list_views()] == ["a", "Kernels"]
    again = store.views.save("Kernels", "group_by=all-but-seed")
    assert (again.id, again.query) == (first.id, "group_by=all-but-seed")
    assert store.views.get("Kernels") == store.views.get(first.id) == again
    assert store.views.delete("Kernels") == again
    with pytest.raises(UserError, match="There is no view “Kernels”"):
        store.views.get("Kernels")
    store.views.restore(again)
    assert store.views.get("Kernels") == again
    store.views.restore(again)  # twice does no harm


@pytest.mark.parametrize(("name", "query"), [("", "a=b"), ("x" * 81, ""), ("n", "a" * 8001), ("n", "a\nb")])
def test_what_is_no_view_is_refused(store, name, query) -> None:
    with pytest.raises(UserError):
        store.views.save(name, query)
    assert store.views.list_views() == []
