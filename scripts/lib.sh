# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What the scripts share; sourced, with $top set to the top of the repository.

# Programs that were unpacked instead of installed (scripts/deps).
unpacked=${P11_AGENT_UNPACKED:-$top/build/root}

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The first of the given paths that is there.
first_of() {
	local path
	for path in "$@"; do
		if [ -e "$path" ]; then
			printf '%s\n' "$path"
			return 0
		fi
	done
	return 1
}

find_sshd() {
	first_of "$unpacked/usr/sbin/sshd" /usr/sbin/sshd \
		/opt/homebrew/sbin/sshd /usr/local/sbin/sshd
}

find_pcscd() {
	first_of "$unpacked/usr/sbin/pcscd" /usr/sbin/pcscd
}

find_vpcd() {
	first_of "$unpacked/usr/lib/pcsc/drivers/serial/libifdvpcd.so" \
		/usr/lib/pcsc/drivers/serial/libifdvpcd.so
}

find_abrmd() {
	first_of "$unpacked/usr/sbin/tpm2-abrmd" /usr/sbin/tpm2-abrmd
}

# Where unpacked programs find their unpacked libraries; else nothing.
unpacked_libraries() {
	local dir list=
	for dir in "$unpacked"/usr/lib/*-linux-gnu* "$unpacked"/lib/*-linux-gnu*; do
		[ ! -d "$dir" ] || list=$list${list:+:}$dir
	done
	printf '%s' "$list"
}

# Run a command in a folder; show what it said only when it fails.
quietly() { # LOG COMMAND...
	local log=$1
	shift
	"$@" >"$log" 2>&1 && return
	tail -n 40 "$log" >&2
	return 1
}

# Configure once, then compile.
build() { # DIR MESON-OPTION...
	local dir=$1
	shift
	mkdir -p "$top/build"
	if [ ! -f "$dir/build.ninja" ]; then
		rm -rf "$dir"
		quietly "$dir.log" meson setup "$dir" "$top" "$@" ||
			die "meson setup failed; see $dir.log"
	fi
	quietly "$dir.log" ninja -C "$dir" ||
		die "the build failed; see $dir.log"
}
