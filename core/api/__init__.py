"""The REST face, `/api/v1`: the same functions as the pages and the command line, in the same JSON."""
