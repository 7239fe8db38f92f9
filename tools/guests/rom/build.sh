#!/usr/bin/env bash
# Assembles the ROM guest into boot-sector.ts. Needs nasm.
cd "$(dirname "$0")" && ../assemble-module.sh rom.asm romBootSector boot-sector.ts
