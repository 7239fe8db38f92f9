#!/usr/bin/env bash
# Assembles the floppy guest into boot-sector.ts. Needs nasm.
cd "$(dirname "$0")" && ../assemble-module.sh floppy.asm floppyBootSector boot-sector.ts
