; The pattern guest: fills its RAM (and, built with -DGRAPHICS, its linear
; frame buffer) with the pass number for ever, so that a checker that stops it
; at any instant can tell whether a single dword was lost, torn or stale.
;
; Contract with src/runtime/testing/pattern.ts, little-endian dwords at physical 0x8000:
;   +0  magic 'HFPG' (0x47504648), written last and cleared first on a reset
;   +4  version 1
;   +8  ramStart   +12 ramEnd     usable RAM from 1 MiB up, by int 15h E820
;   +16 lfbStart   +20 lfbEnd     0 and 0 without a frame buffer
;   +24 pass       the pass N that is being written; 0 until the first begins
;   +28 ticks      PIT interrupts at 100 Hz
;   +32 fbWidth    +36 fbHeight
; RAM, then the frame buffer, are one sequence of dwords: N up to one edge,
; N-1 after it. The valid range of the contract ends at a machine reset, until
; the magic is back: the BIOS scratches in high RAM before it boots us.
;
; Each finished pass prints "pass N" on COM1, 115200 8n1.

HEADER      equ 0x8000
H_VERSION   equ HEADER + 4
H_RAM_START equ HEADER + 8
H_RAM_END   equ HEADER + 12
H_LFB_START equ HEADER + 16
H_LFB_END   equ HEADER + 20
H_PASS      equ HEADER + 24
H_TICKS     equ HEADER + 28
H_WIDTH     equ HEADER + 32
H_HEIGHT    equ HEADER + 36
HEADER_DWORDS equ 10
MAGIC       equ 0x47504648

E820_ENTRY  equ 0x0600          ; one 24 byte entry
VBE_INFO    equ 0x1000          ; 512 bytes
VBE_MODE    equ 0x1400          ; 256 bytes
IDT         equ 0x2000          ; 256 gates, built at run time
STACK_TOP   equ 0x7c00
STAGE2      equ 0x9000
STAGE2_SECTORS equ 4
COM1        equ 0x3f8
TIMER_HZ    equ 100

%include "pic.inc"

; ---------------------------------------------------------------- boot sector
section boot start=0 vstart=0x7c00
bits 16
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, STACK_TOP
    cld
    mov dword [HEADER], 0       ; a stale magic must not outlive a reset
    sti

    mov di, 5                   ; a floppy may need a retry
.read:
    mov ax, 0x0200 | STAGE2_SECTORS
    mov cx, 0x0002              ; track 0, sector 2
    mov dh, 0                   ; head 0; dl is the boot drive still
    mov bx, STAGE2
    int 0x13
    jnc stage2
    push dx
    xor ax, ax
    int 0x13
    pop dx
    dec di
    jnz .read
    mov si, text_disk
    jmp fail16

; Print the string at si and stop for good. Real mode only.
fail16:
    lodsb
    test al, al
    jz .halt
    mov ah, 0x0e
    mov bx, 7
    int 0x10
    jmp fail16
.halt:
    cli
    hlt
    jmp .halt

text_disk db "pattern guest: cannot read the floppy", 0

    times 510 - ($ - $$) db 0
    dw 0xaa55

; --------------------------------------------------------------- second stage
section stage2 follows=boot vstart=STAGE2 align=1
stage2:
    mov di, HEADER
    mov cx, HEADER_DWORDS
    xor eax, eax
    rep stosd

    mov ax, 0x2401              ; A20 on, by the BIOS and by port 92h
    int 0x15
    in al, 0x92
    or al, 2
    and al, 0xfe
    out 0x92, al

; The usable range that holds 1 MiB. What SeaBIOS keeps at the top of RAM is
; outside of it.
    xor ebx, ebx
.e820:
    mov eax, 0xe820
    mov edx, 0x534d4150         ; 'SMAP'
    mov ecx, 24
    mov di, E820_ENTRY
    int 0x15
    jc .no_ram
    cmp eax, 0x534d4150
    jne .no_ram
    cmp dword [E820_ENTRY + 16], 1
    jne .next
    cmp dword [E820_ENTRY + 4], 0
    jne .next
    mov eax, [E820_ENTRY]
    cmp eax, 0x100000
    ja .next
    add eax, [E820_ENTRY + 8]
    cmp eax, 0x100000
    ja .found
.next:
    test ebx, ebx
    jnz .e820
.no_ram:
    mov si, text_ram
    jmp fail16
.found:
    and eax, 0xfffff000
    mov [H_RAM_END], eax
    mov dword [H_RAM_START], 0x100000

%ifdef GRAPHICS
    mov dword [VBE_INFO], 'VBE2'
    mov ax, 0x4f00
    mov di, VBE_INFO
    int 0x10
    cmp ax, 0x004f
    jne .no_mode
    mov si, wanted
.wanted:
    cmp word [si], 0
    je .no_mode
    lgs bx, [VBE_INFO + 14]     ; far pointer to the list of modes
.mode:
    mov cx, [gs:bx]
    add bx, 2
    cmp cx, 0xffff
    je .wanted_next
    mov ax, 0x4f01
    mov di, VBE_MODE
    int 0x10
    cmp ax, 0x004f
    jne .mode
    test byte [VBE_MODE], 0x80  ; has a linear frame buffer
    jz .mode
    cmp byte [VBE_MODE + 25], 32
    jne .mode
    mov ax, [VBE_MODE + 18]
    cmp ax, [si]
    jne .mode
    shl ax, 2
    cmp ax, [VBE_MODE + 16]     ; no gap between lines
    jne .mode
    mov ax, [VBE_MODE + 20]
    cmp ax, [si + 2]
    jne .mode

    mov bx, cx
    or bx, 0x4000
    mov ax, 0x4f02
    int 0x10
    cmp ax, 0x004f
    jne .wanted_next
    movzx eax, word [si]
    mov [H_WIDTH], eax
    movzx ecx, word [si + 2]
    mov [H_HEIGHT], ecx
    imul eax, ecx
    shl eax, 2
    mov ebx, [VBE_MODE + 40]
    mov [H_LFB_START], ebx
    add eax, ebx
    mov [H_LFB_END], eax
    jmp .enter
.wanted_next:
    add si, 4
    jmp .wanted
.no_mode:
    mov si, text_vbe
    jmp fail16
.enter:
%else
    mov ax, 0x0003              ; 80x25 text
    int 0x10
    mov ah, 0x01                ; no cursor
    mov cx, 0x2000
    int 0x10
%endif

    cli
    lgdt [gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 0x08:protected

text_ram db "pattern guest: no usable RAM above 1 MiB", 0
%ifdef GRAPHICS
text_vbe db "pattern guest: no 32 bit VBE mode with a linear frame buffer", 0
wanted   dw 1024, 768, 800, 600, 640, 480, 0
%endif

align 8
gdt:
    dq 0
    dq 0x00cf9a000000ffff       ; 08: code, flat 4 GiB
    dq 0x00cf92000000ffff       ; 10: data, flat 4 GiB
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd gdt
idt_pointer:
    dw 256 * 8 - 1
    dd IDT

bits 32
protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, STACK_TOP
    cld

; Every vector is a fatal exception, but the sixteen IRQs, of which the timer's
; counts and the others (spurious ones, at most) return.
    mov edi, IDT
    mov ecx, 256
    mov edx, exception
.gates:
    mov eax, edx
    and eax, 0xffff
    or eax, 0x00080000
    stosd
    mov eax, edx
    and eax, 0xffff0000
    or eax, 0x00008e00
    stosd
    loop .gates
    mov ecx, 16
    mov eax, spurious
.irqs:
    mov [IDT + 0x20 * 8 + ecx * 8 - 8], ax
    loop .irqs
    mov eax, timer
    mov [IDT + 0x20 * 8], ax
    lidt [idt_pointer]

    INIT_PICS 0xfe, 0xff        ; IRQ 0 only

    mov al, 0x34                ; PIT channel 0, rate generator
    out 0x43, al
    mov eax, (1193182 + TIMER_HZ / 2) / TIMER_HZ
    out 0x40, al
    mov al, ah
    out 0x40, al

    mov dx, COM1 + 1            ; COM1: 115200 8n1, FIFOs, no interrupts
    xor al, al
    out dx, al
    mov dx, COM1 + 3
    mov al, 0x80
    out dx, al
    mov dx, COM1
    mov al, 1
    out dx, al
    inc dx
    xor al, al
    out dx, al
    mov dx, COM1 + 3
    mov al, 3
    out dx, al
    mov dx, COM1 + 2
    mov al, 7
    out dx, al
    mov dx, COM1 + 4
    mov al, 3
    out dx, al

    mov esi, text_hello
    call serial_text
%ifndef GRAPHICS
    mov edi, 0xb8000
    mov esi, text_title
    mov ah, 0x1f
.title:
    lodsb
    test al, al
    jz .title_pad
    stosw
    jmp .title
.title_pad:
    cmp edi, 0xb8000 + 160
    jae .title_done
    mov al, ' '
    stosw
    jmp .title_pad
.title_done:
%endif

    xor eax, eax                ; both regions are pass 0 before the magic is
    call fill_all
    mov dword [H_VERSION], 1
    mov dword [H_TICKS], 0
    mov dword [H_PASS], 0
    mov dword [HEADER], MAGIC
    sti

pass:
    inc dword [H_PASS]
    mov eax, [H_PASS]
    call fill_all
    mov eax, [H_PASS]
    call decimal
    push esi
    mov esi, text_pass
    call serial_text
    pop esi
%ifndef GRAPHICS
    push esi
    mov edi, 0xb8000 + 160 * 2
    mov esi, text_pass
    call screen_text
    pop esi
    push esi
    call screen_text
    pop esi
%endif
    call serial_text
    mov esi, text_newline
    call serial_text
    jmp pass

; Fill RAM, then the frame buffer, with eax, upwards.
fill_all:
    mov edi, [H_RAM_START]
    mov edx, [H_RAM_END]
    call fill
    mov edi, [H_LFB_START]
    mov edx, [H_LFB_END]
; Fill [edi, edx) with eax, a page at a time. Spoils ecx and edi.
fill:
    mov ecx, edx
    sub ecx, edi
    jbe .done
    shr ecx, 2
    cmp ecx, 1024
    jbe .chunk
    mov ecx, 1024
.chunk:
    rep stosd
    jmp fill
.done:
    ret

; eax as decimal digits: esi points at them, zero-terminated.
decimal:
    mov esi, digits_end
    mov ecx, 10
.digit:
    xor edx, edx
    div ecx
    add dl, '0'
    dec esi
    mov [esi], dl
    test eax, eax
    jnz .digit
    ret

; Send the zero-terminated string at esi to COM1, polled.
serial_text:
    mov dx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    lodsb
    test al, al
    jz .done
    mov dx, COM1
    out dx, al
    jmp serial_text
.done:
    ret

%ifndef GRAPHICS
; Write the zero-terminated string at esi to the text screen at edi.
screen_text:
    mov ah, 0x0f
.next:
    lodsb
    test al, al
    jz .done
    stosw
    jmp .next
.done:
    ret
%endif

timer:
    push eax
    inc dword [H_TICKS]
    mov al, 0x20
    out 0x20, al
    pop eax
spurious:
    iret

exception:
    cli
    mov esi, text_exception
    call serial_text
.halt:
    hlt
    jmp .halt

text_hello     db "pattern guest", 13, 10, 0
text_pass      db "pass ", 0
text_newline   db 13, 10, 0
text_exception db "pattern guest: exception", 13, 10, 0
%ifndef GRAPHICS
text_title     db " Holdfast pattern guest: every dword of RAM says which pass wrote it", 0
%endif
digits         times 10 db 0
digits_end     db 0

    times STAGE2_SECTORS * 512 - ($ - $$) db 0

; ------------------------------------------ the rest of a 160 KiB floppy disk
section rest follows=stage2 align=1
    times 160 * 1024 - (1 + STAGE2_SECTORS) * 512 db 0
