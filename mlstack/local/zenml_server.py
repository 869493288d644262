"""`python -m mlstack.local.zenml_server`: ZenML's own REST server on a socket that is listening already.

As a program of ours for two reasons: the address is known before the server is ready, so that nobody else can take it;
and Python's garbage collector rests while 3,000 modules are imported, which takes a fifth off the start.
"""

import argparse
import gc
import socket
from pathlib import Path

from mlstack.local.processes import end_without, write_private


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mlstack.local.zenml_server")
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port when loaded")
    parser.add_argument("--socket", type=int, required=True, help="an inherited listening socket")
    parser.add_argument("--version", help="of ZenML; so that a server of another release is told apart")
    args = parser.parse_args()
    listening = socket.socket(fileno=args.socket)

    gc.disable()
    import uvicorn
    from zenml.zen_server.zen_server_api import app

    gc.freeze()
    gc.enable()
    write_private(args.port_file, str(listening.getsockname()[1]))
    end_without(args.port_file)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=3)).run(
        sockets=[listening]
    )


if __name__ == "__main__":
    main()
