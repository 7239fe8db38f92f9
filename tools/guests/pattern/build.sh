#!/bin/sh
# Assembles the pattern guest's two floppy images into public/guests/pattern.
# Needs nasm (`apt-get install nasm`, 2.16 on Debian 12). The output is the
# same byte for byte every time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../public/guests/pattern}
mkdir -p "$out"
nasm -f bin -I "$here/../include/" -o "$out/text.img" "$here/pattern.asm"
nasm -f bin -I "$here/../include/" -DGRAPHICS -o "$out/graphics.img" "$here/pattern.asm"
ls -l "$out"
