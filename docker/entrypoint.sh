#!/usr/bin/env bash
# Run a command in the workspace.
source /ws/install/setup.bash
exec "$@"
