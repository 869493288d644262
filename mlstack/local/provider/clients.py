"""boto3 clients for the emulator, made once each."""

import threading
from typing import Any

_OPERATOR = {"aws_access_key_id": "mlstack-local", "aws_secret_access_key": "mlstack-local"}


class Clients:
    """boto3's sessions are not made for threads, its clients are: so making one is guarded, using it is not."""

    def __init__(self, endpoint: str) -> None:
        import boto3
        from botocore.config import Config

        self._endpoint = endpoint
        self._session = boto3.Session(**_OPERATOR)
        # An API that the emulator does not have answers with 500: retrying that only looks like hanging.
        self._config = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60, max_pool_connections=32)
        self._made: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()

    def get(self, service: str, region: str) -> Any:
        with self._making:
            if (service, region) not in self._made:
                self._made[service, region] = self._session.client(
                    service, region_name=region, endpoint_url=self._endpoint, config=self._config
                )
            return self._made[service, region]
