; A kernel in the Multiboot format (specification 0.6.96), as a flat image that its own header describes.
; On COM1 it prints "multiboot" and its command line, and then answers each byte with "echo", the byte,
; and whether it was started by a Multiboot loader.
bits 32
org 0x100000
MAGIC   equ 0x1badb002
FLAGS   equ 0x00010000              ; the addresses below are there
BOOTED  equ 0x2badb002              ; in eax
CMDLINE equ 16                      ; in the loader's information
COM1    equ 0x3f8

header: dd MAGIC, FLAGS, -(MAGIC + FLAGS)
        dd header, header           ; of the header, and where the image is loaded to
        dd 0, 0                     ; to its end; nothing behind it
        dd start

start:  mov esp, 0x90000
        mov [magic], eax
        mov esi, hello
        call print
        mov esi, [ebx + CMDLINE]
        call print
        mov esi, newline
        call print
answer: mov dx, COM1 + 5
        in al, dx
        test al, 1
        jz answer
        mov dx, COM1
        in al, dx
        mov [typed], al
        mov esi, echo
        cmp dword [magic], BOOTED
        je .print
        mov esi, wrong
.print: call print
        jmp answer

; The text at esi, up to a zero.
print:  lodsb
        test al, al
        jz .end
        mov ah, al
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        mov al, ah
        mov dx, COM1
        out dx, al
        jmp print
.end:   ret

hello:   db 'multiboot ', 0
newline: db 13, 10, 0
wrong:   db 'not booted by Multiboot', 13, 10, 0
echo:    db 'echo '
typed:   db 0, 13, 10, 0
magic:   dd 0
