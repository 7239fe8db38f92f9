#!/usr/bin/env bash
# Assembles the Multiboot guest into multiboot-kernel.ts. Needs nasm.
cd "$(dirname "$0")" && ../assemble-module.sh multiboot.asm multibootKernel multiboot-kernel.ts
