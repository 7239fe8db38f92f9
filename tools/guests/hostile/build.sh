#!/usr/bin/env bash
# Assembles the hostile guest into src/runtime/testing/guests/hostile.bin, a Multiboot kernel. Needs nasm (`apt-get install
# nasm`, 2.16 on Debian 12); the output is the same byte for byte every time.
set -euo pipefail
cd "$(dirname "$0")"
nasm -f bin -o ../../../src/runtime/testing/guests/hostile.bin hostile.asm
