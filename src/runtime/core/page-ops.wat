;; Operations on 4 KiB pages of the guest's memory. JavaScript's own fill and set on
;; shared buffers go through a slow path; these are plain loads and stores.
;; Lists are u32 page addresses.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; Appends to `list` the address of every page in start..end that is not all zero.
  ;; Returns the number of entries.
  (func (export "find_nonzero") (param $start i32) (param $end i32) (param $list i32) (result i32)
    (local $count i32) (local $p i32) (local $stop i32)
    (block $done
      (loop $pages
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (local.set $p (local.get $start))
        (local.set $stop (i32.add (local.get $start) (i32.const 4096)))
        (block $next
          (block $found
            (loop $words
              (br_if $found
                (v128.any_true
                  (v128.or
                    (v128.or (v128.load (local.get $p)) (v128.load offset=16 (local.get $p)))
                    (v128.or (v128.load offset=32 (local.get $p)) (v128.load offset=48 (local.get $p))))))
              (local.set $p (i32.add (local.get $p) (i32.const 64)))
              (br_if $words (i32.lt_u (local.get $p) (local.get $stop))))
            (br $next))
          (i32.store (i32.add (local.get $list) (i32.shl (local.get $count) (i32.const 2))) (local.get $start))
          (local.set $count (i32.add (local.get $count) (i32.const 1))))
        (local.set $start (local.get $stop))
        (br $pages)))
    (local.get $count))

  ;; Copies the listed pages one after the other to `to`.
  (func (export "gather") (param $list i32) (param $count i32) (param $to i32)
    (block $done
      (loop $pages
        (br_if $done (i32.eqz (local.get $count)))
        (memory.copy (local.get $to) (i32.load (local.get $list)) (i32.const 4096))
        (local.set $list (i32.add (local.get $list) (i32.const 4)))
        (local.set $to (i32.add (local.get $to) (i32.const 4096)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $pages))))

  ;; Copies the pages back, the inverse of gather.
  (func (export "scatter") (param $list i32) (param $count i32) (param $from i32)
    (block $done
      (loop $pages
        (br_if $done (i32.eqz (local.get $count)))
        (memory.copy (i32.load (local.get $list)) (local.get $from) (i32.const 4096))
        (local.set $list (i32.add (local.get $list) (i32.const 4)))
        (local.set $from (i32.add (local.get $from) (i32.const 4096)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $pages))))

  ;; Zeroes the listed pages.
  (func (export "clear") (param $list i32) (param $count i32)
    (block $done
      (loop $pages
        (br_if $done (i32.eqz (local.get $count)))
        (memory.fill (i32.load (local.get $list)) (i32.const 0) (i32.const 4096))
        (local.set $list (i32.add (local.get $list) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $pages))))
)
