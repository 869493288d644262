"""Settings that the tests build stacks from."""

import json
from collections.abc import Callable

from components.configuration import load
from components.ml_stack import MLStack, MLStackArgs
from components.settings import Settings

PRINCIPAL = "arn:aws:iam::123456789012:role/zenml-server"

MINIMAL = {
    "aws:region": "eu-west-1",
    "aws:allowedAccountIds": '["123456789012"]',
    "mlstack:connector": json.dumps({"principal": PRINCIPAL}),
}

EXISTING_KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"

CASES: dict[str, dict[str, str]] = {
    "as it comes": {},
    "everything on": {
        "mlstack:network": '{"mode": "isolated"}',
        "mlstack:enhancedScanning": "true",
        "mlstack:roles": json.dumps(
            {"path": "/ml/", "permissionsBoundary": "arn:aws:iam::123456789012:policy/boundary"}
        ),
    },
    "key, network and log bucket of yours": {
        "mlstack:encryption": json.dumps({"mode": "existing", "keyArn": EXISTING_KEY}),
        "mlstack:network": json.dumps(
            {
                "mode": "existing",
                "vpcId": "vpc-0123456789abcdef0",
                "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                "securityGroupIds": ["sg-0123456789abcdef0"],
            }
        ),
        "mlstack:accessLogs": '{"mode": "existing", "bucket": "central-access-logs"}',
    },
    "development": {"mlstack:profile": "development"},
    "own machine orchestrates": {"mlstack:orchestrator": "local"},
    "no step operator": {"mlstack:stepOperator": "false"},
    "no image builder": {"mlstack:imageBuilder": "false"},
    "artifact store alone": {
        "mlstack:orchestrator": "local",
        "mlstack:stepOperator": "false",
        "mlstack:imageBuilder": "false",
        "mlstack:containerRegistry": "false",
    },
    "keys of AWS": {"mlstack:encryption": '{"mode": "aws-managed"}'},
    "base images through a cache": {
        "mlstack:network": '{"mode": "isolated"}',
        "mlstack:pullThroughCache": json.dumps(
            {
                "upstreams": [
                    {"registry": "public.ecr.aws"},
                    {
                        "registry": "registry-1.docker.io",
                        "credentialArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
                        "ecr-pullthroughcache/docker-hub-a1b2c3",
                    },
                ]
            }
        ),
    },
    "no connectors": {"mlstack:connector": '{"auth": "none"}'},
    "key of a user": {
        "mlstack:connector": '{"auth": "iam-role", "keys": [1, 2]}',
        "mlstack:roles": json.dumps(
            {"path": "/ml/", "permissionsBoundary": "arn:aws:iam::123456789012:policy/boundary", "exclusive": True}
        ),
    },
    "protected": {"mlstack:protect": "true"},
    "another region": {
        "aws:region": "us-gov-west-1",
        "mlstack:connector": json.dumps({"principal": PRINCIPAL.replace("arn:aws:", "arn:aws-us-gov:")}),
    },
}


def settings(changes: dict[str, str] | None = None, *, environment: str = "dev") -> Settings:
    return load({**MINIMAL, **(changes or {})}, project="mlstack", environment=environment)


def program(changes: dict[str, str] | None = None, name: str = "mlstack") -> Callable[[], MLStack]:
    args = MLStackArgs.from_settings(settings(changes))
    return lambda: MLStack(name, args)
