# Words for cases under s6.

long=the_longest-name-that-a-loader-can-have-has-53-bytes_
source=/etc/s6-rc/source

# A supervisor, and the service that carries out what `s6-sudo` sends: as s6-rc has it.
begin() {
	mkdir -p /run/service/oneshots
	printf '#!/bin/execlineb -P\ns6-ipcserver-socketbinder s s6-ipcserverd s6-sudod -t 30000 execlineb -P\n' \
		>/run/service/oneshots/run
	chmod 755 /run/service/oneshots/run
	s6-svscan /run/service </dev/null &
	n=0
	until [ -S /run/service/oneshots/s ]; do
		n=$((n + 1))
		[ $n -lt 100 ] || fail "no supervisor"
		usleep 100000
	done
}

oneshot() { # SERVICE up|down
	settle
	s6-sudo -e -t 30000 -T "$(cat "$source/$1/timeout-$2")" /run/service/oneshots/s "$source/$1/$2" </dev/null
}

# Brings a service up after what it depends on. Sets `order`.
change() { # up SERVICE
	order=
	visit "$2"
	for each in $order; do oneshot "$each" "$1"; done
}

visit() {
	case " $order " in *" $1 "*) return ;; esac
	for needed in $(ls "$source/$1/dependencies.d" 2>/dev/null); do visit "$needed"; done
	order="$order $1"
}
