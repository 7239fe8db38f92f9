; The boot sector of a floppy that reads and writes itself for ever, through the BIOS: of each track
; it reads the first sector of head 0, prints its first byte on the serial port, and writes the
; sector, in lower case, to head 1. Prints ! for each operation that fails.
bits 16
org 0x7c00
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        mov [drive], dl
        xor si, si              ; track
next:   mov ax, 0x0201          ; read one sector
        mov dh, 0
        call disk
        jc failed
        mov al, [0x8000]
        call print
        or byte [0x8000], 0x20
        mov ax, 0x0301          ; write one sector
        mov dh, 1
        call disk
        jnc track
failed: mov al, '!'
        call print
        mov ah, 0               ; reset the controller
        mov dl, [drive]
        int 0x13
track:  inc si
        cmp si, 80
        jb next
        mov si, 1               ; not this sector itself
        jmp next
disk:   mov cx, si
        mov ch, cl
        mov cl, 1
        mov dl, [drive]
        mov bx, 0x8000
        int 0x13
        ret
print:  push ax
        mov dx, 0x3fd
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop ax
        mov dx, 0x3f8
        out dx, al
        ret
drive:  db 0
times 510-($-$$) db 0
        dw 0xaa55
