;; Finds memory that is not zero. In JavaScript this loop takes 40 ms for the 8 MiB of the VGA memory until
;; V8 compiles it, and WebAssembly 1 ms from the first call on. See zero-scan.ts.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; Returns the first address from $p up to $end, in steps of 64 bytes, whose 64 bytes are not all
  ;; zero; else $end.
  (func (export "scan") (param $p i32) (param $end i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (br_if $done
          (v128.any_true
            (v128.or
              (v128.or (v128.load (local.get $p)) (v128.load offset=16 (local.get $p)))
              (v128.or (v128.load offset=32 (local.get $p)) (v128.load offset=48 (local.get $p))))))
        (local.set $p (i32.add (local.get $p) (i32.const 64)))
        (br $next)))
    (local.get $p)))
