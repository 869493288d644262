"""Runs the program of this directory without engine and AWS, and prints what it declares: python -m ... STACK < CONFIG

A process of its own: the program imports what it likes, and Pulumi's runtime is one for a process. As in a preview,
what AWS computes is not known; everything else is as the engine would be handed it.
"""

import asyncio
import json
import runpy
import sys
from contextlib import redirect_stdout
from typing import Any

from google.protobuf.json_format import MessageToDict
from pulumi import RunError
from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.config import CONFIG
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key
from pulumi.runtime.stack import run_pulumi_func

FAILED = "the program says: "
"""Before what the program says is wrong; all else on standard error is not for people."""
LATER = "(known after deployment)"
SECRET = "(secret)"  # noqa: S105 -- what is shown in its place


_WHOSE_ACCOUNT = "aws:index/getCallerIdentity:getCallerIdentity"


class _Nothing(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return "", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> Any:
        if args.token == _WHOSE_ACCOUNT:
            # Nobody is asked: the settings are believed.
            account = json.loads(CONFIG.get()["aws:allowedAccountIds"])[0]
            return {"accountId": account, "arn": "", "userId": "", "id": ""}
        raise RunError(f"the program asks AWS for {args.token}, so that it cannot be run without")


class _Monitor(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(_Nothing())
        self.declared: list[dict[str, Any]] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 -- the engine's name
        if request.custom:
            inputs = _plain(MessageToDict(request.object))
            self.declared.append(
                {"type": request.type, "name": request.name, "inputs": inputs, "protect": request.protect}
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return LATER if value == UNKNOWN else int(value) if isinstance(value, float) and value.is_integer() else value
    if value.get(_special_sig_key) == _special_secret_sig:
        return SECRET
    return {key: _plain(each) for key, each in value.items()}


def _program() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def main(project: str, stack: str) -> int:
    monitor = _Monitor()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(_Nothing(), project=project, stack=stack, preview=True, monitor=monitor)
    set_all_config(json.load(sys.stdin))
    try:
        with redirect_stdout(sys.stderr):
            loop.run_until_complete(run_pulumi_func(_program))
    except RunError as error:
        sys.stderr.write(f"{FAILED}{error}")
        return 2
    json.dump(monitor.declared, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
