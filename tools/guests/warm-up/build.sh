#!/usr/bin/env bash
# Assembles the throwaway guest into src/runtime/prepare/warm-up-image.ts. Needs nasm.
cd "$(dirname "$0")" &&
  ../assemble-module.sh warm-up.asm warmUpImage ../../../src/runtime/prepare/warm-up-image.ts
