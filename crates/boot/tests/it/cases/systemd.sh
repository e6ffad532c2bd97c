# Words for cases under systemd.

long=the_longest-name-that-a-loader-can-have-has-53-bytes_

up() {
	for each; do
		now=$(systemctl is-active "kmodloader-$each") || :
		[ "$now" = active ] || { systemctl status "kmodloader-$each" || :; fail "$each is $now"; }
	done
}

down() {
	for each; do
		now=$(systemctl is-active "kmodloader-$each") || :
		[ "$now" = inactive ] || { systemctl status "kmodloader-$each" || :; fail "$each is $now"; }
	done
}

since() { # LOADER EVENT
	systemctl show --value -p "$2TimestampMonotonic" "kmodloader-$1"
}

# The first was up before the second began.
before() {
	[ "$(since "$1" ActiveEnter)" -le "$(since "$2" InactiveExit)" ] || fail "$2 did not wait for $1"
}

