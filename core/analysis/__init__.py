"""What curves say, as pure functions: signals, verdicts, suggestions, and which differences are significant."""
