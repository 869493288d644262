"""`python -m mlstack.local.aws`: the AWS emulator as a process."""

import argparse
import contextlib
import gc
import signal
import socket
import sys
from pathlib import Path

from mlstack.local.processes import end_without, write_private


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mlstack.local.aws", description="AWS emulator on loopback")
    parser.add_argument("--root", type=Path, required=True, help="directory of logs, scratch files and keys")
    parser.add_argument(
        "--port-file", type=Path, required=True, help="where to write the port once requests are served"
    )
    parser.add_argument("--account-id", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--socket", type=int, help="an inherited listening socket; otherwise a free port is taken")
    args = parser.parse_args()

    listening = socket.socket(fileno=args.socket) if args.socket is not None else _listen()
    # What is made while importing stays: collecting garbage in between only takes time.
    gc.disable()
    from mlstack.local.aws.emulator import Emulator, EmulatorArgs

    for private in (args.root, args.root / "aws"):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    emulator = Emulator(EmulatorArgs(root=args.root, account_id=args.account_id, region=args.region), listening)
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    write_private(args.port_file, str(listening.getsockname()[1]))
    end_without(args.port_file)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            emulator.serve()
    finally:
        emulator.close()


def _listen() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


if __name__ == "__main__":
    main()
