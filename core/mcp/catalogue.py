"""All tools, and calling one by its name: arguments held against its schema, errors as sentences."""

import logging
from functools import cache
from typing import Any

import anyio.to_thread
import jsonschema

from core.config.refusals import unknown_key
from core.errors import ConfigError, ConvDeckError, UserError
from core.mcp import classifying, designing, running, waiting
from core.mcp.tool import Bench, Progress, Tool

logger = logging.getLogger(__name__)


@cache
def tools() -> dict[str, Tool]:
    """By name, in the order in which clients list them."""
    modules = (designing, running, waiting, classifying)
    return {tool.name: tool for module in modules for tool in module.tools()}


async def call(bench: Bench, name: str, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The document of a tool. Raises ConvDeckError, of which each is a sentence, and nothing else."""
    try:
        if name not in tools():
            raise UserError(f"There is no tool {name[:60]!r}; choose one of {', '.join(tools())}.")
        tool = tools()[name]
        # Null is what some clients send for what is left out.
        given = {key: value for key, value in asked.items() if value is not None}
        check_arguments(tool, given)
        if tool.wait is not None:
            return await tool.wait(bench, given, progress)
        work = tool.work
        assert work is not None
        # A cancelled call is left alone: what it asked for is done or not, and its answer is dropped.
        return await anyio.to_thread.run_sync(lambda: work(bench, given), abandon_on_cancel=True)
    except ConvDeckError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise ConvDeckError(f"{where}{error.strerror or error}. Fix the cause and try again.") from error
    except Exception as error:
        logger.exception("The tool %s failed.", name)
        raise ConvDeckError(
            f"ConvDeck has met an error of its own ({type(error).__name__}). Its standard error has the details."
        ) from error


def check_arguments(tool: Tool, given: dict[str, Any]) -> None:
    """Raise ConfigError for the first argument that the tool's schema does not take.

    Settings are left to the config, which knows more about them and says it better.
    """
    for key in given:
        if key not in tool.properties:
            raise (
                unknown_key(key[:60], tool.properties)
                if tool.properties
                else ConfigError(key[:60], "is not known here: this tool takes no arguments.")
            )
    for key in tool.required:
        if key not in given:
            raise ConfigError(key, "is missing.")
    for key, value in given.items():
        schema = tool.properties[key]
        if key == "settings":
            schema = {"type": "object"}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
            raise ConfigError(key, _in_words(error))


def _in_words(error: jsonschema.ValidationError) -> str:
    limit, given = error.validator_value, repr(error.instance)
    short = given if len(given) <= 60 else f"{given[:59]}…"
    match error.validator:
        case "type":
            words = {
                "integer": "a whole number",
                "string": "text",
                "boolean": "true or false",
                "number": "a number",
            }
            return f"must be {words.get(str(limit), 'an object')}, not {short}."
        case "enum":
            return f"must be one of {', '.join(map(str, limit))}, not {short}."
        case "minimum" | "maximum":
            return f"must be at {'least' if error.validator == 'minimum' else 'most'} {limit:g}, not {short}."
        case "minLength":
            return "must not be empty."
        case "maxLength":
            return f"must have at most {limit:,} characters."
        case _:
            return f"is not allowed: {short}."
