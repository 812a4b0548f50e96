#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A virtual PIV card ("YubiKey") in a private pcscd, for OpenSC and libykcs11.
#
#   rig-piv.sh start DIR [pivcard.py options]   e.g. --key 9a=p256 --key 9c=rsa2048 --pin 123456
#   rig-piv.sh ctl DIR insert|remove|stats|...  (see pivcard.py)
#   rig-piv.sh stop DIR
#
# then:  export PCSCLITE_CSOCK_NAME=DIR/pcscd.comm
#        pkcs11-tool --module /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so -L
#
# PCSCD and VPCD name pcscd and the driver where they are not installed.
# Runs in network and mount namespaces of its own (needs root), with a /run of
# its own, where pcscd keeps its pid file; UNIX sockets in DIR cross them.
set -eu
. "$(dirname "$0")/rig-lib.sh"
cmd=$1 dir=$2; shift 2
case $cmd in
start)
	mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
	start_bg "$dir/pcscd.pid" "$dir/pcscd.log" unshare -n -m sh -c \
		'mount -t tmpfs tmpfs /run && mkdir /run/pcscd && exec "$@"' sh \
		/usr/bin/python3 "$here/pcscd-private.py" "$dir" 35963 -- --info
	wait_for 10 test -S "$dir/pcscd.comm"
	wait_for 10 nsenter -n -t "$(cat "$dir/pcscd.pid")" sh -c 'grep -q ":8C7B " /proc/net/tcp'
	start_bg "$dir/card.pid" "$dir/card.log" nsenter -n -t "$(cat "$dir/pcscd.pid")" \
		/usr/bin/python3 "$here/pivcard.py" --vpcd 127.0.0.1:35963 --state "$dir/card.json" --control "$dir/card.sock" "$@"
	wait_for 30 test -S "$dir/card.sock"
	case " $* " in
	*" --removed "*) ;;
	*) PCSCLITE_CSOCK_NAME=$dir/pcscd.comm \
		wait_for 10 sh -c 'opensc-tool -l | grep -q Yes' ;;
	esac
	echo "export PCSCLITE_CSOCK_NAME=$dir/pcscd.comm" ;;
ctl) ctl "$dir/card.sock" "$@" ;;
stop) stop_pid "$dir/card.pid"; stop_pid "$dir/pcscd.pid" ;;
*) echo "usage: $0 start|ctl|stop DIR" >&2; exit 2 ;;
esac
