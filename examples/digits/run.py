"""Run the digits pipeline on the active ZenML stack, wait for it and print what came out.

zenml stack set mlstack-dev
python examples/digits/run.py --image <an image in your registry that holds ZenML and scikit-learn>
"""

import argparse
import json
import sys
import time

from pipeline import digits
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.enums import ExecutionStatus


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--image", help="run the steps in this image instead of building one")
    arguments.add_argument("--timeout", type=float, default=3600, help="seconds to wait for the run (default: 3600)")
    arguments.add_argument("--json", action="store_true", help="print the result as one JSON document")
    options = arguments.parse_args()

    settings = {"docker": DockerSettings(parent_image=options.image, skip_build=True)} if options.image else {}
    run = digits.with_options(enable_cache=False, settings=settings)()
    if run is None:
        print("the run was not started", file=sys.stderr)
        return 1

    deadline = time.monotonic() + options.timeout
    while not (status := Client().get_pipeline_run(run.id).status).is_finished:
        if time.monotonic() > deadline:
            print(f"{run.name} is still {status.value} after {options.timeout:.0f} s", file=sys.stderr)
            return 1
        time.sleep(0.5)
    if status != ExecutionStatus.COMPLETED:
        print(f"{run.name} ended {status.value}", file=sys.stderr)
        return 1

    run = Client().get_pipeline_run(run.id, hydrate=True)
    outputs = [output for step in run.steps.values() for versions in step.outputs.values() for output in versions]
    artifacts = {output.name: output.uri for output in outputs}
    accuracy = run.steps["evaluate"].outputs["accuracy"][0].load()
    if options.json:
        result = {"run": str(run.id), "name": run.name, "status": status.value, "accuracy": accuracy}
        print(json.dumps({**result, "artifacts": artifacts}))
    else:
        print(f"{run.name} {status.value}: accuracy {accuracy:.3f}")
        for name in ("model", "metrics"):
            print(f"  {name}: {artifacts[name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
