"""`python -m mlstack.local.provider --endpoint URL --port-file FILE`: serve until told to stop."""

import argparse
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from mlstack.local.processes import end_without
from mlstack.local.provider.clients import Clients
from mlstack.local.provider.operations import Operations
from mlstack.local.provider.servicer import AwsProvider
from mlstack.local.provider.types import TABLE

# sdk/python/lib/pulumi/runtime/_grpc_settings.py: whole state files may be one message.
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m mlstack.local.provider", description=__doc__)
    arguments.add_argument("--endpoint", required=True, help="the AWS emulator's address")
    arguments.add_argument("--port-file", type=Path, required=True, help="where to write the port, once it is ready")
    options = arguments.parse_args()

    clients = Clients(options.endpoint)
    for service in sorted({kind.service for kind in TABLE.values()} | {"sts"}):
        clients.get(service, os.environ.get("AWS_DEFAULT_REGION", "eu-west-1"))
    server = grpc.server(ThreadPoolExecutor(max_workers=32), options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(Operations(TABLE, clients), clients), server)
    port = server.add_insecure_port("127.0.0.1:0")
    stopped = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopped.set())
    server.start()
    unfinished = options.port_file.with_suffix(".unfinished")
    unfinished.write_text(str(port), encoding="utf-8")
    unfinished.replace(options.port_file)
    end_without(options.port_file)
    stopped.wait()
    server.stop(grace=2).wait()


if __name__ == "__main__":
    main()
