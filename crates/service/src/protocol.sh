# From here on the text is the same in every loader.
#
# All state is in names, none in contents: each change is one atomic step that needs no room on a full /run.
#   .lock/free, .lock/PID.START   the lock; whoever renames its one entry to his own name holds it
#   MODULE/LOADER                 LOADER claims MODULE
#   MODULE/.owner.INODE           a loader loaded MODULE; the inode of its /sys folder is another one after each load
#   MODULE/.loading.PID.START     process PID is loading MODULE and will tell how it went
#   .started/LOADER               the last start of LOADER came to a good end
#   .boot.ID                      the boot that all this belongs to
# START is when the process started, so that a number that was given out again is not taken for it.

run=/run/kmodloader
sys_module=/sys/module
proc_modules=/proc/modules
# How many seconds to wait for another loader, and for a module that someone else is loading or unloading.
patience=60
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022

reversed=''
for module in $modules; do
	reversed="$module $reversed"
done
caught=''
locked=''
told=''

usage() {
	printf '%s\n' \
		"usage: ${0##*/} start|stop|status" \
		"" \
		"Loads and unloads the kernel modules of the loader $loader." \
		"  start   load what is not there yet, and claim all of it; a failure undoes what was done" \
		"  stop    drop the claims, and unload what a loader loaded and nobody claims any more" \
		"  status  show the modules; exit 0 when started, 3 when stopped, 1 when something is missing"
}

say() {
	printf 'kmodloader-%s: %s\n' "$loader" "$*" >&2
}

finish() {
	[ -z "$locked" ] || mv "$run/.lock/$me" "$run/.lock/free" 2>/dev/null
	exit "$1"
}

die() {
	say "$*"
	finish 1
}

create() {
	{ true >"$1"; } 2>/dev/null
}

# Sets `pid` and `born` for process $1 (or self); fails when it is gone. A zombie is gone.
birth() {
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	pid=${stat%% *}
	# The second field is a name in parentheses that may hold blanks.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ $# -ge 20 ] || return 1
	case $1 in
	Z | X) return 1 ;;
	esac
	shift 19
	born=$1
}

# Whether the process PID.START is still there.
alive() {
	birth "${1%.*}" && [ "$born" = "${1#*.}" ]
}

now() {
	read -r uptime _ </proc/uptime
	uptime=${uptime%%.*}
}

set_deadline() {
	now
	deadline=$((uptime + patience))
}

# Waits a moment; fails when the time is up.
pause() {
	sleep 0.1 2>/dev/null || sleep 1
	now
	[ "$uptime" -lt "$deadline" ]
}

# Takes the lock. An entry whose process is dead is taken over: no other can ever bring that name back, so of all who
# try, one rename succeeds.
lock() {
	said=$(mkdir -p "$run" 2>&1) || die "cannot make $run: $said"
	birth self
	me=$pid.$born
	if [ ! -d "$run/.lock" ]; then
		said=$(mkdir "$run/.new.$me" 2>&1 && mkdir "$run/.new.$me/free" 2>&1) || {
			rmdir "$run/.new.$me" 2>/dev/null
			die "cannot write in $run: $said"
		}
		# The lock is born with its entry. Where another was quicker, mv fails or moves ours into it.
		mv "$run/.new.$me" "$run/.lock" 2>/dev/null
		for place in "$run" "$run/.lock"; do
			rmdir "$place/.new.$me/free" "$place/.new.$me" 2>/dev/null
		done
	fi
	set_deadline
	refused=0
	while :; do
		holder=nobody
		for entry in "$run"/.lock/*; do
			case ${entry##*/} in
			'*') continue ;;
			free) ;;
			"$me")
				locked=yes
				return
				;;
			*)
				holder=${entry##*/}
				alive "$holder" && {
					refused=0
					continue
				}
				;;
			esac
			if said=$(mv "$entry" "$run/.lock/$me" 2>&1); then
				locked=yes
				return
			fi
			[ ! -e "$entry" ] || refused=$((refused + 1))
		done
		# Once may mean that others were quicker to take it and to give it back.
		[ "$refused" -lt 5 ] || die "cannot write in $run: $said"
		[ -z "$caught" ] || die "interrupted"
		[ "$refused" -gt 0 ] && continue
		pause || die "another loader (process ${holder%.*}) has held the lock for $patience seconds"
	done
}

# Gets ready for $1, start or stop, and takes the lock.
begin() {
	trap '' PIPE
	trap 'caught=129' HUP
	trap 'caught=130' INT
	trap 'caught=143' TERM
	[ -e /proc/self/stat ] || die "/proc is not mounted"
	[ -e "$proc_modules" ] || die "there is no $proc_modules: this kernel cannot load modules (CONFIG_MODULES)"
	lock
	boot=unknown
	{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
	if [ ! -e "$run/.boot.$boot" ]; then
		rm -rf "${run:?}"/* "$run"/.boot.* "$run/.started"
		create "$run/.boot.$boot" || [ "$1" = stop ] || die "cannot write in $run"
	fi
}

# Sets `state` of module $1: live, coming (being loaded), going (being unloaded) or absent.
look() {
	state=absent
	if [ -d "$sys_module" ]; then
		{ read -r state <"$sys_module/$1/initstate"; } 2>/dev/null || state=absent
		return
	fi
	while read -r name _ _ _ word _; do
		[ "$name" = "$1" ] || continue
		case $word in
		Live) state=live ;;
		Loading) state=coming ;;
		*) state=going ;;
		esac
		return
	done <"$proc_modules"
}

# Sets `inode` to what tells this load of module $1 from every other; `none` where the system cannot say.
identify() {
	# shellcheck disable=SC2046
	set -- $(ls -di "$sys_module/$1" 2>/dev/null)
	inode=${1:-none}
}

# Brings the marks of module $1 in line with the kernel. Fails when a loading process does not come to its end.
settle() {
	for mark in "$run/$1"/.loading.*; do
		[ -e "$mark" ] || continue
		set_deadline
		while alive "${mark##*/.loading.}"; do
			pause || {
				said="a process of an earlier start is still loading it"
				return 1
			}
		done
		[ -e "$mark" ] || continue
		rm -f "$mark"
		look "$1"
		[ "$state" = absent ] ||
			say "$1: a start was killed while it loaded this; someone else may have loaded it since, so it will stay"
	done
	for mark in "$run/$1"/.owner.*; do
		[ -e "$mark" ] || continue
		look "$1"
		identify "$1"
		[ "$state.${mark##*/.owner.}" = "live.$inode" ] || rm -f "$mark"
	done
}

# Runs insmod for module $1 in a process of its own, which outlives a kill of the loader and leaves word of the outcome.
insert() {
	trap '' HUP INT TERM
	birth self
	mark=$run/$1/.loading.$pid.$born
	create "$mark" || {
		printf '%s\n' "cannot write in $run"
		exit 1
	}
	if run_insmod "$1"; then
		identify "$1"
		mv "$mark" "$run/$1/.owner.$inode" && exit 0
		rmmod "$1"
		exit 1
	fi
	rm -f "$mark"
	exit 1
}

# Sees to it that module $1 is live; fails with the reason in `said`.
load() {
	set_deadline
	while :; do
		look "$1"
		[ "$state" != live ] || return 0
		if [ "$state" = absent ]; then
			said=$(insert "$1" 2>&1) && return 0
			look "$1"
			# Live all the same: someone was quicker, and the mark is gone; or only the process that should have
			# told was killed, and it is ours.
			for mark in "$run/$1"/.loading.*; do
				[ -e "$mark" ] || continue
				identify "$1"
				case $state in
				live) mv "$mark" "$run/$1/.owner.$inode" ;;
				*) rm -f "$mark" ;;
				esac
			done
			case $state in
			live) return 0 ;;
			absent) return 1 ;;
			esac
		fi
		pause || {
			said="someone else has been loading or unloading it for $patience seconds"
			return 1
		}
	done
}

# Claims module $1 and loads it; fails with the reason in `said`.
take() {
	[ -d "$run/$1" ] || said=$(mkdir "$run/$1" 2>&1) || return 1
	settle "$1" || return 1
	if [ ! -e "$run/$1/$loader" ]; then
		create "$run/$1/$loader" || {
			said="cannot write its claim in $run"
			return 1
		}
		fresh="$1 $fresh"
	fi
	load "$1"
}

# Drops this loader's claims on the modules named.
drop() {
	[ $# -gt 0 ] || return 0
	for each in "$@"; do
		shift
		set -- "$@" "$run/$each/$loader"
	done
	said=$(rm -f "$@" 2>&1) || die "cannot drop claims: $said"
}

# Unloads module $1; when it has to stay, says why and fails.
remove() {
	case " $permanent " in
	*" $1 "*)
		say "$1 stays loaded: it has no exit function"
		return 1
		;;
	esac
	if [ -d "$sys_module/$1" ] && [ ! -e "$sys_module/$1/refcnt" ]; then
		[ -n "$told" ] || say "modules stay loaded: this kernel cannot unload them (CONFIG_MODULE_UNLOAD)"
		told=yes
		return 1
	fi
	said=$(rmmod "$1" 2>&1) && return 0
	look "$1"
	[ "$state" != absent ] || return 0
	users=''
	for user in "$sys_module/$1/holders"/*; do
		[ ! -e "$user" ] || users="$users ${user##*/}"
	done
	[ -z "$users" ] || said="used by$users"
	say "$1 stays loaded: $said"
	return 1
}

# Unloads module $1 if a loader loaded it and none claims it. Its mark stays as long as it does, for a later stop.
release() {
	[ -d "$run/$1" ] || return 0
	settle "$1" || {
		say "$1: $said"
		return 0
	}
	for claim in "$run/$1"/*; do
		[ ! -e "$claim" ] || return 0
	done
	for mark in "$run/$1"/.owner.*; do
		[ -e "$mark" ] || continue
		remove "$1" || return 0
		rm -f "$mark"
	done
	rmdir "$run/$1" 2>/dev/null
}

release_all() {
	for module in $reversed; do
		release "$module"
	done
}

undo() {
	trap '' HUP INT TERM
	# shellcheck disable=SC2086
	drop $fresh
	release_all
}

start() {
	begin start
	# What a killed start left is this one's to undo; what a good one left is not.
	fresh=$reversed
	[ ! -e "$run/.started/$loader" ] || fresh=''
	for module in $modules; do
		take "$module" && [ -z "$caught" ] && continue
		[ -z "$caught" ] || break
		case " $optional " in
		*" $module "*)
			say "$module: not loaded, and not needed: $said"
			drop "$module"
			release "$module"
			;;
		*)
			say "$module: $said"
			undo
			finish 1
			;;
		esac
	done
	if [ -n "$caught" ]; then
		say "interrupted"
		undo
		finish "$caught"
	fi
	[ -d "$run/.started" ] || mkdir "$run/.started" 2>/dev/null
	create "$run/.started/$loader" || {
		say "cannot write in $run"
		undo
		finish 1
	}
	finish 0
}

stop() {
	# Without a lock nothing was ever started.
	[ -d "$run/.lock" ] || exit 0
	begin stop
	trap '' HUP INT TERM
	rm -f "$run/.started/$loader"
	# shellcheck disable=SC2086
	drop $modules
	release_all
	finish 0
}

status() {
	code=0
	[ -e "$run/.started/$loader" ] || code=3
	lines=''
	for module in $modules; do
		look "$module"
		by='loaded by somebody else'
		identify "$module"
		[ ! -e "$run/$module/.owner.$inode" ] || by='loaded by a loader'
		claims=''
		for claim in "$run/$module"/*; do
			[ ! -e "$claim" ] || claims="$claims ${claim##*/}"
		done
		[ "$state" != absent ] || by='not loaded'
		[ "$state" = live ] || case " $optional " in
		*" $module "*) ;;
		*) [ "$code" = 3 ] || code=1 ;;
		esac
		lines="$lines
  $module: $by${claims:+, claimed by$claims}"
	done
	case $code in
	0) word=started ;;
	1) word='started, but a module is missing' ;;
	*) word=stopped ;;
	esac
	printf '%s\n' "$loader: $word$lines"
	exit "$code"
}

case $#:${1-} in
1:start | 1:stop | 1:status) ;;
1:-h | 1:--help)
	usage
	exit 0
	;;
*)
	usage >&2
	exit 2
	;;
esac
case $modular:$1 in
no:status) printf '%s\n' "$loader: built into the kernel" ;;
no:*) say "nothing to do: all it needs is built into the kernel" ;;
*) "$1" ;;
esac
