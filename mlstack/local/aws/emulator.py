"""The AWS emulator as one object: moto's server in this process, mended, with what the rest of the cloud asks of it."""

import json
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlstack.local.aws.server_user import SERVER_USER, server_credentials
from mlstack.local.processes import write_private


@dataclass(frozen=True, kw_only=True)
class EmulatorArgs:
    root: Path
    account_id: str
    region: str


class Emulator:
    """Serves on a socket that is listening already, so that its address is known before it is ready."""

    def __init__(self, args: EmulatorArgs, listening: socket.socket) -> None:
        self.boot_id = secrets.token_hex(8)
        self._args = args
        host, port = listening.getsockname()[:2]
        self.endpoint = f"http://{host}:{port}"
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server

        from mlstack.local.aws.builds import Builds
        from mlstack.local.aws.job_runner import JobRunner
        from mlstack.local.aws.jobs import JobHost, end_leftovers
        from mlstack.local.aws.managed_policies import mend_managed_policies
        from mlstack.local.aws.registry import EcrRegistry
        from mlstack.local.aws.roles import JobCredentials
        from mlstack.local.aws.s3 import mend_s3
        from mlstack.local.aws.sagemaker import mend_sagemaker

        job_host = JobHost(root=args.root, endpoint=self.endpoint, region=args.region)
        end_leftovers(args.root)
        self._credentials = JobCredentials(args.region)
        self._runner = JobRunner(job_host, args.account_id, self._credentials)
        mend_managed_policies()
        mend_s3()
        mend_sagemaker(self._runner)
        self._registry = EcrRegistry(args.root, args.account_id, args.region)
        self._registry.mend_log_in()
        self._registry.mend_images()
        self._registry.mend_cache()
        self._builds = Builds(args.root, self.endpoint, args.account_id, args.region, self._credentials, self._registry)
        self._builds.mend_codebuild()
        self._make_server_user()

        def backend(service: str) -> Any:
            if service == "cloudformation":
                from mlstack.local.aws.cloudformation import mend_cloudformation

                mend_cloudformation()
            return create_backend_app(service)

        self._moto = DomainDispatcherApplication(backend)
        self._server = make_server(
            host, port, self._serve, threaded=True, request_handler=_quiet(MotoRequestHandler), fd=listening.fileno()
        )

    def serve(self) -> None:
        """Blocks until the process is told to end."""
        self._server.serve_forever()

    def close(self) -> None:
        """End every job and build that still runs."""
        self._builds.close()
        self._registry.close()
        self._runner.close()

    def _make_server_user(self) -> None:
        from moto.iam.models import iam_backends

        iam = iam_backends[self._args.account_id]["aws"]
        iam.create_user(region_name=self._args.region, user_name=SERVER_USER)
        key = iam.create_access_key(SERVER_USER)
        write_private(
            server_credentials(self._args.root),
            f"[default]\naws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret_access_key}\n",
        )

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/mlstack/boot":
            return _answer(start_response, "200 OK", {"boot_id": self.boot_id})
        if path == "/mlstack/registry":
            registry = {"proxy": self._registry.proxy(), "certificate": str(self._registry.certificate())}
            return _answer(start_response, "200 OK", registry)
        if path == "/mlstack/credentials":
            credentials = self._credentials.of(environ.get("HTTP_AUTHORIZATION", ""))
            if credentials is None:
                return _answer(start_response, "403 Forbidden", {"message": "this token belongs to no running job"})
            return _answer(start_response, "200 OK", credentials)
        from mlstack.local.aws.callers import access_key_of, account_of
        from mlstack.local.aws.expired import is_over, refusal

        key = access_key_of(environ.get("HTTP_AUTHORIZATION", ""), environ.get("QUERY_STRING", ""))
        if is_over(key):
            refused = refusal(environ)
            start_response(refused.status, refused.headers)
            return [refused.body]
        # Moto's own way to tell takes every key that it did not give out for one of its default account.
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account_of(key, self._args.account_id)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


def _answer(start_response: Callable[..., Any], status: str, body: dict[str, Any]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def _quiet(handler: type) -> type:
    """The handler without a line of log per request."""
    return type("Handler", (handler,), {"log_request": lambda *_, **__: None})
