"""The way of a database from version to version, oldest first. What was released is never changed, only added to."""
