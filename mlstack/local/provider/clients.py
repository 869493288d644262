"""boto3 clients for the emulator, made once each."""

import threading
from collections.abc import Mapping
from typing import Any

_OPERATOR = {"aws_access_key_id": "mlstack-local", "aws_secret_access_key": "mlstack-local"}


class Clients:
    """boto3's sessions are not made for threads, its clients are: so making one is guarded, using it is not."""

    def __init__(self, endpoint: str, credentials: Mapping[str, str] = _OPERATOR) -> None:
        import boto3
        from botocore.config import Config

        self._endpoint = endpoint
        self._session = boto3.Session(**credentials)
        # An API that the emulator does not have answers with 500: retrying that only looks like hanging.
        self._config = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60, max_pool_connections=32)
        self._made: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()

    def assuming(self, role: Mapping[str, Any], region: str) -> "Clients":
        """Clients in a session of that role, as `aws:assumeRoles` describes it, in whichever account it is."""
        asked = {"RoleArn": role["roleArn"], "RoleSessionName": role.get("sessionName", "pulumi")}
        asked |= {"ExternalId": role["externalId"]} if "externalId" in role else {}
        given = self.get("sts", region).assume_role(**asked)["Credentials"]
        return Clients(
            self._endpoint,
            {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            },
        )

    def get(self, service: str, region: str) -> Any:
        with self._making:
            if (service, region) not in self._made:
                self._made[service, region] = self._session.client(
                    service, region_name=region, endpoint_url=self._endpoint, config=self._config
                )
            return self._made[service, region]
