"""Environment variables for the clients of the embedded cloud: they find it, and nothing else that the user has."""

import os
import sys
from pathlib import Path

PASSPHRASE = "mlstack-local"  # noqa: S105 -- no secret: what it protects is the state of an emulator
"""Of the local Pulumi backend; `Pulumi.local.yaml` holds the salt that goes with it."""


PROVIDER = "MLSTACK_AWS_PROVIDER"
"""Environment variable; `plugin` has the engine use Pulumi's real aws plugin against the emulator."""


def aws_config(root: Path) -> Path:
    """An AWS configuration file with nothing in it but a profile."""
    return root / "client" / "aws-config"


def aws(root: Path, endpoint: str, region: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_ACCESS_KEY_ID": "mlstack-local",
        "AWS_SECRET_ACCESS_KEY": "mlstack-local",
        # A token of the user's real account in the environment would be sent along.
        "AWS_SESSION_TOKEN": "",
        "AWS_SECURITY_TOKEN": "",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A file, not /dev/null: an AWS_PROFILE of the user's would be missed there.
        "AWS_CONFIG_FILE": str(aws_config(root)),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PROFILE": "default",
        **_past_proxies(),
    }


def zenml(root: Path, url: str, api_key: str) -> dict[str, str]:
    configuration = root / "client" / "zenml"
    return {
        "ZENML_STORE_URL": url,
        "ZENML_STORE_API_KEY": api_key,
        "ZENML_CONFIG_PATH": str(configuration),
        "ZENML_LOCAL_STORES_PATH": str(configuration / "local_stores"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        **_past_proxies(),
    }


def pulumi(root: Path, provider_port: int, engine_bin: Path) -> dict[str, str]:
    # The real plugin takes the emulator's address from AWS_ENDPOINT_URL, and the rest from Pulumi.local.yaml.
    embedded = {
        "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port}",
        # Without it the engine looks for the real aws plugin on the internet on every run.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Plugins that the user has installed lie in their own.
        "PULUMI_HOME": str(root / "pulumi-home"),
    }
    binaries = [str(engine_bin), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        **({} if os.environ.get(PROVIDER) == "plugin" else embedded),
        "PULUMI_BACKEND_URL": f"file://{root / 'pulumi'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PATH": os.pathsep.join(binaries),
        "VIRTUAL_ENV": sys.prefix,
    }


def _past_proxies() -> dict[str, str]:
    """Loopback is nothing for a proxy; what the user already keeps from it stays so."""
    mine = ["127.0.0.1", "localhost"]
    return {name: ",".join([*filter(None, [os.environ.get(name)]), *mine]) for name in ("NO_PROXY", "no_proxy")}
