"""The pipeline that `mlstack verify` runs. It goes alone into the image of the steps, where there is no MLStack."""

import os

from zenml import step


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def write(mark: str) -> dict[str, str]:
    """Leaves an artifact that says what it is and which job wrote it."""
    print(f"mlstack verify {mark}: written")  # noqa: T201 -- looked for in the logs
    return {"mark": mark, "job": _job()}


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def read(written: dict[str, str], mark: str) -> dict[str, str]:
    """Reads it back, on another machine. Raises ValueError when it is not what was written."""
    if written["mark"] != mark:
        raise ValueError(f"read back {written['mark']!r} instead of {mark!r}")
    print(f"mlstack verify {mark}: read back")  # noqa: T201 -- as above
    return {"mark": mark, "job": _job()}


def smoke(mark: str) -> None:
    """Made a pipeline, under a name of its own, by whoever runs it."""
    read(write(mark), mark)


def _job() -> str:
    # https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html#model-train-storage-env-var-summary
    return os.environ.get("TRAINING_JOB_ARN", "")
