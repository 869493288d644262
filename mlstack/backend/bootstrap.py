"""Makes the backend, or says what is missing: first everything is looked at, then what is not right is mended."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from mlstack.backend.aws import Clients, clients, speaking
from mlstack.backend.bucket import Bucket
from mlstack.backend.key import Key
from mlstack.backend.part import Part
from mlstack.backend.place import Place, Trusted
from mlstack.backend.probe import probe
from mlstack.backend.roles import Roles

News = Callable[[str], None]

_NO_KEY = "the key, once it is made"


class Backend:
    """A backend as AWS has it. Raises UsageError when it is somebody else's, MLStackError when AWS refuses."""

    def __init__(self, place: Place, trusted: Trusted) -> None:
        self._place = place
        self._aws: Clients = clients(place.account_id, place.region)
        with speaking():
            self._key = Key(place, self._aws)
            self._bucket = Bucket(place, self._aws)
            self._roles = Roles(place, trusted, self._aws)

    @property
    def key_arn(self) -> str | None:
        return self._key.arn

    def parts(self) -> list[Part]:
        """All of it, in the order in which it is made."""
        with speaking():
            return list(self._parts())

    def mend(self, news: News) -> None:
        """Make what is missing, set right what differs, then try it. Interrupted, the next run goes on."""
        with speaking():
            # One by one: each is looked at when those before it are right, and may say what AWS made up for them.
            for part in self._parts():
                if not part.right:
                    news(f"{'making' if part.found is None else 'changing'} {part.what}")
                    part.mend()
            assert self.key_arn is not None
            news("trying it: an object is written, read and deleted, a secret encrypted and decrypted")
            probe(self._place, self.key_arn, self._aws)

    def role_arns(self) -> dict[str, dict[str, str]]:
        """By environment and purpose: those that are there."""
        with speaking():
            return self._roles.arns()

    def _parts(self) -> Iterator[Part]:
        yield from self._key.parts()
        key_arn = self.key_arn or _NO_KEY
        yield from self._bucket.parts(key_arn)
        yield from self._roles.parts(key_arn)


def url(place: Place) -> str:
    """For `pulumi login` and PULUMI_BACKEND_URL."""
    # What imitates S3 on one address cannot have a host name for each bucket.
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    query = {"region": place.region, **({"use_path_style": "true"} if elsewhere else {})}
    return f"s3://{place.names.bucket}?{urlencode(query)}"


def secrets_provider(place: Place) -> str:
    """For `pulumi stack init --secrets-provider`."""
    return f"awskms://{place.names.key_alias}?region={place.region}"


def commands(place: Place) -> list[str]:
    """What to type next."""
    stacks = place.environments or ("dev",)
    return [
        f"pulumi login '{url(place)}'",
        *(f"pulumi stack init {each} --secrets-provider='{secrets_provider(place)}'" for each in stacks),
    ]


def as_json(place: Place, key_arn: str | None, roles: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What others need to know of the backend."""
    return {
        "account": place.account_id,
        "region": place.region,
        "bucket": place.names.bucket,
        "key_arn": key_arn,
        "backend_url": url(place),
        "secrets_provider": secrets_provider(place),
        "roles": roles,
        "commands": commands(place),
    }
