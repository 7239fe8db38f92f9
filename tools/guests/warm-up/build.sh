#!/usr/bin/env bash
# Assembles the throwaway guest into src/emulator/warm-up-image.ts. Needs nasm.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
nasm -f bin -o "$out" warm-up.asm
{
  echo '// Made from tools/guests/warm-up/warm-up.asm by build.sh. Do not edit.'
  echo 'export const warmUpImage ='
  base64 -w 92 "$out" | sed "s/.*/  '&' +/; \$s/ +\$/;/"
} > ../../../src/emulator/warm-up-image.ts
