; The absent guest: uses memory in all ways in which the CPU does so on its own, while pages of it are
; absent. It checks the outcome. src/runtime/lazy/lazy-system.test.ts takes the pages away.
;
; A Multiboot kernel (specification 0.6.96). It prints "absent" on COM1 and waits for a letter there: "n" for
; paging with 32 bits, "a" for PAE. Then it prints "round N" after each round of checks in level 3. A check
; that fails prints "FAIL X", with the check's letter, and ends everything.
;
; Build: ./build.sh (nasm -f bin).
%include "pic.inc"
bits 32
org 0x100000
MAGIC   equ 0x1badb002
FLAGS   equ 0x00010000
COM1    equ 0x3f8

; Each of these is on a page of its own.
DATA    equ 0x110000
IDT     equ 0x180000
GDT     equ 0x182000
TSS     equ 0x184000
TSS2    equ 0x186000
STACK0  equ 0x18a000                ; of level 0: it crosses the end of a page
STACK2  equ 0x18d000                ; of the other task
STACK3  equ 0x192000
STACK3_ equ STACK3 + 20             ; of level 3, likewise
TABLES  equ 0x200000                ; eight pages
WINDOW_TABLE equ 0x207000
TOUCHED equ 0x300000
FRAMES  equ 0x380000
SOURCE  equ 0x400000
TARGET  equ 0x480000
BYTES   equ 0x20000
WINDOW  equ 0xd0000000
WINDOW_PAGES equ 16

CODE0   equ 0x08
DATA0   equ 0x10
CODE3   equ 0x18 + 3
DATA3   equ 0x20 + 3
TASK    equ 0x28
TASK2   equ 0x30
GATE    equ 0x38 + 3

; Variables, on the page of DATA.
ticks   equ DATA
rounds  equ DATA + 4
faults  equ DATA + 8
divided equ DATA + 12
wanted  equ DATA + 16               ; CR2 that the next fault has
kept    equ DATA + 20
tasks   equ DATA + 24
passes  equ DATA + 28
left    equ DATA + 44
frames  equ DATA + 112               ; of ENTER
result  equ DATA + 64

header: dd MAGIC, FLAGS, -(MAGIC + FLAGS)
        dd header, header, 0, 0, start

%macro CHECK 3                      ; letter, found, expected
        cmp %2, %3
        je %%right
        mov al, %1
        int 0x83
%%right:
%endmacro

; A gate at IDT: vector, handler, type.
%macro HANDLE 3
        mov dword [IDT + %1 * 8], (%2 - $$ + 0x100000) & 0xffff | CODE0 << 16
        mov dword [IDT + %1 * 8 + 4], (%2 - $$ + 0x100000) & 0xffff0000 | %3 << 8
%endmacro

start:  mov esp, STACK0
        cld
        mov esi, hello
        call print
.ask:   mov dx, COM1 + 5
        in al, dx
        test al, 1
        jz .ask
        mov dx, COM1
        in al, dx
        cmp al, 'n'
        je .known
        cmp al, 'a'
        jne .ask
.known: mov [mode], al

        mov edi, DATA
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov edi, GDT
        mov esi, gdt
        mov ecx, (gdt_end - gdt) / 4
        rep movsd
        lgdt [gdt_pointer]
        jmp CODE0:.code
.code:  mov ax, DATA0
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov edi, IDT
        mov ecx, 512
        xor eax, eax
        rep stosd
        HANDLE 0, divide, 0x8e
        HANDLE 14, page_fault, 0x8e
        HANDLE 0x20, timer, 0x8e
        HANDLE 0x80, thrice, 0xee
        HANDLE 0x81, next_round, 0xee
        HANDLE 0x82, unmap, 0xee
        HANDLE 0x83, failed, 0xee
        HANDLE 0x84, clear_tlb, 0xef
        mov dword [IDT + 0x70 * 8], TASK2 << 16
        mov dword [IDT + 0x70 * 8 + 4], 0xe500
        lidt [idt_pointer]
        mov edi, TSS
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov dword [TSS + 4], STACK0 + 20
        mov dword [TSS + 8], DATA0
        mov word [TSS + 0x66], 104
        mov edi, TSS2
        mov ecx, 26
        rep stosd
        mov ax, TASK
        ltr ax

        mov edi, TABLES             ; identity for 8 MiB, and the window
        mov ecx, 0x8000 / 4
        xor eax, eax
        rep stosd
        cmp byte [mode], 'a'
        je .pae
        mov dword [TABLES], TABLES + 0x1007
        mov dword [TABLES + 4], TABLES + 0x2007
        mov dword [TABLES + (WINDOW >> 20)], WINDOW_TABLE + 7
        mov edi, TABLES + 0x1000
        mov eax, 7
.small: stosd
        add eax, 0x1000
        cmp eax, 0x800000
        jb .small
        mov eax, TABLES
        jmp .on
.pae:   mov dword [TABLES + 0xfe0], TABLES + 0x1001 ; the pointers are at the end of their page
        mov dword [TABLES + 0xff8], TABLES + 0x2001
        mov dword [TABLES + 0x1000], TABLES + 0x3007
        mov dword [TABLES + 0x1008], TABLES + 0x4007
        mov dword [TABLES + 0x1010], TABLES + 0x5007
        mov dword [TABLES + 0x1018], 0x600087
        mov dword [TABLES + 0x2000 + ((WINDOW >> 18) & 0xff8)], WINDOW_TABLE + 7
        mov edi, TABLES + 0x3000
        mov eax, 7
.large: stosd
        add edi, 4
        add eax, 0x1000
        cmp eax, 0x600000
        jb .large
        mov eax, TABLES + 0xfe0
.on:    mov [directory], eax
        mov [TSS2 + 0x1c], eax
        mov ebx, cr4
        or ebx, 0x610               ; PSE, FXSR, SSE
        cmp byte [mode], 'a'
        jne .cr4
        or ebx, 0x20
.cr4:   mov cr4, ebx
        mov cr3, eax
        mov eax, cr0
        and eax, ~0x0c
        or eax, 0x80010002
        mov cr0, eax
        jmp .paged
.paged: mov dword [TSS2 + 0x20], other_task
        mov dword [TSS2 + 0x24], 2
        mov dword [TSS2 + 0x38], STACK2
        mov dword [TSS2 + 0x48], DATA0
        mov dword [TSS2 + 0x4c], CODE0
        mov dword [TSS2 + 0x50], DATA0
        mov dword [TSS2 + 0x54], DATA0
        mov dword [TSS2 + 0x58], DATA0
        mov dword [TSS2 + 0x5c], DATA0
        xor ecx, ecx                ; what is behind the window
.frame: mov edi, ecx
        shl edi, 12
        lea eax, [ecx + 0xa5000000]
        mov [FRAMES + edi + ecx * 8], eax
        inc ecx
        cmp ecx, WINDOW_PAGES
        jb .frame
        mov edi, SOURCE
        mov ecx, BYTES / 4
        mov eax, 12345
.fill:  imul eax, eax, 1664525
        add eax, 1013904223
        stosd
        loop .fill

        INIT_PICS 0xfe, 0xff
        mov al, 0x34                ; PIT channel 0: 500 Hz
        out 0x43, al
        mov al, (1193182 / 500) & 0xff
        out 0x40, al
        mov al, (1193182 / 500) >> 8
        out 0x40, al
        fninit
        push dword DATA3
        push dword STACK3_
        push dword 0x202
        push dword CODE3
        push dword level3
        mov ax, DATA3
        mov ds, ax
        mov es, ax
        iret

; ---------------------------------------------------------------- level 3
level3: mov dword [divided], 0
        mov ebp, 400                ; software interrupts
.soft:  mov eax, ebp
        mov ebx, 0x13579bdf
        int 0x80
        lea ecx, [ebp + ebp * 2 + 1]
        CHECK 'i', eax, ecx
        CHECK 'b', ebx, 0x13579bdf
        dec ebp
        jnz .soft

        mov ebp, 400                ; a call gate with three parameters, and its return
.gate:  mov [kept], esp
        push ebp
        push dword 7
        push dword 90
        call GATE:0
        lea ecx, [ebp + 97]
        CHECK 'g', eax, ecx
        CHECK 's', esp, [kept]
        dec ebp
        jnz .gate

        mov ebp, 400                ; exceptions
.zero:  xor edx, edx
        mov eax, ebp
        xor ecx, ecx
        div ecx
        CHECK 'd', eax, ebp
        dec ebp
        jnz .zero
        mov eax, [divided]
        CHECK 'e', eax, 400

        mov dword [left], 12        ; page faults
.pass:  int 0x82
        mov dword [faults], 0
        inc dword [passes]
        xor ebp, ebp
.fault: mov edi, ebp
        shl edi, 12
        lea edi, [edi + ebp * 8 + WINDOW]
        mov [wanted], edi
        mov eax, [edi]
        lea ecx, [ebp + 0xa5000000]
        CHECK 'f', eax, ecx
        mov edx, ebp
        shl edx, 12
        mov eax, [edx + ebp * 8 + FRAMES]
        CHECK 'F', eax, ecx
        inc ebp
        cmp ebp, WINDOW_PAGES
        jb .fault
        mov eax, [faults]
        CHECK 'c', eax, WINDOW_PAGES
        dec dword [left]
        jnz .pass

        mov [kept], esp             ; ENTER copies pointers of outer frames
        mov ebp, frames + 20
        mov dword [frames + 16], 0x11111111
        mov dword [frames + 12], 0x11111111
        enter 16, 3
        mov eax, [ebp - 4]          ; v86 overwrites one of them
        CHECK 'n', eax, 0x11111111
        mov eax, [ebp]
        CHECK 'n', eax, frames + 20
        leave
        CHECK 'N', esp, [kept]

        mov ebp, [rounds]           ; POP across the end of a page of code
        push ebp
        mov edi, result
        call across
        mov eax, [result]
        CHECK 'p', eax, ebp
        CHECK 'P', esp, [kept]

        mov esi, SOURCE             ; long strings
        mov edi, TARGET + 2
        mov ecx, BYTES / 4
        rep movsd
        mov esi, SOURCE
        mov edi, TARGET + 2
        mov ecx, BYTES / 4
        repe cmpsd
        CHECK 'm', ecx, 0
        CHECK 'M', edi, TARGET + 2 + BYTES
        mov edi, TARGET
        mov ecx, BYTES / 2
        mov eax, ebp
        rep stosw
        mov edi, TARGET
        mov ecx, BYTES / 2
        repe scasw
        CHECK 't', ecx, 0

        mov ebx, TARGET + 0xffe     ; across the ends of pages
        mov ecx, 16
.ends:  mov [ebx], ecx
        mov eax, 5
        lock xadd [ebx], eax
        CHECK 'x', eax, ecx
        lea edx, [ecx + 5]
        mov eax, edx
        mov esi, 0x0badcafe
        lock cmpxchg [ebx], esi
        CHECK 'X', eax, edx
        mov eax, [ebx]
        CHECK 'y', eax, 0x0badcafe
        mov [ebx], bx
        bts dword [ebx + 2], 17
        movups xmm0, [ebx - 6]
        movups [ebx + 0x20000 - 6], xmm0
        mov eax, [ebx + 0x20000]
        mov edx, [ebx]
        CHECK 'z', eax, edx
        fild dword [ebx]
        fstp tword [ebx - 4]
        fld tword [ebx - 4]
        fistp qword [ebx - 4]
        mov eax, [ebx - 4]
        CHECK 'q', eax, edx
        add ebx, 0x1000
        dec ecx
        jnz .ends
        fxsave [TARGET + 0x8ff0]
        fxrstor [TARGET + 0x8ff0]
        pushad
        popad

        mov eax, [tasks]            ; a task gate
        inc eax
        mov [kept], eax
        int 0x70
        mov eax, [tasks]
        CHECK 'k', eax, [kept]

        int 0x84
        mov eax, [ticks]            ; the timer goes on
        mov ecx, 20000000
.tick:  cmp eax, [ticks]
        jne .came
        dec ecx
        jnz .tick
        CHECK 'l', eax, -1
.came:  int 0x81
        jmp level3

; ---------------------------------------------------------------- level 0
thrice: lea eax, [eax + eax * 2 + 1]
        iret

summed: push ebp
        mov ebp, esp
        mov eax, [ebp + 12]
        add eax, [ebp + 16]
        add eax, [ebp + 20]
        pop ebp
        retf 12

divide: add dword [esp], 2          ; the length of the instruction
        inc dword [divided]
        iret

timer:  push eax
        inc dword [ticks]
        mov al, 0x20
        out 0x20, al
        pop eax
        iret

; Maps the page of the window. CR2 must stay while the handler itself waits for memory.
page_fault:
        pushad
        mov ebx, cr2
        CHECK '2', ebx, [wanted]
        mov ecx, ebx
        sub ecx, WINDOW
        shr ecx, 12
        cmp ecx, WINDOW_PAGES
        jb .ours
        mov al, 'o'
        int 0x83
.ours:  mov edx, ecx
        shl edx, 13
        inc dword [TOUCHED + edx]
        mov eax, [passes]
        CHECK 'u', eax, [TOUCHED + edx]
        mov eax, cr2
        CHECK '2', eax, ebx
        mov eax, ecx
        shl eax, 12
        add eax, FRAMES + 7
        shl ecx, 2
        cmp byte [mode], 'a'
        jne .map
        shl ecx, 1
.map:   mov [WINDOW_TABLE + ecx], eax
        inc dword [faults]
        popad
        add esp, 4
        iret

unmap:  pushad
        mov edi, WINDOW_TABLE
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov eax, cr3
        mov cr3, eax
        popad
        iret

; Through a trap gate: an interrupt may come at once.
clear_tlb:
        push eax
        mov eax, cr4
        xor eax, 0x80
        mov cr4, eax
        mov eax, [directory]
        mov cr3, eax
        pop eax
        iret

; The other task goes back by hand: not each v86 returns from a task.
other_task:
        inc dword [tasks]
        clts
        mov byte [GDT + TASK + 5], 0x89
        mov byte [GDT + TASK2 + 5], 0x89
        mov ax, TASK
        ltr ax
        mov dword [TSS2 + 0x20], other_task
        mov dword [TSS2 + 0x24], 2
        mov dword [TSS2 + 0x38], STACK2
        pushfd
        and dword [esp], ~0x4000
        popfd
        push dword DATA3
        push dword [TSS + 0x38]
        push dword 0x202
        push dword CODE3
        push dword [TSS + 0x20]
        mov ax, DATA3
        mov ds, ax
        mov es, ax
        iret

next_round:
        pushad
        inc dword [rounds]
        mov esi, text_round
        call print
        mov ebx, [rounds]
        mov ecx, 8
.digit: rol ebx, 4
        mov al, bl
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .put
        add al, 'a' - '0' - 10
.put:   call put
        loop .digit
        mov al, 10
        call put
        popad
        iret

failed: push eax
        mov esi, text_fail
        call print
        pop eax
        call put
        mov al, 10
        call put
        cli
.stop:  hlt
        jmp .stop

print:  lodsb
        test al, al
        jz .done
        call put
        jmp print
.done:  ret
put:    push edx
        mov dx, COM1
        out dx, al
        pop edx
        ret

hello:  db "absent", 10, 0
text_round: db "round ", 0
text_fail:  db "FAIL ", 0
mode:   db 0
align 8
directory: dd 0
gdt:    dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
        dw 0x67, TSS & 0xffff
        db TSS >> 16, 0x89, 0, 0
        dw 0x67, TSS2 & 0xffff
        db TSS2 >> 16, 0x89, 0, 0
        dw (summed - $$ + 0x100000) & 0xffff, CODE0, 0xec03, (summed - $$ + 0x100000) >> 16
gdt_end:
gdt_pointer: dw gdt_end - gdt - 1
        dd GDT
idt_pointer: dw 256 * 8 - 1
        dd IDT

        times 0x3ffd - ($ - $$) db 0x90
; `POP [EDI + disp32]`: opcode and mode are the last bytes of their page. It takes what is below the
; return address.
across: pop edx
        db 0x8f, 0x87
        dd 0
        jmp edx
        times 0x5000 - ($ - $$) db 0
