"""Command line: python -m deploy.dev.pubsub --host 127.0.0.1 --port 8085 --database x.sqlite."""

import argparse
import asyncio
import logging
from pathlib import Path

from deploy.dev.pubsub import server


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.pubsub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True, help="SQLite file, made if missing")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(server.serve(host=arguments.host, port=arguments.port, database=arguments.database))


if __name__ == "__main__":
    main()
