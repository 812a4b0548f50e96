#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A key database for NSS softokn, which is a PKCS#11 module that wants to be
# told in C_Initialize where the database is.
#
#   rig-nss.sh start DIR
#
# Prints that string. Module libsoftokn3.so, PIN 1234, one P-256 key with a
# certificate.
# apt-get install libnss3 libnss3-tools
set -eu
cmd=$1 dir=$2
case $cmd in
start)
	mkdir -p "$dir/db"; dir=$(cd "$dir" && pwd)
	printf '1234\n' >"$dir/pin"
	head -c 64 /dev/urandom >"$dir/noise"
	certutil -N -d "sql:$dir/db" -f "$dir/pin"
	certutil -S -d "sql:$dir/db" -f "$dir/pin" -z "$dir/noise" -n p256 \
		-s CN=p256 -x -t ,, -k ec -q nistp256 >"$dir/log" 2>&1 ||
		{ cat "$dir/log" >&2; exit 1; }
	printf "configdir='sql:%s/db' certPrefix='' keyPrefix='' secmod='secmod.db' flags=" \
		"$dir" ;;
*) echo "usage: $0 start DIR" >&2; exit 2 ;;
esac
