"""``make attack``: random damage, all of it found, and random honest work, none of it suspected."""

from __future__ import annotations

import sys

from tests.attacks.at_random import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
