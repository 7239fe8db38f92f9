// Made from zero-scan.wat by tools/wasm/build-inline-wasm.ts. Do not edit.
export const zeroScanWasm =
  'AGFzbQEAAAABBwFgAn9/AX8CEgEDZW52Bm1lbW9yeQIDAYCABAMCAQAHCAEEc2NhbgAACkABPgACQANAIAAgAU8NASAA' +
  '/QAEACAA/QAEEP1QIAD9AAQgIAD9AAQw/VD9UP1TDQEgAEHAAGohAAwACwALIAAL';
