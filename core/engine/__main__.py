"""`python -m core.engine`: answers requests on standard input until it is closed."""

import sys

from core.engine.process import main

if __name__ == "__main__":
    sys.exit(main())
