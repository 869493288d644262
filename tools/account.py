"""Prints the account of a settings file: `python -m tools.account Pulumi.dev.yaml`."""

import sys
from pathlib import Path

from components.configuration import from_file
from mlstack.errors import UsageError


def main() -> int:
    try:
        print(from_file(Path(sys.argv[1])).account_id)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
