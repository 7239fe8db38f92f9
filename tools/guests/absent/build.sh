#!/usr/bin/env bash
# Assembles the absent guest into src/runtime/testing/guests/absent.bin, a Multiboot kernel. Needs nasm (`apt-get install
# nasm`, 2.16 on Debian 12); the output is the same byte for byte every time.
set -euo pipefail
cd "$(dirname "$0")"
nasm -f bin -I ../include/ -o ../../../src/runtime/testing/guests/absent.bin absent.asm
