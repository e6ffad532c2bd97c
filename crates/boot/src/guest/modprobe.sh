#!/kiln/busybox sh
# The kernel calls this in modprobe's place, with the module or alias as the last word.
for name; do :; done
echo "$name" >>/run/kiln/requested
exit 1
