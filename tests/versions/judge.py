"""Runs in the older environment: holds configurations from stdin against the flavors' own config classes.

Prints a JSON list of what is wrong. Knows nothing of MLStack, which that environment does not have.
"""

import json
import sys
from typing import Any


def flavors() -> dict[tuple[str, str], Any]:
    from zenml.integrations.aws import flavors as aws
    from zenml.integrations.s3.flavors import S3ArtifactStoreFlavor
    from zenml.orchestrators import LocalOrchestratorFlavor

    classes = [
        S3ArtifactStoreFlavor,
        LocalOrchestratorFlavor,
        *(getattr(aws, name) for name in dir(aws) if name.endswith("Flavor")),
    ]
    return {(made.type.value, made.name): made.config_class for made in (each() for each in classes)}


def wrong(given: list[dict[str, Any]]) -> list[str]:
    known, said = flavors(), []
    for each in given:
        where = f"{each['case']}: {each['kind']} {each['flavor']}"
        config_class = known.get((each["kind"], each["flavor"]))
        if config_class is None:
            said.append(f"{where}: there is no such flavor")
            continue
        unknown = [key for key in each["configuration"] if key not in config_class.model_fields]
        said += [f"{where}: {key} is not known" for key in unknown]
        try:
            config_class(**each["configuration"])
        except ValueError as error:
            said.append(f"{where}: {error}")
    return said


if __name__ == "__main__":
    print(json.dumps(wrong(json.load(sys.stdin))))
