"""`python -m core.engine`: answers requests on standard input until it is closed."""

from core.engine.process import main
from core.system.processes import leave

if __name__ == "__main__":
    leave(main())
