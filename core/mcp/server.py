"""The MCP server: the tools over standard input and output, and nothing else on either.

It is a face beside pages, command line and REST, and trains nothing itself: the scheduler does. What a library or a
tool prints goes to standard error, because `stdio_server` keeps standard output to itself.
"""

import json
import logging
import os
import sys

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from core.errors import ConvDeckError
from core.mcp.catalogue import call, tools
from core.mcp.tool import Bench
from core.workspace import Workspace

NAME = "convdeck"
INSTRUCTIONS = (
    "ConvDeck trains small image classifiers and says whether they overfit. Usual order: list_datasets and "
    "list_presets, check_design, start_run, wait_for_run until it has ended, show_run for the verdict and its "
    "suggestions, fork_run with a suggestion's id, wait_for_run again, and compare the gap of both. Fractions "
    "are of 1. Runs continue when this program ends. Nothing is deleted by these tools."
)


def build_server(bench: Bench) -> "Server[object]":
    """The server with all tools, on a workspace."""

    async def list_tools(
        _: ServerRequestContext[object], __: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=listed_tools())

    async def call_tool(
        context: ServerRequestContext[object], params: CallToolRequestParams
    ) -> CallToolResult:
        async def progress(done: float, total: float, text: str) -> None:
            await context.session.report_progress(done, total, text)

        try:
            document = await call(bench, params.name, params.arguments or {}, progress)
        except ConvDeckError as error:
            return CallToolResult(content=[TextContent(text=str(error))], is_error=True)
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        return CallToolResult(content=[TextContent(text=text)], structured_content=document)

    return Server(
        NAME, title="ConvDeck", instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


def listed_tools() -> list[Tool]:
    """As clients list them. Nothing leaves this machine, so no tool's world is open."""
    return [
        Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.input_schema,
            annotations=ToolAnnotations(
                title=tool.title,
                read_only_hint=tool.reads_only,
                destructive_hint=tool.is_destructive,
                idempotent_hint=tool.reads_only or tool.is_idempotent,
                open_world_hint=False,
            ),
        )
        for tool in tools().values()
    ]


def serve(workspace: Workspace) -> None:
    """Serve until standard input closes, then end this process. Raises ConvDeckError where it cannot start."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(message)s")
    bench = Bench(workspace)
    code = 0
    try:
        anyio.run(_serve, bench)
    except KeyboardInterrupt:
        code = 130
    finally:
        bench.close()
    # A thread may still wait for an answer that no one will read, or for standard input: it would keep the process.
    sys.stderr.flush()
    os._exit(code)


async def _serve(bench: Bench) -> None:
    server = build_server(bench)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
