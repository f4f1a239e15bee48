"""`python -m infra.local.reset`: removes all data of the local system, so that the next start begins anew."""

import sys

from infra.local import state as states
from infra.local.postgres import Cluster, ClusterError
from infra.local.state import State


def main() -> int:
    """Remove the state folder unless something runs on it; return the process's exit code."""
    state = State.from_environment()
    if not state.folder.exists():
        sys.stdout.write(f"There is nothing to reset: {state.folder} does not exist.\n")
        return 0
    try:
        state.open()
        if state.database.exists():
            Cluster(state.database).stop_orphan()  # a process that was killed leaves its PostgreSQL running
        state.reset()
    except (states.AlreadyRunning, states.NotAStateFolder, ClusterError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    finally:
        state.close()
    sys.stdout.write(f"Removed {state.folder}. The next start begins anew.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
