/** The part of v86's public API, and of its memory, that the benchmarks use. */
interface StockV86 {
  add_listener(event: string, listener: (value: never) => void): void;
  serial0_send(text: string): void;
  run(): Promise<void>;
  stop(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
  read_memory(offset: number, length: number): Uint8Array;
  write_memory(blob: Uint8Array, offset: number): void;
  destroy(): Promise<void>;
}

type StockV86Constructor = new (options: object) => StockV86;
