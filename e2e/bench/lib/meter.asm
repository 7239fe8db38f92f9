; The meter: a Linux program that computes for ever and records its speed.
;
;   nasm -f bin -I ../../../tools/guests/include/ -o meter.elf meter.asm
;
; It works in batches of some 50 microseconds over FUNCTIONS copies of one
; function, each on a page of its own, so that an emulator has more than one
; loop to translate. After each batch it writes down how far it is, and when by
; its own clock (TSC, which v86 runs at 1 GHz). The host reads that in guest
; memory, where it finds the pages by their magic.
;
; Little-endian dwords. Every page: +0, +4 magic; +8 number.
; Page 0:
;   +16 batches   +20 tsc low   +24 tsc high
;   +28 longest time between two batches, TSC ticks; the host may clear it
;   +32 log entries written so far
; Pages 1 to LOG_PAGES, a ring of 255 entries each from +16:
;   +0 tsc low   +4 tsc high   +8 batches   +12 entry number + 1
; An entry is written with the first batch that ends LOG_TICKS after the last.

%include "linux-program.inc"

LOG_PAGES   equ 64
LOG_TICKS   equ 500000
FUNCTIONS   equ 16
ITERATIONS  equ 60
MAGIC0      equ 0x4d6c6448      ; "HdlM"
MAGIC1      equ 0x72657465      ; "eter"
; In page 0 too, since an emulator minds data beside code:
LAST        equ 64
LOGGED      equ 68
SLOT        equ 72
LOG_PAGE    equ 76
SEED        equ 80
TABLE       equ 128
PAGES       equ 1 + LOG_PAGES + FUNCTIONS

    LINUX_PROGRAM 7

start:
    mov eax, 192                ; mmap2
    xor ebx, ebx
    mov ecx, PAGES * 4096
    mov edx, 7                  ; read, write, execute
    mov esi, 0x8022             ; private, anonymous, populate
    mov edi, -1
    push ebp
    xor ebp, ebp
    int 0x80
    pop ebp
    mov ebp, eax

    xor ecx, ecx                ; number the pages
.page:
    mov edx, ecx
    shl edx, 12
    add edx, ebp
    mov dword [edx], MAGIC0
    mov dword [edx + 4], MAGIC1
    mov [edx + 8], ecx
    inc ecx
    cmp ecx, 1 + LOG_PAGES
    jb .page

    lea ebx, [ebp + (1 + LOG_PAGES) * 4096]
.copy:
    mov ecx, work_end - work
    mov esi, work
    mov edi, ebx
    rep movsb
    add ebx, 4096
    lea eax, [ebp + PAGES * 4096]
    cmp ebx, eax
    jb .copy

    mov dword [ebp + LOG_PAGE], 1
    rdtsc
    mov [ebp + LAST], eax
    mov [ebp + LOGGED], eax

batch:
    lea ebx, [ebp + (1 + LOG_PAGES) * 4096]
.function:
    call ebx
    add ebx, 4096
    lea eax, [ebp + PAGES * 4096]
    cmp ebx, eax
    jb .function

    rdtsc
    mov esi, eax
    sub esi, [ebp + LAST]
    mov [ebp + LAST], eax
    inc dword [ebp + 16]
    mov [ebp + 20], eax
    mov [ebp + 24], edx
    cmp esi, [ebp + 28]
    jbe .no_gap
    mov [ebp + 28], esi
.no_gap:
    mov ecx, eax
    sub ecx, [ebp + LOGGED]
    cmp ecx, LOG_TICKS
    jb batch
    mov [ebp + LOGGED], eax

    mov ecx, [ebp + SLOT]             ; the next slot: page, then place in it
    mov edi, [ebp + LOG_PAGE]
    mov ebx, edi
    shl ebx, 12
    add ebx, ebp
    mov esi, ecx
    shl esi, 4
    lea ebx, [ebx + esi + 16]
    mov [ebx], eax
    mov [ebx + 4], edx
    mov eax, [ebp + 16]
    mov [ebx + 8], eax
    mov eax, [ebp + 32]
    inc eax
    mov [ebx + 12], eax
    mov [ebp + 32], eax
    inc ecx
    cmp ecx, 255
    jb .slot
    xor ecx, ecx
    inc edi
    cmp edi, 1 + LOG_PAGES
    jb .log_page
    mov edi, 1
.log_page:
    mov [ebp + LOG_PAGE], edi
.slot:
    mov [ebp + SLOT], ecx
    jmp batch

; Position independent, ebp aside. Spoils eax, ecx, edx, esi, edi.
work:
    mov ecx, ITERATIONS
    mov eax, [ebp + SEED]
    lea esi, [ebp + TABLE]
.next:
    imul eax, eax, 1664525
    add eax, 1013904223
    mov edx, eax
    shr edx, 26
    rol edi, 5
    xor edi, eax
    add [esi + edx * 4], edi
    test al, 0x80
    jz .even
    sub edi, [esi]
    jmp .odd
.even:
    lea edi, [edi + edx * 2 + 1]
.odd:
    dec ecx
    jnz .next
    mov [ebp + SEED], eax
    ret
work_end:

size equ $ - $$
