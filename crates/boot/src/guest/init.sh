# The guest's program. Steps are called by the plan, one line each; a step reports once and never ends the program.
# Reports are written twice: a kernel message may cut through a line.

busybox=/kiln/busybox
# What loaders get: busybox and nothing else, as on a small device.
loader_path=/kiln/bin
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/kiln/bin
export PATH HOME=/root TERM=dumb

say() { # WORD OUTCOME [TEXT]
	printf '\n@kiln %s %s %s %s @end\n@kiln %s %s %s %s @end\n' "$nonce" "$1" "$2" "$3" "$nonce" "$1" "$2" "$3"
}

one_line() { # FILE
	tail -n 5 "$1" | tr '\n\r\t' '   ' | cut -c 1-300
}

in_kernel() { # MODULE
	grep -q "^$1 " /proc/modules 2>/dev/null
}

field() { # MODULE NUMBER: 3 is the count of uses, 4 the users, 5 the state
	grep "^$1 " /proc/modules 2>/dev/null | cut -d ' ' -f "$2"
}

uses() { # MODULE
	printf 'uses: %s, used by: %s' "$(field "$1" 3)" "$(field "$1" 4)"
}

# Whether a module may be there after all loaders are down: it has no exit function, somebody else loaded it, or one such
# module uses it.
may_stay() { # MODULE
	local user
	case " $stays $foreign " in *" $1 "*) return 0 ;; esac
	for user in $(field "$1" 4 | tr ',' ' '); do
		case $user in
		-) ;;
		'[permanent]') return 0 ;;
		*) may_stay "$user" && return 0 ;;
		esac
	done
	return 1
}

remove() { # MODULE
	"$busybox" rmmod "$1" 2>/dev/null
}

# The kernel tries out ciphers and checksums on a thread that holds their module; on a slow machine for a while.
settle() {
	local n
	n=0
	while [ "$n" -lt 100 ] && grep -q 'selftest *: unknown' /proc/crypto 2>/dev/null; do
		n=$((n + 1))
		"$busybox" usleep 100000
	done
	# It lets go a moment after it says so.
	[ "$n" = 0 ] || "$busybox" usleep 100000
}

helper() { # FILE: what the kernel runs when it wants a module
	if [ -e /proc/sys/kernel/modprobe ]; then echo "$1" >/proc/sys/kernel/modprobe; fi
}

remember() {
	cat /proc/modules >/run/kiln/before 2>/dev/null
}

step_release() { # STEP RELEASE
	local release
	release=$(uname -r)
	if [ "$release" = "$2" ]; then say "$1" ok "$release"; else say "$1" fail "$release"; fi
}

# Runs a loader's script; sets `status` and `text`.
service() { # LOADER ACTION
	{
		PATH=$loader_path "$busybox" sh "/lib/kmodloader/$1" "$2" </dev/null
		echo $? >/run/kiln/status
	} 2>&1 | tee /run/kiln/output
	read -r status </run/kiln/status
	text=$(one_line /run/kiln/output)
}

step_service() { # STEP LOADER ACTION
	settle
	service "$2" "$3"
	if [ "$status" = 0 ]; then say "$1" ok "$text"; else say "$1" fail "exit status $status${text:+: $text}"; fi
}

step_status() { # STEP LOADER WANTED
	service "$2" status
	if [ "$status" = "$3" ]; then say "$1" ok; else say "$1" fail "exit status $status instead of $3: $text"; fi
}

step_live() { # STEP MODULE hard|soft
	local state
	state=$(field "$2" 5)
	if [ "$state" = Live ]; then
		say "$1" ok
	elif [ "$3" = soft ]; then
		say "$1" warn "not in the kernel; the loader goes on without it"
	else
		say "$1" fail "${state:-not in the kernel}"
	fi
}

step_parameter() { # STEP MODULE NAME
	local file
	file="/sys/module/$2/parameters/$3"
	if [ -r "$file" ] && cat "$file" >/run/kiln/output 2>/dev/null; then
		say "$1" ok "$(one_line /run/kiln/output)"
	else
		say "$1" skip "the kernel does not show it"
	fi
}

# The packages' commands go before busybox's, which a shell of busybox's may prefer by itself.
step_script() { # STEP FILE
	local status
	"$busybox" sh -e -c ". /kiln/tools; . /kiln/scripts/$2" </dev/null
	status=$?
	if [ "$status" = 0 ]; then say "$1" ok; else say "$1" fail "exit status $status"; fi
}

step_skipped() { # STEP REASON
	say "$1" skip "$2"
}

step_kept() { # STEP MODULE...
	local step module lost
	step=$1 lost=
	shift
	for module; do
		if grep -q "^$module " /run/kiln/before && ! in_kernel "$module"; then lost="$lost $module"; fi
	done
	if [ -z "$lost" ]; then say "$step" ok; else say "$step" fail "taken away:$lost"; fi
}

step_released() { # STEP MODULE...
	local step module left busy
	step=$1 left= busy=
	shift
	for module; do
		if ! in_kernel "$module" || may_stay "$module"; then continue; fi
		if [ "$(field "$module" 3)" = 0 ]; then left="$left $module"; else busy="$busy $module ($(uses "$module"))"; fi
	done
	if [ -n "$left" ]; then
		say "$step" fail "unused and still there:$left"
	elif [ -n "$busy" ]; then
		say "$step" warn "still in use:$busy"
	else
		say "$step" ok
	fi
}

step_gone() { # STEP MODULE
	if ! in_kernel "$2"; then
		say "$1" ok
	elif may_stay "$2"; then
		say "$1" ok "stays, as it must"
	else
		say "$1" fail "still there; $(uses "$2")"
	fi
}

step_foreign() { # STEP MODULE FILE
	if "$busybox" insmod "/$3" >/run/kiln/output 2>&1 && in_kernel "$2"; then
		say "$1" ok
	else
		say "$1" fail "$(one_line /run/kiln/output)"
	fi
}

step_there() { # STEP MODULE
	if in_kernel "$2"; then say "$1" ok; else say "$1" fail "taken away, though somebody else had loaded it"; fi
}

# Leaves nothing in the kernel that can go; the newest come first in the list, and so users before what they use.
sweep() {
	local module
	cut -d ' ' -f 1 /proc/modules 2>/dev/null >/run/kiln/before
	while read -r module; do remove "$module"; done </run/kiln/before
}

step_alias() { # STEP busybox|kmod ALIAS MODULE
	local tool
	case $2 in
	busybox) tool=/kiln/bin/modprobe ;;
	kmod) tool=/usr/sbin/modprobe ;;
	esac
	# Some modules ask for others while they start; on a device the same modprobe answers.
	if [ -e /proc/sys/kernel/modprobe ]; then echo "$tool" >/proc/sys/kernel/modprobe; fi
	settle
	sweep
	if ! $tool "$3" >/run/kiln/output 2>&1; then
		say "$1" fail "$2's modprobe: $(one_line /run/kiln/output)"
	elif ! in_kernel "$4"; then
		say "$1" fail "$2's modprobe said nothing and did not load it"
	elif settle; ! $tool -r "$4" >/run/kiln/output 2>&1 && in_kernel "$4" && ! may_stay "$4"; then
		say "$1" fail "$2's modprobe -r: $(one_line /run/kiln/output)"
	elif in_kernel "$4" && ! may_stay "$4"; then
		say "$1" fail "$2's modprobe -r said nothing and did not unload it; $(uses "$4")"
	else
		say "$1" ok "$2"
	fi
}

# What the kernel asked modprobe for since the last time, each name once.
requested() {
	local name
	[ -s /run/kiln/requested ] || return 0
	mv /run/kiln/requested /run/kiln/now
	sort -u /run/kiln/now | head -n 100 | while read -r name; do
		grep -qxF -e "$name" /run/kiln/reported 2>/dev/null && continue
		echo "$name" >>/run/kiln/reported
		say request note "$name"
	done
}

"$busybox" mkdir -p /proc /sys /dev /run /tmp /kiln/bin
"$busybox" mount -t proc proc /proc
"$busybox" mount -t sysfs sysfs /sys
# A kernel without devtmpfs has the few nodes that the archive brings, one without tmpfs the archive's folders.
"$busybox" mount -t devtmpfs devtmpfs /dev 2>/dev/null
"$busybox" mount -t tmpfs tmpfs /run 2>/dev/null
"$busybox" mkdir -p /run/kiln
"$busybox" --install -s /kiln/bin
# Nothing but the loaders loads modules: the kernel's own requests are noted and refused.
helper /kiln/modprobe

nonce= stays= foreign=
. /kiln/plan
say finish ok
sync
poweroff -f
