# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# sourced by the rig-*.sh scripts
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

wait_for() { # SECONDS COMMAND...: until COMMAND succeeds
	local n=$(( $1 * 20 )); shift
	while ! "$@" >/dev/null 2>&1; do
		n=$((n - 1)); [ $n -gt 0 ] || { echo "gave up waiting for: $*" >&2; return 1; }
		sleep 0.05
	done
}

# A library for LD_PRELOAD or for pcscd, made of the file NAME.c here.
compile() { # NAME WORDS...: $dir/NAME.so
	local name=$1; shift
	${CC:-cc} -D_GNU_SOURCE -shared -fPIC -o "$dir/$name.so" "$here/$name.c" "$@" -ldl
}

ctl() { # SOCKET WORDS...: one command to a pivcard control socket
	/usr/bin/python3 - "$@" <<'P'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
s.sendall(" ".join(sys.argv[2:]).encode() + b"\n")
r = s.makefile().readline().strip()
print(r)
sys.exit(0 if r.startswith("ok") else 1)
P
}

start_bg() { # PIDFILE LOGFILE COMMAND...
	local pidfile=$1 log=$2; shift 2
	"$@" >>"$log" 2>&1 </dev/null &
	echo $! >"$pidfile"
}

# It has ended, whether its parent has noticed that yet or not.
is_gone() { # PID
	! kill -0 "$1" 2>/dev/null ||
		grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

stop_pid() { # PIDFILE
	[ -s "$1" ] || return 0
	local p; p=$(cat "$1")
	if kill "$p" 2>/dev/null; then
		wait_for 5 is_gone "$p" || kill -9 "$p"
	fi
	rm -f "$1"
}
