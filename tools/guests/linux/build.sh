#!/bin/sh
# Builds the demo Linux guest on Debian 12 from Debian's own kernel source and
# busybox, into public/guests/linux. Run as root (it installs packages), about
# four minutes on two cores. Same packages in, same bytes out.
#
#   WORK=DIR   where to unpack and build (default: a new directory in /tmp)
#   OUT=DIR    where to put the result
#   NO_APT=1   trust that the packages are there
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$here/../../../public/guests/linux}
work=${WORK:-$(mktemp -d /tmp/holdfast-linux.XXXXXX)}
mkdir -p "$out" "$work"
out=$(cd "$out" && pwd)

# 2025-01-01 00:00:00 UTC, the one date in everything that is built.
export SOURCE_DATE_EPOCH=1735689600
export KBUILD_BUILD_TIMESTAMP='Wed Jan  1 00:00:00 UTC 2025'
export KBUILD_BUILD_USER=holdfast KBUILD_BUILD_HOST=holdfast KBUILD_BUILD_VERSION=1
export LC_ALL=C TZ=UTC

if [ -z "${NO_APT:-}" ]; then
  dpkg --add-architecture i386
  # A mirror in mid-sync is no reason to stop: apt keeps its last good lists, and
  # VERSIONS records what was really used.
  apt-get update || echo 'warning: some package lists are stale' >&2
  apt-get install -y --no-install-recommends linux-source-6.1 \
    gcc make flex bison bc libelf-dev xz-utils lz4 cpio nasm
fi

# --- kernel
source=$work/linux-source-6.1
[ -d "$source" ] || tar -C "$work" -xf /usr/src/linux-source-6.1.tar.xz
build=$work/kernel
mkdir -p "$build"
cat "$source/kernel/configs/tiny-base.config" "$here/kernel.config" >"$work/all.config"
make -s -C "$source" O="$build" ARCH=i386 KCONFIG_ALLCONFIG="$work/all.config" allnoconfig
grep '^CONFIG_' "$here/kernel.config" | grep -v '=n$' | while read -r line; do
  grep -qxF "$line" "$build/.config" || { echo "the kernel refused $line" >&2; exit 1; }
done
make -s -C "$source" O="$build" ARCH=i386 -j"$(nproc)" bzImage
cp "$build/arch/x86/boot/bzImage" "$out/bzImage"

# --- userland
if ! ls "$work"/busybox-static_*_i386.deb >/dev/null 2>&1; then
  (cd "$work" && apt-get download busybox-static:i386)
fi
rm -rf "$work/busybox" "$work/root"
dpkg-deb -x "$work"/busybox-static_*_i386.deb "$work/busybox"
root=$work/root
mkdir -p "$root"
cd "$root"
mkdir -p bin dev etc mnt proc root run sbin sys tmp usr/bin usr/sbin var
cp -R "$here/rootfs/." .
cp "$work/busybox/bin/busybox" bin/busybox
nasm -f bin -I "$here/../include/" -o usr/lib/holdfast/reseed "$here/reseed.asm"
chmod 755 usr/lib/holdfast/reseed
# Only the names that something runs by path before `busybox --install`, which is
# the first thing /etc/init.d/background does: unpacking a link for every applet
# would hold up each boot. The shell itself runs applets without any link.
for name in bin/sh bin/mount bin/umount sbin/init sbin/reboot sbin/poweroff; do
  ln -s /bin/busybox "$name"
done
find . -type d -exec chmod 755 {} +
find . -type f -exec chmod go-w,a+r {} +
chmod 700 root
chmod 1777 tmp
find . -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find . -mindepth 1 | sed 's,^\./,,' | sort |
  cpio --quiet -o -H newc -R 0:0 --reproducible >"$work/initrd"
lz4 -l -9 -q -f "$work/initrd" "$out/initrd.lz4"

# --- where it all comes from, and under which licences
cp "$source/COPYING" "$out/COPYING.linux"
cp "$source/LICENSES/preferred/GPL-2.0" "$out/GPL-2.0"
cp "$work/busybox/usr/share/doc/busybox-static/copyright" "$out/COPYING.busybox"
cp /usr/share/common-licenses/LGPL-2.1 "$out/LGPL-2.1"
deb=$(ls "$work"/busybox-static_*_i386.deb)
version() { dpkg-query -W -f '${Version}' "$1"; }
{
  echo "kernel   Debian linux-source-6.1 $(version linux-source-6.1), source package linux"
  echo "busybox  Debian busybox-static $(dpkg-deb -f "$deb" Version) (i386), source package busybox"
  echo "         built with $(dpkg-deb -f "$deb" Built-Using)"
  echo "compiler gcc-12 $(version gcc-12), binutils $(version binutils)"
  echo "packers  lz4 $(version lz4), cpio $(version cpio); nasm $(version nasm)"
} >"$out/VERSIONS"
ls -l "$out"
