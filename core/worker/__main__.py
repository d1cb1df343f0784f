"""`python -m core.worker RUN --attempt N`: trains one run, and further ones if it is asked to."""

from core.system.processes import leave
from core.worker.standby import main

if __name__ == "__main__":
    leave(main())
