"""What ZenML wants installed for a stack's flavors, in ZenML's own words: a process that writes one JSON document.

    echo '[["artifact_store", "s3"]]' | python -m mlstack.images.integrations

It is what `Stack.requirements()` adds up, of a stack that need not be registered.
"""

import json
import os
import sys


def main() -> None:
    """Reads [type, flavor] pairs on standard input, writes `{"zenml", "integrations", "requirements"}`."""
    # ZenML prints what it likes where it likes.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    wanted = {(kind, flavor) for kind, flavor in json.load(sys.stdin)}

    import zenml
    from zenml.integrations.registry import integration_registry

    integrations, requirements = set(), set()
    for name, integration in integration_registry.integrations.items():
        flavors = {(str(each.type.value), each.name) for each in (flavor() for flavor in integration.flavors())}
        if flavors & wanted:
            integrations.add(name)
            requirements |= set(integration.get_requirements(target_os="Linux"))
    with answer:
        json.dump(
            {
                "zenml": zenml.__version__,
                "integrations": sorted(integrations),
                "requirements": sorted(requirements),
            },
            answer,
        )


if __name__ == "__main__":
    main()
