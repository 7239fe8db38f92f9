; A boot sector that does with its power button what a system with ACPI does: it enables the event,
; hears it as IRQ 9, clears it, and turns the PC off (S5). Prints R when it listens, while interrupts
; are still off for some time, and P when it hears the button.

PM1_STATUS  equ 0xb000          ; of a PIIX4, where the firmware puts it
PM1_ENABLE  equ 0xb002
PM1_CONTROL equ 0xb004
POWER_BUTTON equ 1 << 8
SLEEP       equ 1 << 13         ; of type 0: S5
SCI_VECTOR  equ 0x71            ; IRQ 9, as the BIOS has it
BUSY        equ 2000000

bits 16
org 0x7c00
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        mov word [SCI_VECTOR * 4], pressed
        mov [SCI_VECTOR * 4 + 2], ax
        mov dx, PM1_ENABLE
        mov ax, POWER_BUTTON
        out dx, ax
        in al, 0xa1             ; unmask IRQ 9
        and al, ~(1 << 1)
        out 0xa1, al
        in al, 0x21             ; and the cascade
        and al, ~(1 << 2)
        out 0x21, al
        mov al, 'R'
        call print
        mov ecx, BUSY
.busy:  dec ecx
        jnz .busy
        sti
.wait:  hlt
        jmp .wait

pressed:
        mov dx, PM1_STATUS
        in ax, dx
        test ax, POWER_BUTTON
        jz .done
        mov ax, POWER_BUTTON    ; written ones are cleared
        out dx, ax
        mov al, 'P'
        call print
        mov dx, PM1_CONTROL
        mov ax, SLEEP
        out dx, ax
.done:  mov al, 0x20            ; end of interrupt
        out 0xa0, al
        out 0x20, al
        iret

print:  push ax
        mov dx, 0x3fd
.full:  in al, dx
        test al, 0x20
        jz .full
        pop ax
        mov dx, 0x3f8
        out dx, al
        ret

times 510-($-$$) db 0
        dw 0xaa55
