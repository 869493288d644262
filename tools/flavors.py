"""Writes components/flavors.json: the configuration keys of the ZenML flavors that a stack of ours can hold."""

import json
from pathlib import Path

FILE = Path(__file__).parents[1] / "components" / "flavors.json"


def render() -> str:
    import inspect

    import zenml
    from sagemaker.estimator import Estimator
    from zenml.integrations.aws.flavors import (
        AWSContainerRegistryFlavor,
        AWSImageBuilderFlavor,
        SagemakerOrchestratorFlavor,
        SagemakerStepOperatorFlavor,
    )
    from zenml.integrations.s3.flavors import S3ArtifactStoreFlavor
    from zenml.orchestrators import LocalOrchestratorFlavor

    keys: dict[str, dict[str, list[str]]] = {}
    for flavor in (
        S3ArtifactStoreFlavor(),
        AWSContainerRegistryFlavor(),
        SagemakerOrchestratorFlavor(),
        LocalOrchestratorFlavor(),
        SagemakerStepOperatorFlavor(),
        AWSImageBuilderFlavor(),
    ):
        keys.setdefault(flavor.type.value, {})[flavor.name] = sorted(flavor.config_class.model_fields)
    estimator = sorted(set(inspect.signature(Estimator.__init__).parameters) - {"self", "kwargs"})
    return json.dumps({"zenml": zenml.__version__, "keys": keys, "estimator": estimator}, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
