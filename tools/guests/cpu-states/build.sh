#!/usr/bin/env bash
# Assembles the cpu-states guest into src/runtime/testing/guests/cpu-states.bin: boot sector and image, which the tests
# put at the start of a 1.44 MB floppy. Needs nasm (`apt-get install nasm`, 2.16 on Debian 12); the
# output is the same byte for byte every time.
set -euo pipefail
cd "$(dirname "$0")"
nasm -f bin -I ../include/ -o ../../../src/runtime/testing/guests/cpu-states.bin cpu-states.asm
