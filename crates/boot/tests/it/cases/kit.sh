# What the cases are told in. Each case is a script of its own under `sh -e`: the first word that does not hold ends it.

PATH=$PATH:/kiln/bin
run=/run/kmodloader
killer=/etc/cases/killer

fail() {
	echo "FAILED: $*"
	echo "--- said"
	cat /tmp/said 2>/dev/null || :
	echo "--- modules"
	cut -d ' ' -f 1-5 /proc/modules
	echo "--- claims"
	find "$run" ! -type d
	exit 1
}

# The kernel tries out ciphers and checksums on a thread that holds their module.
settle() {
	n=0
	while [ "$n" -lt 100 ] && grep -q 'selftest *: unknown' /proc/crypto; do
		n=$((n + 1))
		usleep 100000
	done
}

# Calls a loader as a device does; its words are in /tmp/said. Gives its status.
loader() { # NAME VERB
	settle
	code=0
	PATH=/kiln/bin busybox sh "/lib/kmodloader/$1" "$2" >/tmp/said 2>&1 || code=$?
	sed 's/^/| /' /tmp/said
	return $code
}

start() {
	for each; do loader "$each" start || fail "start of $each: status $?"; done
}

stop() {
	for each; do loader "$each" stop || fail "stop of $each: status $?"; done
}

refused() { # NAME TEXT: the start fails and says this
	if loader "$1" start; then fail "$1 started"; fi
	said "$2"
}

status() { # NAME STATUS
	code=0
	busybox sh "/lib/kmodloader/$1" status >/tmp/said 2>&1 || code=$?
	[ "$code" = "$2" ] || fail "status of $1 is $code, not $2"
}

said() {
	grep -q -e "$1" /tmp/said || fail "not said: $1"
}

quiet() {
	[ ! -s /tmp/said ] || fail "something was said"
}

is_live() {
	grep -q "^$1 .* Live " /proc/modules
}

live() {
	for each; do is_live "$each" || fail "$each is not live"; done
}

gone() {
	for each; do ! grep -q "^$each " /proc/modules || fail "$each is there"; done
}

# Nothing of any loader's is in the kernel, and nothing is claimed.
nothing() {
	# shellcheck disable=SC2046
	gone $(all)
	left=$(find "$run" -mindepth 1 ! -name '.lock' ! -name free ! -name '.boot.*' ! -name .started)
	[ -z "$left" ] || fail "left behind: $left"
}

# The modules of a loader, or of all of them, in load order.
modules() { # NAME
	sed -n "/^modules='/,/^'/s/^	//p" "/lib/kmodloader/$1"
}

all() {
	for each in log ct files spare; do modules "$each"; done
}

file() { # MODULE
	for each in /lib/modules/*/kernel; do find "$each" -name "$1.ko"; done
}

by_hand() { # MODULE
	busybox insmod "$(file "$1")"
}

# Runs a loader with another insmod, as the leader of a session. Sets `leader`.
with_insmod() { # PROGRAM NAME VERB
	busybox setsid busybox sh -c "alias insmod=$1; set -- $3; . /lib/kmodloader/$2" >/tmp/said 2>&1 </dev/null &
	leader=$!
}

mount_overlay() {
	mkdir -p /tmp/lower /tmp/layers /tmp/merged
	busybox mount -t tmpfs tmpfs /tmp/layers
	mkdir /tmp/layers/upper /tmp/layers/work
	busybox mount -t overlay -o lowerdir=/tmp/lower,upperdir=/tmp/layers/upper,workdir=/tmp/layers/work none /tmp/merged
}

umount_overlay() {
	busybox umount /tmp/merged
	busybox umount /tmp/layers
}
