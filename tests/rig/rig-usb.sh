#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Virtual YubiKeys (PIV) that come and go as USB devices: the reader leaves with the card, pcscd sees a real hot-plug.
#
#   rig-usb.sh start DIR                           a private pcscd with no reader
#   rig-usb.sh plug DIR PORT CARD [options]        the token CARD (any word) goes into USB port 1 or 2;
#                                                  pivcard.py's options make it the first time: --key 9a=p256 …
#   rig-usb.sh unplug DIR PORT                     out it comes, in the middle of whatever it does
#   rig-usb.sh ctl DIR PORT reset|"delay 2"|…      to the card in that port (see pivcard.py)
#   rig-usb.sh stop DIR
#
# then:  export PCSCLITE_CSOCK_NAME=DIR/pcscd.comm
#
# PCSCD and VPCD name pcscd and the driver where they are not installed. Needs umockdev, gir1.2-umockdev-1.0, python3-gi,
# libpcsclite-dev and a C compiler.
set -eu
. "$(dirname "$0")/rig-lib.sh"
cmd=$1 dir=$2; shift 2
case $cmd in
start)
	mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
	# shellcheck disable=SC2046 # words for the compiler
	compile ifd-usb $(pkg-config --cflags libpcsclite)
	compile moved
	start_bg "$dir/usb.pid" "$dir/pcscd.log" umockdev-wrapper /usr/bin/python3 "$here/pcscd-usb.py" "$dir" "$dir/ifd-usb.so"
	wait_for 10 test -S "$dir/usb.sock"
	echo "export PCSCLITE_CSOCK_NAME=$dir/pcscd.comm" ;;
plug)
	port=$1 card=$2; shift 2; dir=$(cd "$dir" && pwd)
	ctl "$dir/usb.sock" plug "$port" >/dev/null
	wait_for 10 test -S "$dir/vpcd.$port"
	start_bg "$dir/port$port.pid" "$dir/card-$card.log" /usr/bin/python3 "$here/pivcard.py" \
		--vpcd "$dir/vpcd.$port" --state "$dir/card-$card.json" --control "$dir/port$port.sock" "$@"
	wait_for 30 test -S "$dir/port$port.sock"
	echo ok ;;
unplug)	# the card's connection first: what is in flight fails at once, as on a real bus
	stop_pid "$dir/port$1.pid"; rm -f "$dir/port$1.sock"
	ctl "$dir/usb.sock" unplug "$1"; rm -f "$dir/vpcd.$1" ;;
ctl) port=$1; shift; ctl "$dir/port$port.sock" "$@" ;;
stop)
	for f in "$dir"/port*.pid; do [ -e "$f" ] && stop_pid "$f"; done
	ctl "$dir/usb.sock" quit >/dev/null 2>&1 || true
	wait_for 5 is_gone "$(cat "$dir/usb.pid")" || stop_pid "$dir/usb.pid" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
