#!/usr/bin/env bash
# Assembles the power guest into boot-sector.ts. Needs nasm.
cd "$(dirname "$0")" && ../assemble-module.sh power.asm powerBootSector boot-sector.ts
