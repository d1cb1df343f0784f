"""`python -m core.worker RUN --attempt N`: trains one run."""

from core.worker.run import leave, main

if __name__ == "__main__":
    leave(main())
