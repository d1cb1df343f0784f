"""What pages, commands and REST do with runs: start, control, judge, export. Never Keras."""
