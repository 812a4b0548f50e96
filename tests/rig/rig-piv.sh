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
set -eu
. "$(dirname "$0")/rig-lib.sh"
cmd=$1 dir=$2; shift 2
case $cmd in
start)
	mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
	compile moved
	start_bg "$dir/pcscd.pid" "$dir/pcscd.log" \
		/usr/bin/python3 "$here/pcscd-private.py" "$dir" -- --info
	wait_for 10 test -S "$dir/vpcd.1"
	start_bg "$dir/card.pid" "$dir/card.log" \
		/usr/bin/python3 "$here/pivcard.py" --vpcd "$dir/vpcd.1" --state "$dir/card.json" --control "$dir/card.sock" "$@"
	wait_for 30 test -S "$dir/card.sock"
	case " $* " in
	*" --removed "*) ;;
	*) PCSCLITE_CSOCK_NAME=$dir/pcscd.comm \
		wait_for 10 sh -c 'opensc-tool -l | grep -q Yes' ;;
	esac
	echo "export PCSCLITE_CSOCK_NAME=$dir/pcscd.comm" ;;
ctl) ctl "$dir/card.sock" "$@" ;;
stop)
	stop_pid "$dir/card.pid"; stop_pid "$dir/pcscd.pid"
	rm -f "$dir/card.sock" "$dir/vpcd.1" ;;
*) echo "usage: $0 start|ctl|stop DIR" >&2; exit 2 ;;
esac
