"""The gRPC side: the engine's requests to operations and back, failures as one line."""

import sys
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import grpc
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from mlstack.errors import nearest
from mlstack.local.provider.clients import Clients
from mlstack.local.provider.configuration import Configuration, ConfigurationError, configured, problems
from mlstack.local.provider.invokes import INVOKES
from mlstack.local.provider.operations import Operations, RefusedError
from mlstack.local.provider.values import from_struct, to_struct

VERSION = "7.51.1"
"""Of the real plugin that this one stands in for."""

T = TypeVar("T")


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Every engine run has a connection of its own, and configures the provider for it alone."""

    def __init__(self, operations: Operations, clients: Clients) -> None:
        self._operations = operations
        self._clients = clients
        self._configurations: dict[str, Configuration] = {}

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the engine's names)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in problems(from_struct(request.news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        differing = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        # Another region is another provider: nothing of the old one can be updated through it.
        replaces = [name for name in differing if name == "region"]
        changes = provider_pb2.DiffResponse.DIFF_SOME if differing else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=differing, replaces=replaces)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        given = from_struct(request.args)

        self._configurations[context.peer()] = _answering(context, lambda: configured(given, self._clients))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs = from_struct(request.news)
        failures = _answering(context, lambda: self._operations.check(request.urn, inputs))
        return provider_pb2.CheckResponse(
            inputs=request.news,
            failures=[provider_pb2.CheckFailure(property=path, reason=f"{path} {reason}") for path, reason in failures],
        )

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        old, new, state = from_struct(request.old_inputs), from_struct(request.news), from_struct(request.olds)
        config = self._config(context)
        found = _answering(context, lambda: self._operations.diff(request.urn, old, new, state, config))
        kinds = provider_pb2.PropertyDiff
        detailed = {}
        for path, replaces in found.paths.items():
            kind = "ADD" if not _has(old, path) else "DELETE" if not _has(new, path) else "UPDATE"
            value = getattr(kinds, f"{kind}_REPLACE" if replaces else kind)
            detailed[path] = provider_pb2.PropertyDiff(kind=value, inputDiff=True)
        if found.retagged:
            detailed["tagsAll"] = provider_pb2.PropertyDiff(kind=kinds.UPDATE)
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if detailed else none,
            diffs=sorted({path.split(".")[0] for path in detailed}),
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs, config = from_struct(request.properties), self._config(context)
        if request.preview:
            planned = _answering(context, lambda: self._operations.preview(request.urn, inputs, config))
            return provider_pb2.CreateResponse(properties=to_struct(planned))
        id_, state = _answering(context, lambda: self._operations.create(request.urn, inputs, config))
        return provider_pb2.CreateResponse(id=id_, properties=to_struct(state))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        old, new, state = from_struct(request.old_inputs), from_struct(request.news), from_struct(request.olds)
        config = self._config(context)
        if request.preview:
            planned = _answering(context, lambda: self._operations.preview(request.urn, new, config, state))
            return provider_pb2.UpdateResponse(properties=to_struct(planned))
        updated = _answering(context, lambda: self._operations.update(request.urn, request.id, old, new, state, config))
        return provider_pb2.UpdateResponse(properties=to_struct(updated))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs, state, config = from_struct(request.inputs), from_struct(request.properties), self._config(context)
        found = _answering(context, lambda: self._operations.read(request.urn, request.id, inputs, state, config))
        if found is None:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(id=request.id, inputs=to_struct(found[0]), properties=to_struct(found[1]))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        state, config = from_struct(request.properties), self._config(context)
        _answering(context, lambda: self._operations.delete(request.urn, request.id, state, config))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        config = self._config(context)
        asked = INVOKES.get(request.tok)
        if asked is None:
            known = nearest(request.tok, INVOKES)
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the embedded provider does not know {request.tok}{known}")
            raise AssertionError("abort raises")
        if arguments := sorted(from_struct(request.args)):
            refused = f"{request.tok} takes no {', '.join(arguments)} from the embedded provider"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused)
        values = _answering(context, lambda: asked(config.clients or self._clients, config))
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(to_struct(values))
        return answer

    def _config(self, context: grpc.ServicerContext) -> Configuration:
        try:
            return self._configurations[context.peer()]
        except KeyError:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the aws provider was not configured on this connection")
            raise AssertionError("abort raises") from None


def _has(values: dict[str, Any], path: str) -> bool:
    here: Any = values
    for step in path.split("."):
        if not isinstance(here, dict) or step not in here:
            return False
        here = here[step]
    return True


def _answering(context: grpc.ServicerContext, work: Callable[[], T]) -> T:
    """`work`'s result; its failure in one line that the engine shows as it is."""
    try:
        return work()
    except ClientError as error:
        said = error.response["Error"]
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.INTERNAL_SERVER_ERROR:
            message = (
                f"{error.operation_name} failed in the AWS emulator, which may not have it: that says nothing of AWS"
            )
        else:
            message = f"{error.operation_name}: {said.get('Code', 'error')}: {said.get('Message', error)}"
    except (RefusedError, ConfigurationError) as error:
        message = str(error)
    except ParamValidationError as error:
        message = f"AWS's API does not take it: {error}"
    except BotoCoreError as error:
        message = f"the AWS emulator does not answer: {error}"
    except Exception as error:
        # A mistake in the table. The engine's user gets the one line, the log of this process the rest.
        traceback.print_exc(file=sys.stderr)
        message = f"the embedded provider failed: {error!r}"
    context.abort(grpc.StatusCode.UNKNOWN, " ".join(message.split()))
    raise AssertionError("abort raises")
