"""`python -m sops_python`: the command `sops-python`."""

import sys

from sops_python.cli import main

if __name__ == "__main__":
    sys.exit(main())
