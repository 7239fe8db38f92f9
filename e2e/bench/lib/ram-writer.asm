; A Linux program that writes RAM at a steady rate, for ever.
;
;   nasm -f bin -I ../../../tools/guests/include/ -o ram-writer.elf ram-writer.asm
;
; A MiB every 20 ms by the guest's clock (TSC, which v86 runs at 1 GHz): 52 MB/s, round and round over
; 24 MiB, no word of which it ever writes twice with the same contents.

%include "linux-program.inc"

REGION_BYTES equ 24 << 20
CHUNK_BYTES  equ 1 << 20
CHUNK_TICKS  equ 20000000

    LINUX_PROGRAM 7

start:
    mov eax, 192                ; mmap2
    xor ebx, ebx
    mov ecx, REGION_BYTES
    mov edx, 3                  ; read, write
    mov esi, 0x22               ; private, anonymous
    mov edi, -1
    xor ebp, ebp
    int 0x80
    mov [region], eax
    rdtsc
    mov [due], eax
    mov esi, 0x9e3779b9

round:
    mov edi, [region]
    lea ebp, [edi + REGION_BYTES]
chunk:
    mov ecx, CHUNK_BYTES / 4
write:
    imul esi, esi, 1664525
    add esi, 1013904223
    mov [edi], esi
    add edi, 4
    dec ecx
    jnz write

    add dword [due], CHUNK_TICKS
    rdtsc
    mov ebx, [due]
    sub ebx, eax                ; the low words: it is never late by two seconds
    jg sleep
    mov [due], eax              ; too slow for the rate: no use hurrying later
    jmp next
sleep:
    mov [nanoseconds], ebx
    mov eax, 162                ; nanosleep
    mov ebx, seconds
    xor ecx, ecx
    int 0x80
next:
    cmp edi, ebp
    jb chunk
    jmp round

region      dd 0
due         dd 0
seconds     dd 0
nanoseconds dd 0
size equ $ - $$
