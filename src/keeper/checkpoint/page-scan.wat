;; Finds the pages of guest memory that changed, by their hashes. See page-scan.ts.
;;
;; The hash has eight 64-bit lanes. Each adds 8 bytes of every 64 as XXH3 does (lane +=
;; low32(data ^ key) * high32(data ^ key), and the neighbour lane += data). The key differs from stripe
;; to stripe. The lanes are scrambled every KiB. They are folded into 128 bits with multiplications,
;; rotations and shifts that each are a bijection of the accumulator.
;; A page that changed is missed if its new hash equals its old one: 2^-128 for contents that do not
;; depend on the hash. Four billion changed pages, a year of 50 MB/s, give 2^-96. A crafted collision
;; only damages the guest that makes it.
(module
  (import "env" "memory" (memory 1 65536 shared))

  (func $hash (param $p i32) (result v128)
    (local $end i32) (local $block i32)
    (local $d0 v128) (local $d1 v128) (local $d2 v128) (local $d3 v128)
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128)
    (local $k0 v128) (local $k1 v128) (local $k2 v128) (local $k3 v128)
    (local $x v128) (local $y v128) (local $low v128) (local $high v128) (local $step v128)
    (local.set $a0 (v128.const i64x2 0x9e3779b185ebca87 0xc2b2ae3d27d4eb4f))
    (local.set $a1 (v128.const i64x2 0x165667b19e3779f9 0x85ebca77c2b2ae63))
    (local.set $a2 (v128.const i64x2 0x27d4eb2f165667c5 0xa0761d6478bd642f))
    (local.set $a3 (v128.const i64x2 0xe7037ed1a0b428db 0x8ebc6af09c88c6e3))
    (local.set $k0 (v128.const i64x2 0xbe4ba423396cfeb8 0x1cad21f72c81017c))
    (local.set $k1 (v128.const i64x2 0xdb979083e96dd4de 0x1f67b3b7a4a44072))
    (local.set $k2 (v128.const i64x2 0x78e5c0cc4ee679cb 0x2172ffcc7dd05a82))
    (local.set $k3 (v128.const i64x2 0x8e2443f7744608b8 0x4c263a81e69035e0))
    (local.set $step (v128.const i64x2 0xd1b54a32d192ed03 0x9fb21c651e98df25))
    (local.set $end (i32.add (local.get $p) (i32.const 4096)))
    (loop $blocks
      (local.set $block (i32.add (local.get $p) (i32.const 1024)))
      (loop $stripes
        (local.set $d0 (v128.load (local.get $p)))
        (local.set $d1 (v128.load offset=16 (local.get $p)))
        (local.set $d2 (v128.load offset=32 (local.get $p)))
        (local.set $d3 (v128.load offset=48 (local.get $p)))

        (local.set $x (v128.xor (local.get $d0) (local.get $k0)))
        (local.set $y (v128.xor (local.get $d1) (local.get $k1)))
        (local.set $low (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $x) (local.get $y)))
        (local.set $high (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $x) (local.get $y)))
        (local.set $a0 (i64x2.add
          (i64x2.add (local.get $a0) (i64x2.extmul_low_i32x4_u (local.get $low) (local.get $high)))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $d0) (local.get $d0))))
        (local.set $a1 (i64x2.add
          (i64x2.add (local.get $a1) (i64x2.extmul_high_i32x4_u (local.get $low) (local.get $high)))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $d1) (local.get $d1))))

        (local.set $x (v128.xor (local.get $d2) (local.get $k2)))
        (local.set $y (v128.xor (local.get $d3) (local.get $k3)))
        (local.set $low (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $x) (local.get $y)))
        (local.set $high (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $x) (local.get $y)))
        (local.set $a2 (i64x2.add
          (i64x2.add (local.get $a2) (i64x2.extmul_low_i32x4_u (local.get $low) (local.get $high)))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $d2) (local.get $d2))))
        (local.set $a3 (i64x2.add
          (i64x2.add (local.get $a3) (i64x2.extmul_high_i32x4_u (local.get $low) (local.get $high)))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $d3) (local.get $d3))))

        (local.set $k0 (i64x2.add (local.get $k0) (local.get $step)))
        (local.set $k1 (i64x2.add (local.get $k1) (local.get $step)))
        (local.set $k2 (i64x2.add (local.get $k2) (local.get $step)))
        (local.set $k3 (i64x2.add (local.get $k3) (local.get $step)))
        (local.set $p (i32.add (local.get $p) (i32.const 64)))
        (br_if $stripes (i32.lt_u (local.get $p) (local.get $block))))
      (local.set $a0 (call $scramble (local.get $a0) (local.get $k0)))
      (local.set $a1 (call $scramble (local.get $a1) (local.get $k1)))
      (local.set $a2 (call $scramble (local.get $a2) (local.get $k2)))
      (local.set $a3 (call $scramble (local.get $a3) (local.get $k3)))
      (br_if $blocks (i32.ne (local.get $p) (local.get $end))))
    (i64x2.replace_lane 1
      (i64x2.splat (call $fold
        (i64.const 0x9e3779b97f4a7c15)
        (local.get $a0) (local.get $a1) (local.get $a2) (local.get $a3)))
      (call $fold
        (i64.const 0xc2b2ae3d27d4eb4f)
        (local.get $a3) (local.get $a1) (local.get $a0) (local.get $a2))))

  (func $scramble (param $a v128) (param $k v128) (result v128)
    (i64x2.mul
      (v128.xor (v128.xor (local.get $a) (i64x2.shr_u (local.get $a) (i32.const 47))) (local.get $k))
      (v128.const i64x2 0x000000009e3779b1 0x000000009e3779b1)))

  (func $fold (param $h i64) (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result i64)
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 0 (local.get $a))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 1 (local.get $a))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 0 (local.get $b))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 1 (local.get $b))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 0 (local.get $c))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 1 (local.get $c))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 0 (local.get $d))))
    (local.set $h (call $take (local.get $h) (i64x2.extract_lane 1 (local.get $d))))
    (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33))) (i64.const 0xff51afd7ed558ccd)))
    (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 29))))

  (func $take (param $h i64) (param $lane i64) (result i64)
    (local.set $lane (i64.mul
      (i64.xor (local.get $lane) (i64.shr_u (local.get $lane) (i64.const 32)))
      (i64.const 0xc2b2ae3d27d4eb4f)))
    (i64.add
      (i64.mul
        (i64.rotl (i64.xor (local.get $h) (i64.xor (local.get $lane) (i64.shr_u (local.get $lane) (i64.const 29)))) (i64.const 27))
        (i64.const 0x9e3779b185ebca87))
      (i64.const 0x85ebca77c2b2ae63)))

  ;; Stores the hash of the page at `p`.
  (func (export "hash") (param $p i32) (param $out i32)
    (v128.store (local.get $out) (call $hash (local.get $p))))

  ;; Copies one hash to `count` places.
  (func (export "fill") (param $from i32) (param $to i32) (param $count i32)
    (local $hash v128)
    (local.set $hash (v128.load (local.get $from)))
    (block $done
      (loop $hashes
        (br_if $done (i32.eqz (local.get $count)))
        (v128.store (local.get $to) (local.get $hash))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $hashes))))

  ;; Sets bit 0 of each byte at `states` whose byte at `marks` is not 0. `count` is a multiple of 16.
  (func (export "merge") (param $states i32) (param $marks i32) (param $count i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $states) (local.get $count)))
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $states) (local.get $end)))
        (v128.store (local.get $states)
          (v128.or
            (v128.load (local.get $states))
            (v128.and
              (i8x16.ne (v128.load (local.get $marks)) (v128.const i64x2 0 0))
              (v128.const i64x2 0x0101010101010101 0x0101010101010101))))
        (local.set $states (i32.add (local.get $states) (i32.const 16)))
        (local.set $marks (i32.add (local.get $marks) (i32.const 16)))
        (br $bytes))))

  ;; Returns 1 if the page at `p` is one repeated word.
  (func $uniform (param $p i32) (result i32)
    (local $word v128) (local $end i32)
    (local.set $word (v128.load32_splat (local.get $p)))
    (local.set $end (i32.add (local.get $p) (i32.const 4096)))
    (loop $words
      (if (v128.any_true
            (v128.or
              (v128.xor (local.get $word) (v128.load (local.get $p)))
              (v128.xor (local.get $word) (v128.load offset=16 (local.get $p)))))
        (then (return (i32.const 0))))
      (local.set $p (i32.add (local.get $p) (i32.const 32)))
      (br_if $words (i32.lt_u (local.get $p) (local.get $end))))
    (i32.const 1))

  ;; Checks the pages first..end whose state is not 0, at most `limit` of them, and sets their state to 0.
  ;; Page n is at base + n * 4096, its state at states + n, its hash at hashes + n * 16. For each page with
  ;; a different hash, or with bit 1 in its state, stores the new hash and appends to `out`: the page, 1 if
  ;; it is one repeated word, its first word (u32 each). Before those, at `out`: the number of entries, and
  ;; the number of pages that were checked. Returns the page to continue with.
  (func (export "scan")
    (param $base i32) (param $states i32) (param $hashes i32)
    (param $first i32) (param $end i32) (param $limit i32) (param $out i32) (result i32)
    (local $state i32) (local $at i32) (local $hash v128) (local $slot i32) (local $found i32) (local $looked i32)
    (local $entry i32)
    (local.set $entry (i32.add (local.get $out) (i32.const 8)))
    (block $done
      (loop $pages
        (br_if $done (i32.ge_u (local.get $first) (local.get $end)))
        (br_if $done (i32.ge_u (local.get $looked) (local.get $limit)))
        ;; Most pages are no candidates: 16 at a time.
        (if (i32.and
              (i32.le_u (i32.add (local.get $first) (i32.const 16)) (local.get $end))
              (i32.eqz (v128.any_true (v128.load (i32.add (local.get $states) (local.get $first))))))
          (then
            (local.set $first (i32.add (local.get $first) (i32.const 16)))
            (br $pages)))
        (local.set $state (i32.load8_u (i32.add (local.get $states) (local.get $first))))
        (if (local.get $state)
          (then
            (i32.store8 (i32.add (local.get $states) (local.get $first)) (i32.const 0))
            (local.set $looked (i32.add (local.get $looked) (i32.const 1)))
            (local.set $at (i32.add (local.get $base) (i32.shl (local.get $first) (i32.const 12))))
            (local.set $hash (call $hash (local.get $at)))
            (local.set $slot (i32.add (local.get $hashes) (i32.shl (local.get $first) (i32.const 4))))
            (if (i32.or
                  (i32.and (local.get $state) (i32.const 2))
                  (v128.any_true (v128.xor (local.get $hash) (v128.load (local.get $slot)))))
              (then
                (v128.store (local.get $slot) (local.get $hash))
                (i32.store (local.get $entry) (local.get $first))
                (i32.store offset=4 (local.get $entry) (call $uniform (local.get $at)))
                (i32.store offset=8 (local.get $entry) (i32.load (local.get $at)))
                (local.set $entry (i32.add (local.get $entry) (i32.const 12)))
                (local.set $found (i32.add (local.get $found) (i32.const 1)))))))
        (local.set $first (i32.add (local.get $first) (i32.const 1)))
        (br $pages)))
    (i32.store (local.get $out) (local.get $found))
    (i32.store offset=4 (local.get $out) (local.get $looked))
    (local.get $first))
)
