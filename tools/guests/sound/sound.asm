; A boot sector that makes sounds. It answers letters on COM1 with the same letter, in capitals:
;   w  plays a square wave of 500 Hz on the Sound Blaster 16, over and over (8 bit, mono, 16,000 Hz,
;      auto-initialised DMA); prints a dot at each of its interrupts, one every 2048 samples
;   q  stops that
;   b  beeps on the PC speaker at 1000 Hz
;   n  ends the beep
bits 16
org 0x7c00
COM1     equ 0x3f8
DSP      equ 0x220
BUFFER   equ 0x1000             ; segment: physical 10000h
SAMPLES  equ 4096               ; in the buffer; the card interrupts in the middle and at the end
PERIOD   equ 32
RATE     equ 16000
TONE     equ 1193182 / 1000
VECTOR   equ 0x0d               ; IRQ 5, as the BIOS has it
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov word [VECTOR * 4], played
        mov [VECTOR * 4 + 2], ax
        mov ax, BUFFER
        mov es, ax
        xor di, di
.fill:  mov al, 0x40
        test di, PERIOD / 2
        jz .low
        mov al, 0xc0
.low:   stosb
        cmp di, SAMPLES
        jne .fill
        in al, 0x21
        and al, ~(1 << 5)
        out 0x21, al
        mov al, 'R'
        call print
        sti
command:
        hlt
        mov dx, COM1 + 5
        in al, dx
        test al, 1
        jz command
        mov dx, COM1
        in al, dx
        cmp al, 'w'
        je wave
        cmp al, 'q'
        je quiet
        cmp al, 'b'
        je beep
        cmp al, 'n'
        jne command
        in al, 0x61
        and al, ~3
        out 0x61, al
        mov al, 'N'
        jmp answer
beep:   mov al, 0xb6            ; channel 2, both bytes, mode 3
        out 0x43, al
        mov al, TONE & 0xff
        out 0x42, al
        mov al, TONE >> 8
        out 0x42, al
        in al, 0x61
        or al, 3
        out 0x61, al
        mov al, 'B'
        jmp answer
wave:   mov dx, DSP + 6         ; reset
        mov al, 1
        out dx, al
        xor al, al
        out dx, al
        mov dx, DSP + 10
        in al, dx
        mov al, 5               ; DMA 1: masked, single, auto-initialised, from memory
        out 0x0a, al
        out 0x0c, al
        mov al, 0x59
        out 0x0b, al
        xor al, al
        out 0x02, al
        out 0x02, al
        mov al, (SAMPLES - 1) & 0xff
        out 0x03, al
        mov al, (SAMPLES - 1) >> 8
        out 0x03, al
        mov al, BUFFER >> 12
        out 0x83, al
        mov al, 1
        out 0x0a, al
        mov si, program
        mov cx, program.end - program
        mov dx, DSP + 12
.next:  lodsb
        out dx, al
        loop .next
        mov al, 'W'
        jmp answer
quiet:  mov dx, DSP + 12
        mov al, 0xd0
        out dx, al
        mov al, 'Q'
answer: call print
        jmp command

played: push ax
        push dx
        mov dx, DSP + 14        ; acknowledges
        in al, dx
        mov al, '.'
        call print
        mov al, 0x20
        out 0x20, al
        pop dx
        pop ax
        iret

print:  push ax
        mov dx, COM1 + 5
.full:  in al, dx
        test al, 0x20
        jz .full
        pop ax
        mov dx, COM1
        out dx, al
        ret

; Commands to the card: the rate, and to play.
program:
        db 0x41, RATE >> 8, RATE & 0xff
        db 0xc6, 0, (SAMPLES / 2 - 1) & 0xff, (SAMPLES / 2 - 1) >> 8
.end:
times 510-($-$$) db 0
        dw 0xaa55
