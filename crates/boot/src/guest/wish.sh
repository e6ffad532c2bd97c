#!/kiln/busybox sh
# The kernel calls this in modprobe's place, with the module or alias as the last word.
for wish; do :; done
echo "$wish" >>/run/kiln/wishes
exit 1
