"""ConvDeck for MCP clients: tools over standard input and output. Only `core.mcp.server` loads the package mcp."""
