; The boot sector of a floppy that shows, and on request changes, a byte of the BIOS area and one of
; the VGA ROM area. On COM1 it prints "rom" and then answers letters: r prints "rom BB VV", the two
; bytes in hexadecimal; w inverts both first.
bits 16
org 0x7c00
BIOS_SEGMENT equ 0xf000             ; physical 0xf0123: nothing reads it while this runs
BIOS_OFFSET  equ 0x0123
VGA_SEGMENT  equ 0xc000             ; physical 0xc0777
VGA_OFFSET   equ 0x0777
COM1         equ 0x3f8
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        call hello
        call newline
command:
        mov dx, COM1 + 5
        in al, dx
        test al, 1
        jz command
        mov dx, COM1
        in al, dx
        cmp al, 'r'
        je report
        cmp al, 'w'
        jne command
        mov ax, BIOS_SEGMENT
        mov es, ax
        not byte [es:BIOS_OFFSET]
        mov ax, VGA_SEGMENT
        mov es, ax
        not byte [es:VGA_OFFSET]
report: call hello
        mov ax, BIOS_SEGMENT
        mov es, ax
        mov al, [es:BIOS_OFFSET]
        call byte_out
        mov ax, VGA_SEGMENT
        mov es, ax
        mov al, [es:VGA_OFFSET]
        call byte_out
        call newline
        jmp command

hello:  mov si, text
.next:  lodsb
        test al, al
        jz return
        call print
        jmp .next
newline:
        mov al, 13
        call print
        mov al, 10
        jmp print
; A space, and al in hexadecimal.
byte_out:
        push ax
        mov al, ' '
        call print
        pop ax
        push ax
        shr al, 4
        call digit
        pop ax
        and al, 15
digit:  add al, '0'
        cmp al, '9'
        jbe print
        add al, 'a' - '9' - 1
print:  push ax
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop ax
        mov dx, COM1
        out dx, al
return: ret
text:   db "rom", 0
times 510-($-$$) db 0
        dw 0xaa55
