#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A token over p11-kit's RPC: a `p11-kit server` in front of another module.
#
#   rig-remote.sh start DIR MODULE    with the module's own variables exported
#   rig-remote.sh remove|insert DIR   kill the server, start it again
#   rig-remote.sh stop DIR
#
# P11_KIT_SERVER_ADDRESS=unix:path=DIR/p11.sock; module p11-kit-client.so.
# apt-get install p11-kit p11-kit-modules
set -eu
. "$(dirname "$0")/rig-lib.sh"
cmd=$1 dir=$2; shift 2
mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
boot() {
	rm -f "$dir/p11.sock"
	start_bg "$dir/server.pid" "$dir/server.log" setsid \
		p11-kit server --provider "$(cat "$dir/module")" --foreground \
		--name "$dir/p11.sock" pkcs11:
	wait_for 10 test -S "$dir/p11.sock"
}
case $cmd in
start)
	echo "$1" >"$dir/module"
	boot ;;
insert) boot ;;
remove|stop) # the server, and the child that it has for each client
	if [ -s "$dir/server.pid" ]; then
		kill -- "-$(cat "$dir/server.pid")" 2>/dev/null || true
	fi
	stop_pid "$dir/server.pid" ;;
*) echo "usage: $0 start|remove|insert|stop DIR" >&2; exit 2 ;;
esac
