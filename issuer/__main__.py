"""``python -m issuer``: the same as ``muniment-issuer``."""

from __future__ import annotations

import sys

from issuer.cli import main

sys.exit(main())
