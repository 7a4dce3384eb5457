"""Command line: python -m deploy.dev.objects --port 14443 --database x.sqlite --account key.json --bucket b."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from deploy.dev.objects.gate import Gate
from deploy.dev.objects.notices import Notices
from deploy.dev.objects.server import build
from deploy.dev.objects.shelf import Shelf


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.objects", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument("--account", type=Path, required=True, help="key file of the account that may do everything")
    parser.add_argument("--bucket", help="made at the start")
    parser.add_argument("--pubsub", help="host:port that hears of new objects; without it nobody does")
    parser.add_argument("--topic", default="", help="projects/x/topics/y")
    arguments = parser.parse_args()
    shelf = Shelf(arguments.database)
    if arguments.bucket:
        shelf.make_bucket(arguments.bucket)
    tell = Notices(address=arguments.pubsub, topic=arguments.topic).tell if arguments.pubsub else lambda _stored: None
    server = build(port=arguments.port, gate=Gate(arguments.account), shelf=shelf, tell=tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    threading.Thread(target=server.serve_forever, name="objects", daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
