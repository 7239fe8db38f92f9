; The cpu-states guest: enters a CPU state that is hard to save, stays there, and checks itself
; without end. src/runtime/cpu-states.test.ts and e2e/update/cpu-states.spec.ts hand it over.
;
; A boot floppy. It prints "cpu-states" on COM1 and waits for a letter, which names the CPU state; a
; reset returns to this prompt. Each finished round of checks prints "NAME round N"; a check that fails
; prints "FAIL NAME CHECK: expected XXXXXXXX found XXXXXXXX" and ends everything.
;
; Contract with the tests, little-endian dwords at physical 0x8000:
;   +0  magic 'HFSI'      +4  the CPU state's letter, 0 before one was chosen
;   +8  rounds finished   +12 1 after a failed check
;   +16 hotStart +20 hotEnd   linear addresses of the code that is the CPU state
;   +24 phase             its meaning depends on the CPU state
;   +28 address of the register and memory copies (for people)
; Disks hold the dword (offset / 4) * DISK_FACTOR at each offset, beside what they boot from.
;
; Build: ./build.sh (nasm -f bin).

HEADER      equ 0x8000
H_LETTER    equ HEADER + 4
H_ROUND     equ HEADER + 8
H_FAILED    equ HEADER + 12
H_HOT       equ HEADER + 16
H_HOT_END   equ HEADER + 20
H_PHASE     equ HEADER + 24
HEADER_DWORDS equ 8
MAGIC       equ 0x49534648

IDT         equ 0x2000              ; 256 gates, built at run time
BUFFER16    equ 0x20000             ; of real mode
STACK_TOP   equ 0x7c00
IMAGE       equ 0x9000
COM1        equ 0x3f8
DISK_FACTOR equ 0x9e3779b1
FLOPPY_SECTORS equ 18               ; a track, of 1.44 MB
PAGE_DIR    equ 0x100000            ; page tables of all kinds, 64 KiB
AREA        equ 0x200000            ; 4 MiB to play with
AREA2       equ 0x600000            ; and 4 more

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
    mov dword [HEADER], 0           ; a stale magic must not outlive a reset
    sti
    mov [drive], dl
    mov bp, 1                       ; sector of the disk, from 0
    mov di, IMAGE >> 4
.sector:
    mov byte [tries], 5
.read:
    mov ax, bp
    mov cl, FLOPPY_SECTORS
    div cl                          ; al = track and head, ah = sector
    mov cl, ah
    inc cl
    mov ch, al
    shr ch, 1
    mov dh, al
    and dh, 1
    mov dl, [drive]
    mov es, di
    xor bx, bx
    mov ax, 0x0201
    int 0x13
    jnc .next
    xor ax, ax
    mov dl, [drive]
    int 0x13
    dec byte [tries]
    jnz .read
.halt:
    hlt
    jmp .halt
.next:
    add di, 512 / 16
    inc bp
    cmp bp, 1 + IMAGE_SECTORS
    jb .sector
    xor ax, ax
    mov es, ax
    jmp real_mode

drive db 0
tries db 0
    times 510 - ($ - $$) db 0
    dw 0xaa55

; ------------------------------------------------------------------ the image
section image follows=boot vstart=IMAGE align=1
image:
%include "pic.inc"
%include "report.inc"
%include "real.inc"
%include "protected.inc"
%include "paging.inc"
%include "graphics.inc"
%include "string.inc"
%include "interrupt.inc"
%include "fpu.inc"
%include "disk.inc"

; A letter, the kind of code, what it is called, where it begins, and the code that is the CPU state.
NAME_BYTES equ 24
%macro CPU_STATE 5                  ; letter, bits, name, entry, first label of the hot range
    db %1, %2
%%name:
    db %3
    times NAME_BYTES - ($ - %%name) db 0
    dw %4, %5, %5_end
%endmacro
CPU_STATE_BYTES equ 2 + NAME_BYTES + 6
cpu_states:
    CPU_STATE 'r', 16, "real-mode", real_bios, real_bios.hot
    CPU_STATE 'u', 16, "big-real-mode", big_real, big_real.hot
    CPU_STATE 'y', 16, "floppy", floppy, floppy.hot
    CPU_STATE 'p', 32, "protected-mode", protected_mode, protected_mode.hot
    CPU_STATE 'l', 32, "flags", lazy_flags, lazy_flags.hot
    CPU_STATE 'g', 32, "paging", paging, paging.hot
    CPU_STATE 'a', 32, "pae-paging", pae, pae.hot
    CPU_STATE 'v', 16, "planar-graphics", planar, planar_loop.hot
    CPU_STATE 'w', 16, "256-colour-graphics", chunky, chunky_loop.hot
    CPU_STATE 'x', 16, "linear-frame-buffer", linear_frame_buffer, linear_loop.hot
    CPU_STATE 's', 32, "rep-string", strings, strings.hot
    CPU_STATE 'S', 32, "rep-string-paged", strings_paged, strings.hot
    CPU_STATE 'i', 32, "interrupt-handler", interrupts, interrupts.hot
    CPU_STATE 'I', 32, "nested-interrupt", interrupts, interrupts.hot
    CPU_STATE 't', 32, "apic-timer", apic, apic.hot
    CPU_STATE 'h', 32, "halted", halted, halted.hot
    CPU_STATE 'f', 32, "x87", x87, x87.hot
    CPU_STATE 'z', 32, "sse", sse, sse.hot
    CPU_STATE 'm', 32, "mmx", mmx, mmx.hot
    CPU_STATE 'd', 32, "ide-pio", ide_pio, ide_pio.hot
    CPU_STATE 'D', 32, "ide-dma", ide_dma, ide_dma.hot
    CPU_STATE 'c', 32, "atapi", atapi, atapi.hot
    CPU_STATE 'C', 32, "atapi-sense", atapi, atapi.reason
    db 0
IMAGE_SECTORS equ ($ - image + 511) / 512
    times IMAGE_SECTORS * 512 - ($ - image) db 0
