/**
 * The internal parts of libv86 that Holdfast uses. The package's own types cover only its public
 * API. So `contract.test.ts` checks that each member still is as declared here.
 */
declare module 'v86-package' {
  export class V86 {
    constructor(options: V86Options);
    v86: V86Machine;
    bus: V86Bus;
    emulator_bus: V86Bus;
    /** Created by `continue_init` if `net_device.relay_url` requests it. */
    network_adapter?: V86NetworkAdapter;
    continue_init(machine: V86Machine, options: V86Options): Promise<void>;
  }
}

type V86Constructor = typeof import('v86-package').V86;

/** The machine that v86 builds, from its configuration. */
type V86MachineOptions = import('./boot/v86-options.ts').V86MachineOptions;

interface V86Options extends V86MachineOptions {
  wasm_fn(imports: { env: V86Env }): Promise<V86Exports>;
  autostart: false;
  disable_keyboard: true;
  disable_mouse: true;
  disable_speaker: true;
  preserve_mac_from_state_image: boolean;
}

interface V86NetDevice {
  type: string;
  relay_url?: string;
  cors_proxy?: string;
  doh_server?: string;
}

/** `FetchNetworkAdapter` and `WispNetworkAdapter`: both terminate the guest's TCP connections. */
interface V86NetworkAdapter {
  /** By `GUEST:PORT:REMOTE:PORT`. */
  tcp_conn: Record<string, V86TcpConnection>;
  destroy(): void;
  /** Fetch only: opens a connection to a port of the guest. */
  connect?(port: number): V86TcpConnection;
  /** Fetch only. */
  fetch?(url: string, init: RequestInit): Promise<Response>;
  /** Wisp only. */
  wispws?: WebSocket | null;
  congested_buffer?: unknown[];
  connections?: Record<number, unknown>;
  register_ws?(url: string): void;
  process_incoming_wisp_frame?(frame: Uint8Array): void;
  on_tcp_connection?(connection: V86TcpConnection, packet: object): boolean;
}

interface V86TcpConnection {
  /** The remote end, which v86 implements. */
  psrc: Uint8Array;
  sport: number;
  /** The guest. */
  hdest: Uint8Array;
  pdest: Uint8Array;
  dport: number;
  /** Next byte to the guest that it has not acknowledged. */
  seq: number;
  /** Next byte that is expected of the guest. */
  ack: number;
  /** Data that waits for the guest. */
  send_buffer: { length: number };
  /** Absent in unsupported versions of v86. */
  events_handlers?: Record<string, unknown>;
  /** One listener an event. `shutdown`: the guest sends no more. `close`: reset or refused. */
  on(event: 'connect' | 'shutdown' | 'close', listener: () => void): void;
  on(event: 'data', listener: (bytes: Uint8Array) => void): void;
  write(bytes: Uint8Array): void;
  /** Ends the sending side, after the waiting data. */
  close(): void;
  /** Drops the connection. */
  release(): void;
  /** Notifies the creator that the guest sends no more, or that the connection is gone. */
  on_shutdown(): void;
  on_close(): void;
  /**
   * True if the connection closes once the guest has its waiting data, with the state that it then
   * enters.
   */
  delayed_send_fin: boolean;
  delayed_state: string | undefined;
  /** Wisp only. */
  stream_id?: number;
}

interface V86Image {
  buffer: ArrayBuffer;
}

/** The interface of a block device for v86. */
interface V86Disk {
  byteLength: number;
  onload: ((event: object) => void) | undefined;
  load(): void;
  /** v86 copies the bytes; `signal` aborts when the guest resets the drive. */
  get(
    start: number,
    length: number,
    done: (bytes: Uint8Array) => void,
    options?: { signal?: AbortSignal },
  ): void;
  get_and_cache(start: number, length: number, done: (bytes: Uint8Array) => void): void;
  get_from_cache(start: number, length: number): Uint8Array | undefined;
  set(start: number, bytes: Uint8Array, done: () => void): void;
  get_buffer(done: (buffer: ArrayBuffer | undefined) => void): void;
  get_state(): unknown[];
  set_state(state: unknown): void;
}

type V86Function = (...args: number[]) => number;

type V86Env = Record<string, unknown> & {
  __indirect_function_table: WebAssembly.Table;
};

/** The instance's exports; an object with a `buffer` replaces the memory. */
type V86Exports = Record<string, V86Function> & { memory: never };

interface V86Bus {
  register(event: string, listener: (data: never) => void, self: unknown): void;
  unregister(event: string, listener: (data: never) => void): void;
  send(event: string, data?: unknown): void;
}

/** The CPU and its run loop, named v86 in `v86.js`. */
interface V86Machine {
  constructor: { microtick(): number };
  cpu: V86Cpu;
  idle: boolean;
  init(settings: V86Settings): void;
  next_tick(delayMs: number): void;
  destroy(): void;
}

type V86Settings = Record<string, unknown> & { screen: unknown };

interface V86Cpu {
  wm: { exports: V86Exports; wasm_table: WebAssembly.Table };
  wasm_memory: unknown;
  mem8: Uint8Array;
  /** Copies bytes into guest RAM. */
  write_blob(bytes: Uint8Array, address: number): void;
  read_blob(address: number, length: number): Uint8Array;
  read8(address: number): number;
  read16(address: number): number;
  read32s(address: number): number;
  write8(address: number, value: number): void;
  write16(address: number, value: number): void;
  write32(address: number, value: number): void;
  zero_memory(address: number, length: number): void;
  /**
   * Images that {@link load_bios} copies into guest RAM and maps at the top of the address space.
   */
  bios: { main?: ArrayBuffer | undefined; vga?: ArrayBuffer | undefined };
  load_bios(): void;
  /** Data that fw_cfg provides beside the guest's memory: the Linux loader. */
  option_roms: { name: string; data: Uint8Array }[];
  devices: V86Devices;
  io: { ports: { write8(value: number): void; write16(value: number): void }[] };
  instruction_counter: Uint32Array;
  apic_enabled: Uint8Array;
  memory_size: Uint32Array;
  wasm_patch(): void;
  create_jit_imports(): void;
  init(settings: V86Settings, bus: V86Bus): void;
  main_loop(): number;
  run_hardware_timers(acpi: boolean, now: number): number;
  reboot_internal(): void;
  pack_memory(): unknown;
  unpack_memory(...args: unknown[]): void;
  get_state(): unknown[];
  set_state(state: unknown): void;
  full_clear_tlb(): void;
  jit_clear_cache(): void;
  set_tsc(low: number, high: number): void;
  store_current_tsc(): void;
  current_tsc: Uint32Array;
  jit_dirty_cache(start: number, end: number): void;
  reg32: Int32Array;
  /** ES, CS, SS, DS, FS, GS, TR, LDTR; also the order of the three below. */
  sreg: Uint16Array;
  segment_offsets: Int32Array;
  segment_limits: Uint32Array;
  segment_access_bytes: Uint8Array;
  gdtr_offset: Int32Array;
  gdtr_size: Int32Array;
  idtr_offset: Int32Array;
  idtr_size: Int32Array;
  cr: Int32Array;
  dreg: Int32Array;
  cpl: Uint8Array;
  flags: Int32Array;
  /** Linear, with the base of CS. */
  instruction_pointer: Int32Array;
  in_hlt: Uint8Array;
  is_32: Int32Array;
  stack_size_32: Int32Array;
  tss_size_32: Int32Array;
  fpu_control_word: Uint16Array;
  fpu_stack_empty: Uint8Array;
  /** 16 bytes a register: 64 bits of mantissa, 16 of sign and exponent. */
  fpu_st: Int32Array;
  mxcsr: Int32Array;
  reg_xmm32s: Int32Array;
  get_eflags(): number;
  get_real_eip(): number;
  fpu_load_status_word(): number;
  device_raise_irq(irq: number): void;
  codegen_finalize_finished(tableIndex: number, start: number, stateFlags: number): void;
  [internal: string]: unknown;
}

interface V86Devices {
  vga: V86Vga;
  ps2: Record<string, unknown>;
  pci: V86Pci;
  pit?: {
    counter_mode: Uint8Array;
    counter_start_time: Float64Array;
    counter_start_value: Uint16Array;
    counter_reload: Uint16Array;
  };
  /** The power management registers of the PIIX4; absent with `acpi` off. */
  acpi?: { pm1_status: number; pm1_enable: number };
  sb16?: V86SoundBlaster;
  fdc?: V86FloppyController;
  ide?: { primary?: V86IdeChannel; secondary?: V86IdeChannel };
  cdrom?: V86IdeInterface;
  uart0: V86Uart;
  uart1?: V86Uart;
  uart2?: V86Uart;
  uart3?: V86Uart;
  net?: V86Ne2k;
  virtio_net?: V86VirtioNet;
  virtio_9p?: V86Virtio9p;
  virtio_console?: V86VirtioConsole;
  [device: string]: unknown;
}

interface V86Ne2k {
  name: 'ne2k';
  mac: Uint8Array;
  /** Its first 32 bytes hold the address, each byte twice. */
  memory: Uint8Array;
  /** Bit 0: stopped. */
  cr: number;
  /** Pages of 256 bytes: the receive ring, and the positions of guest and device in it. */
  pstart: number;
  pstop: number;
  curpg: number;
  boundary: number;
}

interface V86VirtioNet {
  mac: Uint8Array;
  virtio: { queues: V86VirtQueue[] };
}

interface V86VirtQueue {
  size: number;
  is_configured(): boolean;
  count_requests(): number;
  has_request(): boolean;
  pop_request(): V86VirtBuffer;
  push_reply(request: V86VirtBuffer): void;
  flush_replies(): void;
  reset(): void;
  get_descriptor(table: number, index: number): V86Descriptor;
}

interface V86Descriptor {
  addr_low: number;
  addr_high: number;
  len: number;
  flags: number;
  next: number;
}

interface V86VirtBuffer {
  /** Bytes that the device may write into it. */
  length_writable: number;
  /** Bytes that the driver has put into it. */
  length_readable: number;
  get_next_blob(target: Uint8Array): number;
  set_next_blob(bytes: Uint8Array): number;
}

interface V86VirtioConsole {
  virtio: { queues: V86VirtQueue[] };
  /** Returns a buffer of a queue to the guest with `bytes` in it. */
  Send(queue: number, buffer: V86VirtBuffer, bytes: Uint8Array): void;
}

interface V86Virtio9p {
  fs: V86Filesystem;
  fids: V86Fid[];
  replybuffer: Uint8Array;
  /** Absent in tests that only need a file system. */
  virtqueue?: V86VirtQueue;
  ReceiveRequest(request: V86VirtBuffer): Promise<void>;
  get_state(): unknown[];
}

interface V86Fid {
  inodeid: number;
  /** -1 closed, 1 a file or directory, 2 extended attributes. */
  type: number;
}

/** v86's `FS`. Its async members do not wait here: all contents are local. */
interface V86Filesystem {
  inodes: V86Inode[];
  /** Contents of files and listings of directories, by inode; may be longer than the file. */
  inodedata: Record<number, Uint8Array>;
  get_state(): unknown[];
  set_state?(state: unknown): unknown;
  set_data(inode: number, contents: Uint8Array): Promise<void>;
  DeleteData(inode: number): Promise<void>;
  PrepareCAPs(inode: number): number;
  IsDirectory(inode: number): boolean;
  /** Returns -1 if the name does not exist. */
  Search(directory: number, name: string): number;
  CreateFile(name: string, directory: number): number;
  CreateDirectory(name: string, directory: number): number;
}

interface V86Inode {
  mode: number;
  size: number;
  /** Seconds. */
  mtime: number;
  qid: { version: number };
  locks: unknown[];
  direntries: Map<string, number>;
}

interface V86Pci {
  devices: ({ pci_bars: (V86PciBar | undefined)[] } | undefined)[];
}

interface V86PciBar {
  size: number;
  original_bar: number;
  entries: unknown[];
}

interface V86Queue {
  readonly length: number;
  push(byte: number): void;
  shift(): number;
}

interface V86Uart {
  input: V86Queue;
}

/** The Sound Blaster 16. It sends `dac-send-data` in answer to `dac-request-data`. */
interface V86SoundBlaster {
  /** Bytes left in the present transfer. */
  dma_bytes_left: number;
  dma_paused: boolean;
  /** Left and right; samples that a guest writes without DMA wait there for a request. */
  dac_buffers: readonly { length: number }[];
  /** Hz. */
  sampling_rate: number;
  mixer_registers: Uint8Array;
  /** Interrupts that the guest has not acknowledged: 1 for 8 bits, 2 for 16. */
  irq_triggered: Uint8Array;
  dsp_reset(): void;
}

interface V86Vga {
  svga_memory: Uint8Array;
  vga_memory: Uint8Array;
  vga_memory_size: number;
  plane0: Uint8Array;
  plane1: Uint8Array;
  plane2: Uint8Array;
  plane3: Uint8Array;
  graphical_mode: boolean;
  get_state(): unknown[];
  screen_fill_buffer(): void;
  complete_redraw(): void;
  [internal: string]: unknown;
}

interface V86IdeChannel {
  master: V86IdeInterface;
  slave: V86IdeInterface;
  /** Bus master status register. */
  dma_status: number;
  dma_write_command8(command: number): void;
}

/** An IDE or ATAPI drive. */
interface V86IdeInterface {
  channel: V86IdeChannel;
  buffer: V86Disk | null;
  status_reg: number;
  error_reg: number;
  current_command: number;
  features_reg: number;
  lba_mid_reg: number;
  lba_high_reg: number;
  in_progress_io_ids: { size: number; clear(): void };
  /** The guest's packet, or the data that it will read. */
  data: Uint8Array;
  data_pointer: number;
  current_atapi_command: number;
  atapi_sense_key: number;
  /** A number if v86 announces changes itself: 2, 1, 0. */
  medium_changed: number | boolean;
  ata_command(command: number): void;
  atapi_handle(): void;
  /** Each reads from the buffer according to the registers, and finally answers the guest. */
  ata_read_sectors(command: number): void;
  do_ata_read_sectors_dma(): void;
  atapi_read(packet: Uint8Array): void;
  atapi_read_dma(packet: Uint8Array): void;
  cancel_io_operations(): void;
  atapi_check_condition_response(senseKey: number, additionalSense: number): void;
  push_irq(): void;
  eject(): void;
  set_cdrom(disk: V86Disk): void;
}

interface V86FloppyController {
  drives: V86FloppyDrive[];
  cmd_code: number;
  dma: V86Dma;
  /** Advances to the next sector, as if this one had been read. */
  seek_next_sect(): void;
  end_read_write(status0: number, status1: number, status2: number): void;
}

interface V86Dma {
  channel_addr: Uint16Array;
  /** Advances the channel, and writes the data to guest memory. */
  do_read(
    disk: V86Disk,
    start: number,
    length: number,
    channel: number,
    done: (hasFailed: boolean) => void,
  ): void;
}

interface V86FloppyDrive {
  buffer: V86Disk | null;
  insert_disk(disk: V86Disk, readOnly?: boolean): boolean;
  eject_disk(): void;
}
