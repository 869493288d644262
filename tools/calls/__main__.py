"""`python -m tools.calls` records the calls anew: some minutes on two cores, nothing but loopback."""

import tempfile
from pathlib import Path

from tools.calls.embedded import NAMES, ROOT, read_raw, registered_stack
from tools.calls.flows import run_all
from tools.calls.normal import normal, write

RECORDED = ROOT / "tests" / "least_privilege" / "recorded.json"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlstack-calls-") as made:
        raw = Path(made) / "calls.jsonl"
        with registered_stack(Path(made), raw) as stack:
            run_all(stack, raw)
        records = normal(read_raw(raw), NAMES)
    write(records, RECORDED)
    print(f"{RECORDED.relative_to(ROOT)}: {len(records)} calls")


if __name__ == "__main__":
    main()
