"""Tags on single test pictures: a picture has them under every run on the same data."""

from collections.abc import Iterable

from core.errors import UserError
from core.formatting import count_of
from core.store.database import Database
from core.store.marks import MAX_TAGS, check_tag
from core.store.records import Run


class PictureTags:
    """The part of the store that keeps them. `data` says of which pictures, see `data_of`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, data: str) -> dict[int, tuple[str, ...]]:
        """The tags of each tagged picture, in their order, by its row in the stored test arrays."""
        query = "SELECT row, tag FROM picture_tags WHERE data = ? ORDER BY row, tag"
        found: dict[int, tuple[str, ...]] = {}
        with self._database.reading() as connection:
            for row, tag in connection.execute(query, (data,)):
                found[row] = (*found.get(row, ()), tag)
        return found

    def set(self, data: str, row: int, tags: Iterable[str]) -> None:
        """In the place of those that it had. Raises RunError for a tag that is not allowed, UserError for too many."""
        wanted = sorted({check_tag(tag) for tag in tags})
        if len(wanted) > MAX_TAGS:
            raise UserError(f"A picture has at most {count_of(MAX_TAGS, 'tag')}, not {len(wanted):,}.")
        with self._database.writing() as connection:
            connection.execute("DELETE FROM picture_tags WHERE data = ? AND row = ?", (data, row))
            connection.executemany(
                "INSERT INTO picture_tags (data, row, tag) VALUES (?, ?, ?)",
                [(data, row, tag) for tag in wanted],
            )

    def change(self, data: str, row: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Take tags away, then give others. One that it does not have is no error. Raises as `set` does."""
        unwanted = {str(tag).strip() for tag in remove}
        kept = [tag for tag in self.of(data).get(row, ()) if tag not in unwanted]
        self.set(data, row, [*kept, *add])


def data_of(run: Run) -> str:
    """What tells the data of a run from others: its digest, or its name for a run from before digests were kept."""
    return run.dataset_digest or run.dataset
