"""`make security`: checkov's verdict on what the program declares, beside the exceptions that are written down.

python -m tools.security [--json]
"""

import argparse
import json
import sys

from tests.components.stacks import CASES, program
from tests.recording import record
from tools.security.exceptions import FILE, Comparison, load
from tools.security.judge import JudgeError, install, judge
from tools.security.plan import UnknownTypeError, plan

SCANNED = ("as it comes", "everything on", "key, network and log bucket of yours", "key of a user")
"""Of the settings the tests have: those that claim to be safe. `development` says itself what it leaves out."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make security", description="an outside judge of what is declared")
    parser.add_argument("--json", action="store_true", help="the verdict for a program to read")
    arguments = parser.parse_args()
    try:
        exceptions = load(FILE.read_text(encoding="utf-8"))
        plans = {name: plan(record(program(CASES[name])).resources) for name in SCANNED}
        compared = Comparison(judge(install(), plans), exceptions)
    except (JudgeError, UnknownTypeError, ValueError) as error:
        print(f"no verdict: {error}", file=sys.stderr)
        return 1
    print(json.dumps(compared.as_json(), indent=2) if arguments.json else compared.table())
    return 0 if compared.holds else 1


if __name__ == "__main__":
    sys.exit(main())
