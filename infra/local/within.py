"""`python -m infra.local.within COMMAND ...`: run a command with the variables of the system that runs here.

As a function of ours has them: its database as the application's role, its keys, its objects, its emulated AWS.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from infra.local.state import State

_USAGE = "Usage: python -m infra.local.within COMMAND ..."


def main(arguments: Sequence[str]) -> int:
    """Run the command and return how it ended; 2 where there is none, or no system runs."""
    state = State.from_environment()
    environment = state.environment
    if not arguments or environment is None:
        sys.stderr.write(f"{f'Nothing runs on {state.folder}. Start it (make dev).' if arguments else _USAGE}\n")
        return 2
    told = {**os.environ, **environment}
    command, *rest = arguments
    ours = sys.executable if command == "python" else command  # whatever python the shell would find
    return subprocess.run([ours, *rest], env=told, check=False).returncode  # noqa: S603 -- the developer's own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
