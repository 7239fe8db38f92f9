#!/usr/bin/env bash
# Assembles a guest into a TypeScript module of its bytes in base64. Needs nasm.
#   assemble-module.sh SOURCE.asm NAME MODULE.ts
# NAME is the exported constant's. A boot sector is shortened to what its last 2 bytes (the mark) and
# the zeros before them leave.
set -euo pipefail
source=$1 name=$2 module=$3
out=$(mktemp)
trap 'rm -f "$out"' EXIT
nasm -f bin -I ../include/ -o "$out" "$source"
contents() {
  if [ "$(tail -c +511 "$out" | od -An -tx1)" = ' 55 aa' ]
  then head -c 510 "$out" | sed 's/\x00*$//'
  else cat "$out"
  fi
}
{
  echo "// Made from tools/guests/$(basename "$PWD")/$source by build.sh. Do not edit."
  echo "export const $name ="
  contents | base64 -w 88 | sed "s/.*/  '&' +/; \$s/ +\$/;/"
} > "$module"
