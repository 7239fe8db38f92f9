; The throwaway guest that warms a runtime up (src/runtime/prepare/warm-up.ts).
;
; An endless load like that of a kernel and a shell: protected mode with paging, ring 3, system
; calls, timer interrupts, page faults, and a mix of instructions. Their code is copied to new
; pages again and again, so that the JIT compiler itself stays busy.
; Build: ./build.sh (nasm -f bin).

%include "pic.inc"

STACK0      equ 0x90000
STACK3      equ 0x98000
PAGE_DIR    equ 0x100000
PAGE_TABLES equ 0x101000            ; two: 8 MiB, identity
CODE_COPIES equ 0x200000            ; workload copies, one every 8 KiB
COPIES      equ 48
BUFFER      equ 0x180000
FAULT_PAGE  equ 0x700000            ; unmapped again and again
ROUNDS      equ 300                 ; of the workload in each copy

bits 16
org 0x7c00
start:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7c00
    mov ax, 0x0200 + SECTORS        ; the rest of this image
    mov bx, 0x7e00
    mov cx, 0x0002
    mov dh, 0
    int 0x13
    in al, 0x92
    or al, 2
    out 0x92, al                    ; A20
    lgdt [gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 0x08:protected

align 8
gdt:
    dq 0
    dq 0x00cf9a000000ffff           ; 08 ring 0 code
    dq 0x00cf92000000ffff           ; 10 ring 0 data
    dq 0x00cffa000000ffff           ; 18 ring 3 code
    dq 0x00cff2000000ffff           ; 20 ring 3 data
gdt_tss:
    dq 0                            ; 28 TSS, filled in
gdt_pointer:
    dw $ - gdt - 1
    dd gdt

times 510 - ($ - $$) db 0
dw 0xaa55

bits 32
protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, STACK0

    mov edi, PAGE_DIR               ; page directory and tables
    xor eax, eax
    mov ecx, 3 * 1024
    cld
    rep stosd
    mov dword [PAGE_DIR], PAGE_TABLES + 7
    mov dword [PAGE_DIR + 4], PAGE_TABLES + 0x1000 + 7
    mov edi, PAGE_TABLES
    mov eax, 7
    mov ecx, 2048
.map:
    stosd
    add eax, 0x1000
    loop .map

    mov edi, idt                    ; every vector to `ignore`
    mov ecx, 256
.gate:
    mov eax, ignore
    mov ebx, 0x8e00
    call set_gate
    add edi, 8
    loop .gate
    mov edi, idt + 14 * 8
    mov eax, page_fault
    call set_gate
    mov edi, idt + 0x20 * 8
    mov eax, timer
    call set_gate
    mov edi, idt + 0x80 * 8
    mov eax, system_call
    mov ebx, 0xee00                 ; callable from ring 3
    call set_gate
    lidt [idt_pointer]

    mov dword [tss + 4], STACK0
    mov dword [tss + 8], 0x10
    mov word [tss + 102], 104
    mov eax, tss
    mov word [gdt_tss], 103
    mov [gdt_tss + 2], ax
    shr eax, 16
    mov [gdt_tss + 4], al
    mov byte [gdt_tss + 5], 0x89
    mov ax, 0x28
    ltr ax

    mov eax, PAGE_DIR
    mov cr3, eax
    mov eax, cr4
    or eax, 0x600                   ; SSE
    mov cr4, eax
    mov eax, cr0
    and eax, ~0x4
    or eax, 0x80010002              ; paging, write protection, FPU monitoring
    mov cr0, eax
    fninit

    INIT_PICS 0xfe, 0xff        ; only the timer
    mov al, 0x34                    ; PIT: about 1 kHz
    out 0x43, al
    mov al, 0xa9
    out 0x40, al
    mov al, 0x04
    out 0x40, al

    push 0x23                       ; to ring 3
    push STACK3
    push 0x3202                     ; interrupts on, IOPL 3
    push 0x1b
    push user
    mov ax, 0x23
    mov ds, ax
    mov es, ax
    iretd

set_gate:                           ; edi gate, eax handler, ebx flags
    mov [edi], ax
    mov word [edi + 2], 0x08
    mov [edi + 4], bx
    push eax
    shr eax, 16
    mov [edi + 6], ax
    pop eax
    ret

ignore:
    iretd

timer:
    push eax
    push ds
    mov ax, 0x10
    mov ds, ax
    inc dword [ticks]
    mov al, 0x20
    out 0x20, al
    pop ds
    pop eax
    iretd

page_fault:                         ; maps the page again
    pushad
    push ds
    mov ax, 0x10
    mov ds, ax
    mov eax, cr2
    mov ebx, eax
    shr eax, 12
    and ebx, ~0xfff
    or ebx, 7
    mov [PAGE_TABLES + eax * 4], ebx
    pop ds
    popad
    add esp, 4                      ; the error code
    iretd

system_call:                        ; eax 0: nothing; 1: unmap FAULT_PAGE; 2: flush the TLB
    push ds
    push ebx
    mov bx, 0x10
    mov ds, bx
    cmp eax, 1
    jb .done
    je .unmap
    mov ebx, cr3
    mov cr3, ebx
    jmp .done
.unmap:
    mov dword [PAGE_TABLES + (FAULT_PAGE >> 12) * 4], 0
    invlpg [FAULT_PAGE]
.done:
    mov ebx, [ticks]
    mov eax, ebx
    pop ebx
    pop ds
    iretd

user:
    xor ebp, ebp                    ; number of the copy
.copy:
    mov esi, workload
    mov edi, ebp
    shl edi, 13
    add edi, CODE_COPIES
    mov edx, edi
    mov ecx, (workload_end - workload + 3) / 4
    rep movsd
    mov ecx, ROUNDS
.round:
    push ecx
    push edx
    call edx
    pop edx
    pop ecx
    test ecx, 15
    jnz .next
    mov eax, 1
    int 0x80
    inc dword [FAULT_PAGE]          ; faults
    xor eax, eax
    int 0x80
.next:
    dec ecx
    jnz .round
    mov eax, 2
    int 0x80
    inc ebp
    cmp ebp, COPIES
    jb .copy
    jmp user

; ---- position-independent; clobbers all but esp ----
align 16
workload:
    call .strings
    call .arithmetic
    call .bytes
    call .bits
    call .floats
    call .vectors
    call .table
    mov eax, 9
    call .fibonacci
    ret

.strings:
    cld
    mov edi, BUFFER
    mov eax, 0x61626364
    mov ecx, 64
    rep stosd
    mov byte [edi], 0
    mov esi, BUFFER
    mov edi, BUFFER + 0x1000
.strcpy:
    mov al, [esi]
    mov [edi], al
    inc esi
    inc edi
    test al, al
    jnz .strcpy
    mov esi, BUFFER
    mov edi, BUFFER + 0x1000
    mov ecx, 256
    repe cmpsb
    mov edi, BUFFER
    xor al, al
    mov ecx, -1
    repne scasb
    mov esi, BUFFER
    mov edi, BUFFER + 0x2000
    mov ecx, 32
    rep movsd
    mov ecx, 16
    rep movsb
    lodsd
    lodsb
    stosb
    ret

.arithmetic:
    mov ecx, 40
    mov eax, 0x12345678
    mov ebx, 0x9abcdef0
.mix:
    rol eax, 7
    xor ebx, eax
    add eax, ebx
    bswap eax
    lea edx, [eax + ebx * 4 + 17]
    imul edx, eax
    adc ebx, edx
    sbb eax, 3
    mov esi, ecx
    and esi, 31
    mov [BUFFER + esi * 4], eax
    add ebx, [BUFFER + esi * 4]
    xchg eax, ebx
    neg ebx
    not eax
    cmp eax, ebx
    cmova eax, edx
    setb dl
    movzx edx, dl
    movsx esi, bx
    sub eax, esi
    dec ecx
    jnz .mix
    mov eax, 1000003
    xor edx, edx
    mov ebx, 97
    div ebx
    mul ebx
    mov eax, -77777
    cdq
    idiv ebx
    imul ebx
    cwde
    ret

.bytes:
    mov ecx, 30
    mov bx, 0x1234
.narrow:
    add bl, cl
    adc bh, 3
    mov al, bl
    mul bh
    xor ah, al
    shl ax, 3
    sar bx, 1
    ror al, 2
    inc word [BUFFER + 0x40]
    add word [BUFFER + 0x44], bx
    or byte [BUFFER + 0x48], 1
    and byte [BUFFER + 0x49], bl
    test byte [BUFFER + 0x48], 1
    jz .narrow_done
    movzx eax, byte [BUFFER + ecx]
    movsx edx, word [BUFFER + ecx]
    cmp al, 0x20
    jbe .narrow_next
    cmp dx, 5
    jg .narrow_next
    xor byte [BUFFER + ecx], 0x20
.narrow_next:
    dec ecx
    jns .narrow
.narrow_done:
    ret

.bits:
    mov ecx, 20
    mov eax, 0x00ff00ff
.bit:
    bt eax, ecx
    jc .bit_set
    bts eax, ecx
    jmp .bit_next
.bit_set:
    btr eax, ecx
.bit_next:
    bsf edx, eax
    bsr ebx, eax
    shld eax, edx, 3
    shrd edx, ebx, cl
    rcl eax, 1
    rcr edx, 2
    xadd [BUFFER + 0x60], edx
    lock cmpxchg [BUFFER + 0x64], ebx
    pushfd
    popfd
    loop .bit
    ret

.floats:
    fld1
    fldpi
    mov ecx, 10
.float:
    fmul st0, st1
    fadd st1, st0
    fld st0
    fistp dword [BUFFER + 0x80]
    fild dword [BUFFER + 0x80]
    fdivp st1, st0
    loop .float
    fstp qword [BUFFER + 0x88]
    fstp qword [BUFFER + 0x90]
    fld qword [BUFFER + 0x88]
    fcomp qword [BUFFER + 0x90]
    fnstsw ax
    ret

.vectors:
    mov ecx, 12
    pxor xmm1, xmm1
.vector:
    movdqu xmm0, [BUFFER + 0x100]
    paddd xmm1, xmm0
    pxor xmm0, xmm1
    movdqu [BUFFER + 0x110], xmm1
    movd eax, xmm1
    cvtsi2sd xmm2, eax
    addsd xmm2, xmm2
    movsd [BUFFER + 0x120], xmm2
    loop .vector
    ret

.table:                             ; calls through a table, as an interpreter's loop
    call .here
.here:
    pop ebx
    mov ecx, 24
.dispatch:
    mov eax, ecx
    and eax, 3
    lea edx, [ebx + (.entries - .here)]
    movzx eax, word [edx + eax * 2]
    add eax, ebx
    call eax
    loop .dispatch
    ret
.entries:
    dw .one - .here, .two - .here, .three - .here, .four - .here
.one:
    push ebp
    mov ebp, esp
    sub esp, 16
    mov [ebp - 4], ecx
    mov eax, [ebp - 4]
    leave
    ret
.two:
    enter 8, 0
    mov [ebp - 8], eax
    leave
    ret
.three:
    pushad
    inc dword [BUFFER + 0x140]
    popad
    ret
.four:
    jecxz .four_done
    xor eax, ecx
.four_done:
    ret

.fibonacci:                         ; eax n, returns eax
    cmp eax, 2
    jb .base
    push eax
    dec eax
    call .fibonacci
    xchg eax, [esp]
    sub eax, 2
    call .fibonacci
    pop edx
    add eax, edx
.base:
    ret
workload_end:

align 8
ticks: dd 0
idt_pointer:
    dw 256 * 8 - 1
    dd idt
SECTORS equ ($ - $$ - 512 + 511) / 512
image_end:
absolute 0xa000
idt: resb 2048
tss: resb 104
