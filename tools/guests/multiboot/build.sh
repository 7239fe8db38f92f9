#!/usr/bin/env bash
# Assembles the Multiboot guest into multiboot-kernel.ts. Needs nasm.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
nasm -f bin -o "$out" multiboot.asm
{
  echo '// Made from tools/guests/multiboot/multiboot.asm by build.sh. Do not edit.'
  echo 'export const multibootKernel ='
  base64 -w 88 "$out" | sed "s/.*/  '&' +/; \$s/ +\$/;/"
} > multiboot-kernel.ts
