#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A throw-away sshd on loopback, for the one who starts it and nobody else.
#
#   rig-sshd.sh start DIR SSHD [LIBRARIES]
#   rig-sshd.sh stop DIR
#
# SSHD is the program, LIBRARIES a folder list for LD_LIBRARY_PATH (both may
# be unpacked instead of installed). DIR/authorized_keys may be written and
# changed at any time. Afterwards DIR holds port, log, known_hosts and
# ssh_config; then:
#   ssh -F DIR/ssh_config rig
#
# sshd that runs as root wants a user named sshd, /run/sshd and an account that
# is not locked; moved.c and sshd-accounts.c lend it all three.
set -eu
. "$(dirname "$0")/rig-lib.sh"

write_config() { # SSHD
	local helper name
	cat >"$dir/sshd_config" <<-C
		ListenAddress 127.0.0.1
		HostKey $dir/host_key
		PidFile none
		AuthorizedKeysFile $dir/authorized_keys
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin yes
		PermitUserRC no
		PrintMotd no
		PrintLastLog no
		ExposeAuthInfo yes
		MaxStartups 100
		LogLevel VERBOSE
	C
	# Since OpenSSH 9.8 sshd is more than one program, and punishes.
	for name in session auth; do
		helper=$(dirname "$(dirname "$1")")/lib/openssh/sshd-$name
		if [ -x "$helper" ]; then
			echo "Sshd${name^}Path $helper" >>"$dir/sshd_config"
			[ $name != session ] ||
				echo 'PerSourcePenalties no' >>"$dir/sshd_config"
		fi
	done
}

boot() { # SSHD LIBRARIES PORT
	local lent=()

	if [ "$(id -u)" = 0 ]; then
		lent=("LD_PRELOAD=$dir/moved.so:$dir/sshd-accounts.so"
			"RIG_MOVED=/run/sshd=$dir/empty")
	fi
	: >"$dir/log"
	start_bg "$dir/pid" "$dir/log" env "LD_LIBRARY_PATH=$2" "${lent[@]}" \
		"$1" -D -e -f "$dir/sshd_config" -p "$3"
	wait_for 10 sh -c "grep -q 'Server listening' '$dir/log' ||
		! kill -0 $(cat "$dir/pid")"
	grep -q 'Server listening' "$dir/log"
}

start() { # SSHD LIBRARIES
	local tries=0 port
	rm -f "$dir/host_key" "$dir/host_key.pub"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/host_key"
	touch "$dir/authorized_keys"
	write_config "$1"
	if [ "$(id -u)" = 0 ]; then
		compile moved
		compile sshd-accounts
		mkdir -p "$dir/empty"; chmod 755 "$dir/empty"
	fi
	while :; do
		port=$((20000 + RANDOM % 40000))
		boot "$1" "$2" $port && break
		tries=$((tries + 1))
		if [ $tries -ge 10 ] || ! grep -q 'Address already in use' "$dir/log"
		then
			echo "sshd does not start; it says:" >&2
			cat "$dir/log" >&2
			return 1
		fi
	done
	echo $port >"$dir/port"
	echo "rig $(cut -d' ' -f1,2 "$dir/host_key.pub")" >"$dir/known_hosts"
	cat >"$dir/ssh_config" <<-C
		Host rig
			HostName 127.0.0.1
			HostKeyAlias rig
			Port $port
			User $(id -un)
			UserKnownHostsFile $dir/known_hosts
			GlobalKnownHostsFile none
			StrictHostKeyChecking yes
			UpdateHostKeys no
			PreferredAuthentications publickey
			BatchMode yes
			ControlPath none
			ConnectTimeout 20
	C
}

cmd=$1 dir=$2; shift 2
case $cmd in
start)
	mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
	start "$1" "${2:-}" ;;
stop) stop_pid "$dir/pid" ;;
*) echo "usage: $0 start DIR SSHD [LIBRARIES] | stop DIR" >&2; exit 2 ;;
esac
