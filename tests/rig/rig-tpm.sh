#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tpm2-pkcs11 on a software TPM (swtpm), behind a tpm2-abrmd on a D-Bus of its
# own: the module needs a resource manager. $ABRMD names that program.
#
#   rig-tpm.sh start DIR ALGORITHM...  as tpm2_ptool knows them: ecc256 rsa2048
#   rig-tpm.sh remove|insert DIR       stop swtpm and tpm2-abrmd, start them
#   rig-tpm.sh stop DIR
#
# `start` prints the module's variables, one a line. Module
# libtpm2_pkcs11.so.1, PIN 1234.
# apt-get install swtpm swtpm-tools tpm2-tools libtpm2-pkcs11-1 dbus-daemon
#   libtpm2-pkcs11-tools libtss2-tcti-swtpm0 libtss2-tcti-tabrmd0
set -eu
. "$(dirname "$0")/rig-lib.sh"
cmd=$1 dir=$2; shift 2
mkdir -p "$dir/state" "$dir/store"; dir=$(cd "$dir" && pwd)
if [ ! -s "$dir/port" ]; then
	/usr/bin/python3 - >"$dir/port" <<'P'
import socket
while True:
    a, b = socket.socket(), socket.socket()
    a.bind(("127.0.0.1", 0))
    port = a.getsockname()[1]
    try:
        b.bind(("127.0.0.1", port + 1))
    except OSError:
        continue
    print(port)
    break
P
fi
port=$(cat "$dir/port")
export DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/bus
export TPM2_PKCS11_STORE=$dir/store TSS2_LOG=all+NONE
export TPM2_PKCS11_TCTI=tabrmd:bus_type=session
export TPM2TOOLS_TCTI=$TPM2_PKCS11_TCTI
boot() {
	start_bg "$dir/swtpm.pid" "$dir/swtpm.log" swtpm socket --tpm2 \
		--tpmstate dir="$dir/state" \
		--server type=tcp,port="$port",bindaddr=127.0.0.1 \
		--ctrl type=tcp,port=$((port + 1)),bindaddr=127.0.0.1 \
		--flags not-need-init,startup-clear
	wait_for 20 grep -qi ":$(printf %04X "$port") " /proc/net/tcp
	if [ ! -s "$dir/dbus.pid" ]; then
		start_bg "$dir/dbus.pid" "$dir/dbus.log" dbus-daemon --session \
			--nofork --address="$DBUS_SESSION_BUS_ADDRESS"
	fi
	wait_for 20 test -S "$dir/bus"
	start_bg "$dir/abrmd.pid" "$dir/abrmd.log" "$ABRMD" --session \
		--allow-root --tcti=swtpm:host=127.0.0.1,port="$port"
	wait_for 60 tpm2_getrandom 4
}
make_keys() { # ALGORITHM...
	local algorithm
	tpm2_ptool init
	tpm2_ptool addtoken --pid=1 --label=test --sopin=5678 --userpin=1234
	for algorithm in "$@"; do
		tpm2_ptool addkey --label=test --userpin=1234 \
			--algorithm="$algorithm" --key-label="$algorithm"
	done
}
case $cmd in
start)
	boot
	make_keys "$@" >"$dir/ptool.log" 2>&1 ||
		{ cat "$dir/ptool.log" >&2; exit 1; }
	env | grep -E '^(DBUS_SESSION_BUS_ADDRESS|TPM2_PKCS11_|TSS2_LOG)' ;;
insert) boot ;;
remove) stop_pid "$dir/abrmd.pid"; stop_pid "$dir/swtpm.pid" ;;
stop)
	stop_pid "$dir/abrmd.pid"
	stop_pid "$dir/swtpm.pid"
	stop_pid "$dir/dbus.pid" ;;
*) echo "usage: $0 start|remove|insert|stop DIR" >&2; exit 2 ;;
esac
