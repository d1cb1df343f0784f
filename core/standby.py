"""The former place of the standby worker: a scheduler of that layout starts it here. For one release."""

from core.system.processes import leave
from core.worker import standby

if __name__ == "__main__":
    leave(standby.main())
