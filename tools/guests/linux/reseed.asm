; A Linux program that lets what was written to /dev/urandom take effect at once: without it the
; kernel mixes it in within a minute, and until then clones of one state draw the same numbers.
;
;   nasm -f bin -I ../include/ -o reseed reseed.asm

%include "linux-program.inc"

    LINUX_PROGRAM 5

start:
    mov eax, 5                  ; open
    mov ebx, path
    mov ecx, 1                  ; for writing
    int 0x80
    mov ebx, eax
    mov eax, 54                 ; ioctl
    mov ecx, 0x5207             ; RNDRESEEDCRNG
    int 0x80
    mov ebx, eax
    neg ebx                     ; the error, or 0
    mov eax, 1                  ; exit
    int 0x80

path:
    db "/dev/urandom", 0

size equ $ - $$
