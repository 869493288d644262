"""What is run while the calls are recorded."""

import time
from pathlib import Path

from tools.calls.embedded import ROOT, Stack, mark

_DIGITS = ROOT / "examples" / "digits"
_PROJECT = Path(__file__).parent / "project"


def run_digits(stack: Stack, calls: Path) -> None:
    """The demo's pipeline, three steps on SageMaker, and its result read back."""
    mark(calls, "pipeline")
    stack.run("run.py", "--image", stack.image, "--timeout", "300", "--json", directory=_DIGITS)


def run_all(stack: Stack, calls: Path) -> None:
    begun = time.monotonic()
    run_digits(stack, calls)
    for flow in ("schedule", "step operator", "dynamic pipeline", "image build", "registry log-in", "large artifact"):
        print(f"{time.monotonic() - begun:.0f} s: {flow}", flush=True)
        mark(calls, flow)
        stack.run("runs.py", flow, "--image", stack.image, directory=_PROJECT)
    mark(calls, "clean-up")
    stack.run("runs.py", "clean-up", "--image", stack.image, directory=_PROJECT)
