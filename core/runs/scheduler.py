"""The former place of the scheduler: a server of that layout that still runs starts it here. For one release."""

from core.scheduling.service import main

if __name__ == "__main__":
    main()
