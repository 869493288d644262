"""Writes components/flavors.json: the configuration keys of the ZenML flavors that a stack of ours can hold."""

import json
from pathlib import Path

FILE = Path(__file__).parents[1] / "components" / "flavors.json"


def render() -> str:
    import zenml
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
    return json.dumps({"zenml": zenml.__version__, "keys": keys}, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
