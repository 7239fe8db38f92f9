#!/usr/bin/env bash
# Assembles the ROM guest into boot-sector.ts. Needs nasm.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
nasm -f bin -o "$out" rom.asm
{
  echo '// Made from tools/guests/rom/rom.asm by build.sh. Do not edit.'
  echo 'export const romBootSector ='
  head -c 510 "$out" | sed 's/\x00*$//' | base64 -w 88 | sed "s/.*/  '&' +/; \$s/ +\$/;/"
} > boot-sector.ts
