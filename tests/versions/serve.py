"""Runs in the older environment: ZenML's REST server on a free port, which is written to the file that is named."""

import socket
import sys
from pathlib import Path

import uvicorn
from zenml.zen_server.zen_server_api import app

listening = socket.create_server(("127.0.0.1", 0))
Path(sys.argv[1]).write_text(str(listening.getsockname()[1]), encoding="utf-8")
uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listening])
