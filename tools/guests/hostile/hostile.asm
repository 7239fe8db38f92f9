; The hostile guest: tries what a guest can to harm the keeper that runs it, or others.
; src/runtime/hostile-guest.test.ts and e2e/safety/hostile-guest.spec.ts say what must come of each attempt.
;
; A Multiboot kernel (specification 0.6.96). It prints "hostile" on COM1 and waits for a letter there:
;
;   p  9p: grows a file to 4,000 MB and to 64 GiB by truncation, to 4 GiB by a write, then 20,000 random
;      messages
;   v  virtio rings: an indirect table that leads to itself, a chain that is a circle with lengths of
;      4 GiB, an available index that is 65,535 ahead
;   x  virtio and IDE: reads and writes memory far behind its own
;   c  consoles: 8 MiB on COM1, as fast as it goes
;   s  screen: 2560 x 1600 x 32, where each picture differs in its first and its last pixel, until a
;      letter comes
;   a  agent: answers each line on COM2 with what is no answer
;   n  network: NE2000 frames of 0 to 65,535 bytes
;   d  disk: writes to one sector of each 4 KiB, without an end
;
; Each attempt that ends prints "LETTER done", after lines "LETTER errno XX" where it has answers.
;
; Build: ./build.sh (nasm -f bin).
bits 32
org 0x100000
MAGIC   equ 0x1badb002
FLAGS   equ 0x00010000
COM1    equ 0x3f8
COM2    equ 0x2f8

DESC    equ 0x200000                ; of a queue: 32 descriptors
AVAIL   equ 0x201000
USED    equ 0x202000
TABLE   equ 0x204000                ; of indirect descriptors
MESSAGE equ 0x210000
REPLY   equ 0x230000
SECTOR  equ 0x240000
PRD     equ 0x250000
KEEPERS equ 0x08000000          ; beyond 16 MiB of RAM: here a keeper has a runtime's pages
NEXT    equ 1
WRITE   equ 2
INDIRECT equ 4

header: dd MAGIC, FLAGS, -(MAGIC + FLAGS)
        dd header, header, 0, 0, start

start:  mov esp, 0x90000
        cld
        mov esi, hello
        call print
choose: call read1
        mov [letter], al
        cmp al, 'p'
        je ninep
        cmp al, 'v'
        je rings
        cmp al, 'x'
        je beyond
        cmp al, 'c'
        je consoles
        cmp al, 's'
        je screen
        cmp al, 'a'
        je agent
        cmp al, 'n'
        je network
        cmp al, 'd'
        je disk
        jmp choose
done:   mov esi, ended
        call say
        jmp choose

; ---------------------------------------------------------------- 9p
ninep:  call open9p
        mov esi, version
        call ask
        mov esi, attach
        call ask
        mov esi, walk
        call ask
        mov esi, create
        call ask
        mov esi, truncate
        call askAndSay
        mov esi, vast
        call askAndSay
        mov esi, distant
        call askAndSay
        mov esi, small
        call askAndSay
        mov dword [left], 20000
.random:
        call random
        and eax, 127
        mov ecx, eax
        mov edi, MESSAGE
        push ecx
.fill:  call random
        stosb
        dec ecx
        jns .fill
        pop ecx
        call random
        and al, 0x7e
        mov [MESSAGE + 4], al
        test ah, 1
        jz .send
        and eax, 0x30000
        shr eax, 16
        mov [MESSAGE + 7], eax
.send:  call request
        mov edx, 200
        call await
        dec dword [left]
        jnz .random
        jmp done

; Sends the message at esi, which begins with its length, and waits for its answer.
ask:    mov ecx, [esi]
        mov edi, MESSAGE
        push ecx
        rep movsb
        pop ecx
        call request
        mov edx, 50000000
        jmp await

askAndSay:
        call ask
        xor eax, eax
        cmp byte [REPLY + 4], 7     ; Rlerror
        jne .say
        mov al, [REPLY + 7]
.say:   jmp sayNumber

; Puts ecx bytes of the message, and room for the reply, into the queue.
request:
        mov dword [DESC], MESSAGE
        mov [DESC + 8], ecx
        mov dword [DESC + 12], NEXT | (1 << 16)
        mov dword [DESC + 16], REPLY
        mov dword [DESC + 24], 8192
        mov dword [DESC + 28], WRITE
; Offers descriptor 0, and tells the device.
offer:  movzx eax, word [AVAIL + 2]
        and eax, 31
        mov word [AVAIL + 4 + eax * 2], 0
        inc word [AVAIL + 2]
        mov dx, [bell]
        xor eax, eax
        out dx, ax
        ret

; Until all that was offered is used, or edx looks.
await:  mov ax, [USED + 2]
        cmp ax, [AVAIL + 2]
        je .end
        pause
        dec edx
        jnz await
.end:   ret

open9p: mov eax, 0x10491af4
        call find
        call bars
        mov edi, DESC
        mov ecx, 0x5000 / 4
        xor eax, eax
        rep stosd
        mov bx, [ports]
        lea dx, [bx + 20]           ; device status: reset, acknowledge, driver
        xor eax, eax
        out dx, al
        mov al, 3
        out dx, al
        lea dx, [bx + 8]            ; features: indirect descriptors, version 1
        xor eax, eax
        out dx, eax
        lea dx, [bx + 12]
        mov eax, 1 << 28
        out dx, eax
        lea dx, [bx + 8]
        mov eax, 1
        out dx, eax
        lea dx, [bx + 12]
        out dx, eax
        lea dx, [bx + 20]
        mov al, 11
        out dx, al
        lea dx, [bx + 22]           ; queue 0: size, addresses, enabled
        xor eax, eax
        out dx, ax
        lea dx, [bx + 24]
        mov ax, 32
        out dx, ax
        lea dx, [bx + 32]
        mov eax, DESC
        out dx, eax
        lea dx, [bx + 36]
        xor eax, eax
        out dx, eax
        lea dx, [bx + 40]
        mov eax, AVAIL
        out dx, eax
        lea dx, [bx + 44]
        xor eax, eax
        out dx, eax
        lea dx, [bx + 48]
        mov eax, USED
        out dx, eax
        lea dx, [bx + 52]
        xor eax, eax
        out dx, eax
        lea dx, [bx + 28]
        mov ax, 1
        out dx, ax
        lea dx, [bx + 20]
        mov al, 15
        out dx, al
        ret

; ---------------------------------------------------------------- rings
rings:  call open9p
        mov dword [TABLE], TABLE    ; leads to itself
        mov dword [TABLE + 8], 16
        mov dword [TABLE + 12], INDIRECT
        mov dword [DESC], TABLE
        mov dword [DESC + 8], 16
        mov dword [DESC + 12], INDIRECT
        call offer
        mov dword [DESC], MESSAGE   ; a circle
        mov dword [DESC + 8], -1
        mov dword [DESC + 12], NEXT
        call offer
        mov dword [TABLE], MESSAGE  ; a table of 268 million entries
        mov dword [TABLE + 8], 0x7fffffff
        mov dword [TABLE + 12], NEXT
        mov dword [DESC], TABLE
        mov dword [DESC + 8], -1
        mov dword [DESC + 12], INDIRECT
        call offer
        add word [AVAIL + 2], 65534
        call offer
        jmp done

; ---------------------------------------------------------------- beyond its memory
beyond: call open9p
        mov dword [DESC], 0x7ff00000
        mov dword [DESC + 8], 4096
        mov dword [DESC + 12], NEXT | (1 << 16)
        mov dword [DESC + 16], 0xfffff000
        mov dword [DESC + 24], 4096
        mov dword [DESC + 28], WRITE
        call offer
        mov edx, 100000
        call await
        mov dword [DESC], MESSAGE   ; an answer to there
        mov dword [DESC + 8], 7
        mov dword [DESC + 12], NEXT | (1 << 16)
        mov dword [DESC + 16], 0x7ff00000
        call offer
        mov edx, 100000
        call await
        mov dword [DESC + 16], KEEPERS
        call offer
        mov edx, 100000
        call await
        mov eax, 0x70108086         ; the PIIX' IDE function: its bus master
        call find
        mov al, 0x20
        call config
        and eax, 0xfffc
        jz done
        mov ebx, eax
        mov dword [PRD], KEEPERS    ; three that never end
        mov dword [PRD + 4], 0
        mov dword [PRD + 8], 0xfffffe00
        mov dword [PRD + 12], 0
        mov dword [PRD + 16], 0x7ff00000
        mov dword [PRD + 20], 0
        lea dx, [bx + 4]
        mov eax, PRD
        out dx, eax
        mov eax, 1
        call select
        mov dx, 0x1f7
        mov al, 0xc8                ; READ DMA
        out dx, al
        mov dx, bx
        mov al, 9
        out dx, al
        jmp done

; ---------------------------------------------------------------- consoles
consoles:
        mov ecx, 8 << 20
        mov dx, COM1
.next:  mov al, cl
        and al, 63
        add al, 32
        out dx, al
        dec ecx
        jnz .next
        jmp done

; ---------------------------------------------------------------- screen
screen: mov ax, 4                   ; Bochs VBE: disabled, size, 32 bits, enabled with its linear frame buffer
        xor ecx, ecx
        call vbe
        mov ax, 1
        mov ecx, 2560
        call vbe
        mov ax, 2
        mov ecx, 1600
        call vbe
        mov ax, 3
        mov ecx, 32
        call vbe
        mov ax, 4
        mov ecx, 0x41
        call vbe
        mov eax, 0x11111234
        call find
        mov al, 0x10
        call config
        and eax, 0xfffffff0
        mov edi, eax
        xor ecx, ecx
.next:  mov [edi], ecx
        mov [edi + (2560 * 1600 - 1) * 4], ecx
        test ecx, 0xffff
        jnz .same
        mov dx, COM1 + 5            ; until a letter comes
        in al, dx
        test al, 1
        jnz done
.same:  dec ecx
        jmp .next

vbe:    mov dx, 0x1ce
        out dx, ax
        mov ax, cx
        mov dx, 0x1cf
        out dx, ax
        ret

; ---------------------------------------------------------------- agent
agent:  call waitLetter             ; on COM2, unless one on COM1 ends it
        jc done
        cmp al, ' '
        je .answer
        cmp al, 10
        je .answer
        out dx, al                  ; the id, back
        jmp agent
.answer:
        mov esi, forged
.next:  lodsb
        test al, al
        jz .rest
        out dx, al
        jmp .next
.rest:  call waitLetter             ; the code
        jc done
        cmp al, 10
        jne .rest
        jmp agent

; A byte of COM2 in al, whose port is in dx; carry where COM1 has one.
waitLetter:
        mov dx, COM1 + 5
        in al, dx
        test al, 1
        jnz .stop
        mov dx, COM2 + 5
        in al, dx
        test al, 1
        jz waitLetter
        mov dx, COM2
        in al, dx
        cmp al, 13
        je waitLetter
        clc
        ret
.stop:  stc
        ret

; ---------------------------------------------------------------- network
network:
        mov eax, 0x802910ec
        call find
        mov al, 0x10
        call config
        and eax, 0xfffc
        mov ebx, eax
        mov dx, bx
        mov al, 0x22                ; started
        out dx, al
        xor ecx, ecx
.next:  lea dx, [bx + 4]
        mov al, 0x40                ; its first page
        out dx, al
        lea dx, [bx + 5]
        mov al, cl
        out dx, al
        lea dx, [bx + 6]
        mov al, ch
        out dx, al
        mov dx, bx
        mov al, 0x26                ; transmit
        out dx, al
        add ecx, 13
        cmp ecx, 65535
        jbe .next
        jmp done

; ---------------------------------------------------------------- disk
disk:   xor ecx, ecx
.next:  mov eax, ecx
        shl eax, 3                  ; 4 KiB on
        call select
        mov dx, 0x1f7
        mov al, 0x30                ; WRITE SECTORS
        out dx, al
.wait:  in al, dx
        test al, 0x08
        jz .wait
        push ecx
        mov esi, SECTOR
        mov [SECTOR], ecx
        mov ecx, 256
        mov dx, 0x1f0
        rep outsw
        pop ecx
        inc ecx
        jmp .next

; One sector at LBA eax (28 bits) of the primary master.
select: push ecx
        mov ecx, eax
        mov dx, 0x1f2
        mov al, 1
        out dx, al
        inc dx
        mov eax, ecx
        out dx, al
        inc dx
        shr eax, 8
        out dx, al
        inc dx
        shr eax, 8
        out dx, al
        inc dx
        shr eax, 8
        and al, 15
        or al, 0xe0
        out dx, al
        pop ecx
        ret

; ---------------------------------------------------------------- PCI
; The function with this device and vendor id, on bus 0.
find:   mov [wanted], eax
        mov dword [function], 0x80000000
.next:  xor eax, eax
        call config
        cmp eax, [wanted]
        je .end
        add dword [function], 0x100
        cmp dword [function], 0x80010000
        jb .next
.end:   ret

; Register al of that function in eax.
config: movzx eax, al
        or eax, [function]
        mov dx, 0xcf8
        out dx, eax
        mov dx, 0xcfc
        in eax, dx
        ret

; Ports of the common configuration and of the notifications.
bars:   mov al, 0x10
        call config
        and eax, 0xfffc
        mov [ports], ax
        mov al, 0x14
        call config
        and eax, 0xfffc
        mov [bell], ax
        ret

; ---------------------------------------------------------------- text
read1:  mov dx, COM1 + 5
        in al, dx
        test al, 1
        jz read1
        mov dx, COM1
        in al, dx
        ret

say:    push esi
        mov esi, letter
        call print
        pop esi
print:  lodsb
        test al, al
        jz .end
        mov dx, COM1
        out dx, al
        jmp print
.end:   ret

sayNumber:
        mov ah, al
        shr al, 4
        call .digit
        mov [number], al
        mov al, ah
        and al, 15
        call .digit
        mov [number + 1], al
        mov esi, answer
        jmp say
.digit: add al, '0'
        cmp al, '9'
        jbe .end
        add al, 'a' - '9' - 1
.end:   ret

random: mov eax, [seed]
        imul eax, eax, 1103515245
        add eax, 12345
        mov [seed], eax
        rol eax, 16
        ret

hello:  db 'hostile', 13, 10, 0
letter: db 0, ' ', 0
ended:  db 'done', 13, 10, 0
answer: db 'errno '
number: db 0, 0, 13, 10, 0
forged: db ' o *not base64*', 13, 10, 0

version:  dd 21
          db 100, 0xff, 0xff
          dd 8192
          dw 8
          db '9P2000.L'
attach:   dd 23
          db 104, 1, 0
          dd 0, -1
          dw 0, 0
          dd 0
walk:     dd 17
          db 110, 1, 0
          dd 0, 1
          dw 0
create:   dd 26
          db 14, 1, 0
          dd 1
          dw 1
          db 'f'
          dd 0x42, 0644o, 0
truncate: dd 67
          db 26, 1, 0
          dd 1, 8, 0, 0, 0
          dd 4000000000, 0, 0, 0, 0, 0, 0, 0, 0, 0
vast:     dd 67
          db 26, 1, 0
          dd 1, 8, 0, 0, 0
          dd 0, 16, 0, 0, 0, 0, 0, 0, 0, 0
distant:  dd 27
          db 118, 1, 0
          dd 1
          dd 0, 1
          dd 4
          db 'far!'
small:    dd 67
          db 26, 1, 0
          dd 1, 8, 0, 0, 0
          dd 1048576, 0, 0, 0, 0, 0, 0, 0, 0, 0
align 4
seed:     dd 1
left:     dd 0
wanted:   dd 0
function: dd 0
ports:    dw 0
bell:     dw 0
