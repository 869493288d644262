"""ECR's registry: a real one (`docker-registry`) on loopback, behind what ECR adds to it.

It is reached as an HTTP proxy under the registry's own name, `<account>.dkr.ecr.<region>.amazonaws.com`. What ECR
decides is decided here: who is logged in, what IAM lets them do, that the repository exists, that a tag is written
once. What is pushed is then an image of moto's ECR as well.
"""

import base64
import fnmatch
import hashlib
import json
import re
import secrets
import ssl
import threading
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from moto.core.responses import ActionResult
from moto.ecr.models import Image, Repository, RepoTagMutability, ecr_backends
from moto.ecr.responses import ECRResponse

from mlstack.iam.policy import Caller
from mlstack.local.aws.callers import access_key_of, caller
from mlstack.local.aws.pull_through import PullThrough
from mlstack.local.aws.registry_process import RegistryProcess, make_certificate
from mlstack.local.aws.registry_proxy import Place, RegistryError, handler
from mlstack.local.aws.registry_refusal import Refusal
from mlstack.local.aws.rights import refusal

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags)/(?P<rest>.+)")
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
_ACTIONS = {
    ("GET", "manifests"): "ecr:BatchGetImage",
    ("HEAD", "manifests"): "ecr:BatchGetImage",
    ("PUT", "manifests"): "ecr:PutImage",
    ("GET", "blobs"): "ecr:GetDownloadUrlForLayer",
    ("HEAD", "blobs"): "ecr:BatchCheckLayerAvailability",
    ("POST", "blobs"): "ecr:InitiateLayerUpload",
    ("PATCH", "blobs"): "ecr:UploadLayerPart",
    ("PUT", "blobs"): "ecr:CompleteLayerUpload",
    ("GET", "tags"): "ecr:ListImages",
}


_EXCEPTIONS = {
    "NAME_UNKNOWN": "RepositoryNotFoundException",
    "DENIED": "AccessDeniedException",
    "TAG_INVALID": "ImageTagAlreadyExistsException",
    "MANIFEST_INVALID": "LayersNotFoundException",
}
"""What the API calls a refusal of the registry."""


class EcrRegistry:
    """Starts its processes when it is first asked for."""

    def __init__(self, root: Path, account: str, region: str) -> None:
        self.host = f"{account}.dkr.ecr.{region}.amazonaws.com"
        self._root, self._account, self._region = root / "registry", account, region
        self._tokens: dict[str, Caller] = {}
        self._cache = PullThrough(self, account, region)
        self._lock = threading.Lock()
        self._process: RegistryProcess | None = None
        self._server: ThreadingHTTPServer | None = None

    def proxy(self) -> str:
        """`http://127.0.0.1:<port>`, the proxy behind which the registry's name is served. Starts it."""
        with self._lock:
            if self._server is None:
                self._process = RegistryProcess(self._root)
                make_certificate(self.host, self.certificate(), self._root / "key.pem")
                self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
                self._server.daemon_threads = True
                threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def certificate(self) -> Path:
        """What a client must trust: the registry's own certificate, made with its start."""
        return self._root / "certificate.pem"

    def tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(), self._root / "key.pem")
        return context

    def mend_log_in(self) -> None:
        """Patches moto: a log-in's token stands for whoever asked for it, and for twelve hours as on AWS."""
        registry = self

        def get_authorization_token(request: Any) -> Any:
            answer = original(request)
            key = access_key_of(request.headers.get("Authorization", ""), "")
            password = secrets.token_urlsafe(32)
            registry._tokens[password] = caller(key, registry._account)
            for each in answer.result["authorizationData"]:
                each["authorizationToken"] = base64.b64encode(f"AWS:{password}".encode()).decode()
            return answer

        original = ECRResponse.get_authorization_token
        ECRResponse.get_authorization_token = get_authorization_token

    def mend_cache(self) -> None:
        """Patches moto: rules by which images come through from other registries."""
        self._cache.rules.mend_ecr()

    def mend_images(self) -> None:
        """Patches moto: PutImage names what was pushed, in the registry behind as well, and IAM and tags decide.

        A repository into which nobody ever pushed is moto's: its images have manifests and no layers.
        """
        registry = self

        def put_image(request: Any) -> Any:
            name, tag = request._get_param("repositoryName"), request._get_param("imageTag")
            if not registry.holds(name):
                return original(request)
            manifest: str = request._get_param("imageManifest")
            digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
            place = Place(name, "manifests", tag or digest)
            media_type = request._get_param("imageManifestMediaType") or json.loads(manifest).get("mediaType", "")
            asker = caller(access_key_of(request.headers.get("Authorization", ""), ""), registry._account)
            registry.proxy()
            try:
                registry.judge(asker, "ecr:PutImage", name)
                registry.refuse_tag(place, digest)
                registry.put_manifest(place, manifest.encode(), media_type)
            except RegistryError as error:
                raise Refusal(_EXCEPTIONS[error.code], error.message) from None
            registry.pushed(place, manifest.encode(), media_type, digest)
            image = next(each for each in registry.repositories()[name].images if each.get_image_digest() == digest)
            return ActionResult(
                {
                    "image": {
                        "registryId": registry._account,
                        "repositoryName": name,
                        "imageId": {"imageTag": tag, "imageDigest": digest},
                        "imageManifest": image.image_manifest,
                        "imageManifestMediaType": media_type,
                    }
                }
            )

        original = ECRResponse.put_image
        ECRResponse.put_image = put_image

    def holds(self, repository: str) -> bool:
        """Whether somebody pushed into it, this layer or that."""
        return (self._root / "images/docker/registry/v2/repositories" / repository).is_dir()

    def put_blob(self, repository: str, digest: str, content: bytes) -> None:
        """Raises RegistryError when the registry behind does not take it."""
        upstream, headers = self.upstream(), {"Host": self.host, "Content-Type": "application/octet-stream"}
        try:
            upstream.request("POST", f"/v2/{repository}/blobs/uploads/", b"", headers)
            begun = upstream.getresponse()
            begun.read()
            where = begun.headers.get("Location", "")
            upstream.request("PUT", f"{where}{'&' if '?' in where else '?'}digest={digest}", content, headers)
            answer = upstream.getresponse()
            said = answer.read().decode(errors="replace")
        finally:
            upstream.close()
        if answer.status != 201:
            raise RegistryError(400, "BLOB_UPLOAD_INVALID", said)

    def put_manifest(self, place: Place, manifest: bytes, media_type: str) -> None:
        """Raises RegistryError when the registry behind lacks a layer of it."""
        upstream = self.upstream()
        try:
            path = f"/v2/{place.name}/manifests/{place.rest}"
            upstream.request("PUT", path, manifest, {"Content-Type": media_type, "Host": self.host})
            answer = upstream.getresponse()
            said = answer.read().decode(errors="replace")
        finally:
            upstream.close()
        if answer.status != 201:
            raise RegistryError(400, "MANIFEST_INVALID", said)

    def close(self) -> None:
        with self._lock:
            if self._server is not None:
                self._server.shutdown()
                self._server.server_close()
            if self._process is not None:
                self._process.end()

    def admit(self, method: str, path: str, authorization: str) -> Place | None:
        """Raises RegistryError unless whoever asks is logged in and may do that."""
        scheme, _, encoded = authorization.partition(" ")
        password = ""
        if scheme.lower() == "basic":
            password = base64.b64decode(encoded).decode(errors="replace").partition(":")[2]
        asker = self._tokens.get(password)
        if asker is None:
            raise RegistryError(401, "UNAUTHORIZED", "no basic auth credentials")
        found = _PATH.fullmatch(urlsplit(path).path)
        if found is None:
            return None
        place = Place(found["name"], found["kind"], found["rest"])
        # The state of an upload, and giving one up, are asked for by whoever uploads.
        action = _ACTIONS.get((method, place.kind), "ecr:UploadLayerPart")
        if place.rest.startswith("uploads/") and method in ("GET", "DELETE"):
            action = "ecr:UploadLayerPart"
        if method in ("GET", "HEAD") and place.kind == "manifests":
            self._cache.fetch(asker, place)
        self.judge(asker, action, place.name)
        return place

    def judge(self, asker: Caller, action: str, repository: str) -> None:
        """Raises RegistryError unless the repository exists and IAM lets `asker` do that in it."""
        if repository not in self.repositories():
            told = f"The repository with name '{repository}' does not exist in the registry with id '{self._account}'"
            raise RegistryError(404, "NAME_UNKNOWN", told)
        arn = f"arn:aws:ecr:{self._region}:{self._account}:repository/{repository}"
        if denied := refusal(asker, action, arn, self._account):
            raise RegistryError(403, "DENIED", denied)

    def refuse_tag(self, place: Place, digest: str) -> None:
        """Raises RegistryError when the tag is another image's and the repository does not move it."""
        repository = self.repositories()[place.name]
        holder = _holder(repository, place.rest)
        if holder is None or holder.get_image_digest() == digest or not _immutable(repository, place.rest):
            return
        told = (
            f"The image tag '{place.rest}' already exists in the '{place.name}' repository and cannot be overwritten "
            "because the tag is immutable."
        )
        raise RegistryError(400, "TAG_INVALID", told)

    def pushed(self, place: Place, manifest: bytes, media_type: str, digest: str) -> None:
        """Makes it an image of moto's, and scans it when the repository says so."""
        repository = self.repositories()[place.name]
        tag = None if place.rest.startswith("sha256:") else place.rest
        image = next((each for each in repository.images if each.get_image_digest() == digest), None)
        if tag and (holder := _holder(repository, tag)) is not None and holder is not image:
            holder.remove_tag(tag)
        if image is not None:
            if tag:
                image.update_tag(tag)
            return
        image = _Pushed(self._account, tag, manifest.decode(), place.name, media_type, digest)
        repository.images.append(image)
        if repository.image_scanning_configuration.get("scanOnPush"):
            ecr_backends[self._account][self._region].start_image_scan(
                self._account, place.name, {"imageDigest": digest}
            )

    def upstream(self) -> HTTPConnection:
        assert self._process is not None
        return HTTPConnection("127.0.0.1", self._process.port, timeout=120)

    def repositories(self) -> dict[str, Repository]:
        found: dict[str, Repository] = ecr_backends[self._account][self._region].repositories
        return found


class _Pushed(Image):  # type: ignore[misc]
    """An image whose size is that of its layers, as ECR counts; moto's is that of its configuration."""

    def get_image_size_in_bytes(self) -> int:
        manifest = json.loads(self.image_manifest)
        return sum(int(each["size"]) for each in [*manifest.get("layers", ()), manifest.get("config", {"size": 0})])


def _holder(repository: Repository, tag: str) -> Any:
    return next((each for each in repository.images if tag in each.image_tags), None)


def _immutable(repository: Repository, tag: str) -> bool:
    filters = repository.image_tag_mutability_exclusion_filters or ()
    excluded = any(fnmatch.fnmatchcase(tag, each["filter"]) for each in filters)
    immutable = RepoTagMutability(repository.image_tag_mutability).value.startswith("IMMUTABLE")
    return immutable is not excluded
