#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A SoftHSM2 token of its own.
#
#   rig-softhsm.sh start DIR [KIND...]
#
# KIND: rsa1024 rsa2048 rsa3072 rsa4096 p256 p384 p521 ed25519 secp256k1; the
# keys get the CKA_IDs 01, 02, … in this order and their kind as the label.
# LABEL in the environment names the token ("test").
#
# then:  export SOFTHSM2_CONF=DIR/softhsm2.conf   module /usr/lib/softhsm/libsofthsm2.so  PIN 1234
# apt-get install softhsm2 opensc
set -eu
M=
for f in /usr/lib/softhsm/libsofthsm2.so /usr/lib64/softhsm/libsofthsm2.so \
	/opt/homebrew/lib/softhsm/libsofthsm2.so \
	/usr/local/lib/softhsm/libsofthsm2.so; do
	if [ -z "$M" ] && [ -e "$f" ]; then
		M=$f
	fi
done
cmd=$1 dir=$2; shift 2
case $cmd in
start)
	mkdir -p "$dir/tokens"; dir=$(cd "$dir" && pwd)
	printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\nslots.mechanisms = ALL\n' "$dir" >"$dir/softhsm2.conf"
	export SOFTHSM2_CONF=$dir/softhsm2.conf
	softhsm2-util --init-token --free --label "${LABEL:-test}" --so-pin 5678 --pin 1234 >/dev/null
	n=1
	for k in "${@:-p256}"; do
		case $k in
		rsa*) t=rsa:${k#rsa} ;; p256) t=EC:prime256v1 ;; p384) t=EC:secp384r1 ;; p521) t=EC:secp521r1 ;;
		secp256k1) t=EC:secp256k1 ;;
		ed25519) t=EC:edwards25519 ;; *) echo "unknown kind $k" >&2; exit 2 ;; esac
		pkcs11-tool --module "$M" -l --pin 1234 --keypairgen --key-type "$t" \
			--id "$(printf %02x $n)" --label "$k" >"$dir/log" 2>&1 ||
			{ cat "$dir/log" >&2; exit 1; }
		n=$((n + 1))
	done
	echo "export SOFTHSM2_CONF=$dir/softhsm2.conf" ;;
*) echo "usage: $0 start DIR [KIND...]" >&2; exit 2 ;;
esac
