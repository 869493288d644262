"""Pulls an image through: what is asked for below a rule's prefix is fetched from the rule's upstream and kept.

As ECR does it, by its tag alone: an image that was never asked for by a tag is not found by its digest
(https://github.com/aws/containers-roadmap/issues/2837). Nothing is fetched from beyond this machine: UPSTREAMS says
which registry on loopback stands in for which upstream.
"""

import contextlib
import hashlib
import http.client
import json
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.ecr.models import ecr_backends

from mlstack.iam.policy import Caller
from mlstack.local.aws.cache_rules import CacheRules
from mlstack.local.aws.registry_proxy import Place, RegistryError
from mlstack.local.aws.rights import refusal

if TYPE_CHECKING:
    from mlstack.local.aws.registry import EcrRegistry

UPSTREAMS = "MLSTACK_LOCAL_UPSTREAMS"
"""Environment variable of the emulator: `public.ecr.aws=127.0.0.1:5000`, several with spaces between."""

_FRESH = 24 * 3600.0
"""Seconds in which ECR does not ask again what a tag names."""
_SECONDS = 60.0
_KINDS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.v2",
    )
)


class PullThrough:
    def __init__(self, registry: "EcrRegistry", account: str, region: str) -> None:
        """Raises ValueError for a stand-in that is not on loopback."""
        self._registry, self._account, self._region = registry, account, region
        self._stand_ins = _stand_ins(os.environ.get(UPSTREAMS, ""))
        self._fetched: dict[Place, float] = {}
        self._fetching = threading.Lock()
        self.rules = CacheRules()

    def fetch(self, asker: Caller, place: Place) -> None:
        """Keeps what the tag names upstream, when it is below a rule's prefix and not known to be fresh.

        Raises RegistryError when IAM does not let `asker`, or when it is neither there nor to be had.
        """
        rule = self.rules.rule_of((self._account, self._region), place.name)
        if rule is None or place.rest.startswith("sha256:"):
            return
        with self._fetching:
            there = place.name in self._registry.repositories()
            if there and time.monotonic() - self._fetched.get(place, -_FRESH) < _FRESH:
                return
            self._judge(asker, place.name)
            upstream = _Upstream(self._stand_ins, rule, place.name)
            try:
                manifest, kind = upstream.manifest(place.rest)
            except OSError as error:
                if there and place in self._fetched:
                    return
                raise RegistryError(404, "MANIFEST_UNKNOWN", f"{upstream.registry}: {error}") from None
            if not there:
                self._make(place.name)
            self._copy(upstream, place, manifest, kind)
            self._fetched[place] = time.monotonic()

    def _judge(self, asker: Caller, repository: str) -> None:
        arn = f"arn:aws:ecr:{self._region}:{self._account}:repository/{repository}"
        needed = ["ecr:BatchImportUpstreamImage"]
        if repository not in self._registry.repositories():
            needed.append("ecr:CreateRepository")
        for action in needed:
            if denied := refusal(asker, action, arn, self._account):
                raise RegistryError(403, "DENIED", denied)

    def _make(self, name: str) -> None:
        backend = ecr_backends[self._account][self._region]
        template = self.rules.template_of((self._account, self._region), name)
        backend.create_repository(
            name,
            self._account,
            template.get("encryptionConfiguration") or {"encryptionType": "AES256"},
            {"scanOnPush": False},
            template.get("imageTagMutability", "MUTABLE"),
            [],
        )
        if "lifecyclePolicy" in template:
            backend.put_lifecycle_policy(self._account, name, template["lifecyclePolicy"])

    def _copy(self, upstream: "_Upstream", place: Place, manifest: bytes, kind: str) -> None:
        document: dict[str, Any] = json.loads(manifest)
        for each in document.get("manifests", ()):
            child, of_child = upstream.manifest(each["digest"])
            self._copy(upstream, Place(place.name, "manifests", each["digest"]), child, of_child)
        for each in (*document.get("layers", ()), *([document["config"]] if "config" in document else ())):
            self._registry.put_blob(place.name, each["digest"], upstream.blob(each["digest"]))
        self._registry.put_manifest(place, manifest, kind)
        self._registry.pushed(place, manifest, kind, f"sha256:{hashlib.sha256(manifest).hexdigest()}")


class _Upstream:
    """One repository of the registry that stands in for a rule's upstream."""

    def __init__(self, stand_ins: Mapping[str, str], rule: Mapping[str, Any], repository: str) -> None:
        self.registry: str = rule["upstreamRegistryUrl"]
        self._address = stand_ins.get(self.registry)
        self._name = repository.removeprefix(f"{rule['ecrRepositoryPrefix']}/")

    def manifest(self, reference: str) -> tuple[bytes, str]:
        """Its bytes and its media type. Raises OSError when it cannot be had."""
        return self._get(f"manifests/{reference}")

    def blob(self, digest: str) -> bytes:
        return self._get(f"blobs/{digest}")[0]

    def _get(self, path: str) -> tuple[bytes, str]:
        if self._address is None:
            raise OSError(f"the embedded cloud asks no registry but those in {UPSTREAMS}")
        with contextlib.closing(http.client.HTTPConnection(self._address, timeout=_SECONDS)) as connection:
            connection.request("GET", f"/v2/{self._name}/{path}", headers={"Accept": _KINDS})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise OSError(f"{self._name}, {path}: {answer.status} {answer.reason}")
            return body, answer.headers.get_content_type()


def _stand_ins(text: str) -> dict[str, str]:
    found = dict(each.partition("=")[::2] for each in text.split())
    for upstream, address in found.items():
        if address.partition(":")[0] not in ("127.0.0.1", "localhost"):
            raise ValueError(f"{UPSTREAMS}: {upstream} is {address!r}: name a registry on 127.0.0.1")
    return found
