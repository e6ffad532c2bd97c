# Words for cases under OpenRC.

long=the_longest-name-that-a-loader-can-have-has-53-bytes_

up() {
	for each; do
		rc-service "kmodloader-$each" status | grep -q started || fail "$each is not started"
	done
}

down() {
	for each; do
		rc-service "kmodloader-$each" status >/tmp/said 2>&1 || :
		grep -q stopped /tmp/said || fail "$each is not stopped"
	done
}
