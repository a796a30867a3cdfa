"""``python -m aishoot_async`` is ``aishoot``."""

from .cli import main

if __name__ == "__main__":
    main()
