#!/usr/bin/env bash
# Assembles the sound guest into boot-sector.ts. Needs nasm.
cd "$(dirname "$0")" && ../assemble-module.sh sound.asm soundBootSector boot-sector.ts
