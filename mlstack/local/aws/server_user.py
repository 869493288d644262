"""The identity that ZenML's server runs as in the emulator."""

from pathlib import Path

SERVER_USER = "zenml-server"
"""IAM user. `Pulumi.local.yaml` names its ARN as the principal of the access role."""


def server_credentials(root: Path) -> Path:
    """Its access key, as a shared credentials file: read at each use, so that a running server gets a new key too."""
    return root / "aws" / "zenml-server.credentials"
