#!/bin/sh
# Stands for a kernel with its insmod and rmmod. A module's file holds `ko NAME NEEDS…`; what a real kernel shows in
# /sys/module and /proc/modules is kept in folders beside. A folder of a module that was removed is kept too, since in
# /sys no inode number comes twice.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
top=@TOP@
by=${BY:-loader}

kernel_lock() {
	until mkdir "$top/kernel-lock" 2>/dev/null; do
		sleep 0.01
	done
}

leave() {
	rmdir "$top/kernel-lock"
	[ -z "$2" ] || echo "$2" >&2
	[ "$by" = outsider ] || rmdir "$top/inside" 2>/dev/null
	exit "$1"
}

# What a test wants to happen when a loader loads or unloads a module: `WHEN ACTION`, once.
hook() {
	[ "$by" = loader ] && [ -e "$top/hooks/$name.$1" ] || return 0
	read -r action <"$top/hooks/$name.$1"
	rm "$top/hooks/$name.$1"
	teller=$PPID
	read -r _ _ _ shell _ <"/proc/$teller/stat"
	case $action in
	kill-shell) kill -9 "$shell" ;;
	kill-teller) kill -9 "$teller" ;;
	kill-both) kill -9 "$shell" "$teller" ;;
	kill-all) kill -9 "$shell" "$teller" $$ ;;
	term-shell) kill -15 "$shell" ;;
	sleep) sleep 3 ;;
	insmod) BY=outsider "$top/bin/insmod" "$top/lib/$name.ko" ;;
	rmmod) BY=outsider "$top/bin/rmmod" "$name" ;;
	esac
}

complain() {
	echo "$*" >>"$top/violations"
}

list() {
	new=$top/proc/modules.$$
	{
		[ "$1" != add ] || echo "$name 16384 0 - Live 0x0000000000000000"
		grep -v "^$name " "$top/proc/modules"
	} >"$new"
	mv "$new" "$top/proc/modules"
}

insmod() {
	file=$1
	shift
	refuse="insmod: can't insert '$file'"
	[ -e "$file" ] || { echo "$refuse: No such file or directory" >&2; exit 2; }
	read -r magic name needs <"$file"
	[ "$magic" = ko ] || { echo "$refuse: invalid module format" >&2; exit 8; }
	[ "$by" = outsider ] || mkdir "$top/inside" 2>/dev/null || [ ! -e "$top/strict" ] || complain "two loaders at once"
	hook before
	kernel_lock
	module=$top/sys/module/$name
	[ ! -d "$module" ] || leave 17 "$refuse: File exists"
	for need in $needs; do
		[ -d "$top/sys/module/$need" ] || leave 2 "$refuse: unknown symbol in module, or unknown parameter"
	done
	mkdir "$top/new.$$" "$top/new.$$/holders"
	echo live >"$top/new.$$/initstate"
	[ -e "$top/no-unload" ] || echo 0 >"$top/new.$$/refcnt"
	echo "$by" >"$top/new.$$/by"
	for word in "$@"; do
		echo "$word" >>"$top/new.$$/words"
	done
	mv "$top/new.$$" "$module"
	for need in $needs; do
		mkdir "$top/sys/module/$need/holders/$name"
	done
	list add
	rmdir "$top/kernel-lock"
	hook after
	[ "$by" = outsider ] || rmdir "$top/inside" 2>/dev/null
	exit 0
}

rmmod() {
	name=$1
	refuse="rmmod: can't unload module '$name'"
	[ "$by" = outsider ] || mkdir "$top/inside" 2>/dev/null || [ ! -e "$top/strict" ] || complain "two loaders at once"
	hook unload
	kernel_lock
	module=$top/sys/module/$name
	[ -d "$module" ] || leave 1 "$refuse: No such file or directory"
	[ ! -e "$top/no-unload" ] || leave 1 "$refuse: Function not implemented"
	[ ! -e "$top/busy/$name" ] || leave 1 "$refuse: Resource temporarily unavailable"
	for holder in "$module"/holders/*; do
		[ ! -e "$holder" ] || leave 1 "$refuse: Resource temporarily unavailable"
	done
	read -r whose <"$module/by"
	[ "$whose" = loader ] || [ "$by" = outsider ] || complain "a loader removed $name, which somebody else had loaded"
	list remove
	rmdir "$top"/sys/module/*/holders/"$name" 2>/dev/null
	mv "$module" "$top/graves/$name.$$"
	rmdir "$top/kernel-lock"
	[ "$by" = outsider ] || rmdir "$top/inside" 2>/dev/null
	exit 0
}

"${0##*/}" "$@"
