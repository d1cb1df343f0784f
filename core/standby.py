"""The former place of the standby worker: a scheduler of that layout starts it here. For one release."""

from core.worker import run, standby

if __name__ == "__main__":
    run.leave(standby.main())
