/**
 * A shell script that runs in new user and mount namespaces. It builds a file system that holds the system's
 * programs and libraries and a few given paths, moves into it and starts a command there:
 * `sh ROOT NETWORK CWD PATH... -- COMMAND...`. NETWORK is empty, or the files that name servers are needed.
 * So the process sees no file, no local socket and no device of the machine beyond these.
 */
export const NEW_ROOT = `
set -e
root=$1 network=$2 cwd=$3
shift 3
show() {
  if [ -d "$1" ]; then mkdir -p "$root$1"; mount --rbind "$1" "$root$1"
  else mkdir -p "$root\${1%/*}"; : > "$root$1"; mount --bind "$1" "$root$1"; fi
}
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$root"
for path in /usr /bin /sbin /lib /lib32 /lib64 /libx32 /nix /gnu /etc/ld.so.cache /etc/alternatives; do
  if [ -L "$path" ]; then cp -P "$path" "$root$path"
  elif [ -e "$path" ]; then show "$path"; fi
done
if [ -n "$network" ]; then
  for path in /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /etc/host.conf /etc/gai.conf; do
    if [ -e "$path" ]; then show "$path"; fi
  done
fi
mkdir -p "$root/etc"
echo 'module:x:0:0::/:/bin/false' > "$root/etc/passwd"
for path in /dev/null /dev/urandom /dev/random; do show "$path"; done
while [ "$1" != -- ]; do
  if [ ! -e "$root$1" ]; then show "$1"; fi
  shift
done
shift
mkdir -p "$root/proc" "$root/tmp"
mount -t proc proc "$root/proc" 2>/dev/null || :
cd "$root"
pivot_root . .
umount -l .
cd "$cwd"
exec "$@"
`;
