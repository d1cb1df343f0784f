"""Where the scheduler was until 0.1: a server of that layout that still runs starts it here. Goes with the next release."""

from core.scheduling.service import main

if __name__ == "__main__":
    main()
