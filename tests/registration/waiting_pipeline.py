"""A data scientist's run, which `test_runs_in_progress.py` keeps going: one step waits for a file, the next reads on.

python waiting_pipeline.py STACK STARTED GO
"""

import sys
import time
from pathlib import Path
from typing import Annotated

from zenml import pipeline, step
from zenml.client import Client


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def wait(started: str, go: str) -> Annotated[int, "waited"]:
    Path(started).touch()
    deadline = time.monotonic() + 120
    while not Path(go).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return 1


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def add(waited: int) -> Annotated[int, "total"]:
    return waited + 1


@pipeline  # type: ignore[untyped-decorator]
def waiting(started: str, go: str) -> None:
    add(wait(started, go))


if __name__ == "__main__":
    client = Client()
    client.activate_stack(sys.argv[1])
    waiting(sys.argv[2], sys.argv[3])
    run = client.list_pipeline_runs(sort_by="desc:created", size=1).items[0]
    print(run.status.value, client.get_artifact_version("total").load())
