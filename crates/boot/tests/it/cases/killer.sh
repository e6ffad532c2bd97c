#!/kiln/busybox sh
# In insmod's place: at the module AT, kills WHO before or after (WHEN) the load. The parent is the process that tells how
# the load went, its parent the loader itself.
case $1 in
*/"$AT".ko) ;;
*) exec /kiln/busybox insmod "$@" ;;
esac
teller=$PPID
read -r _ _ _ shell _ <"/proc/$teller/stat"
hit() {
	[ "$WHEN" = "$1" ] || return 0
	case $WHO in
	loader) kill -9 "$shell" ;;
	teller) kill -9 "$teller" ;;
	all) kill -9 "$shell" "$teller" $$ ;;
	esac
}
hit before
/kiln/busybox insmod "$@"
status=$?
hit after
exit $status
