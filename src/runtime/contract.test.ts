/**
 * Checks the parts of v86 that Holdfast relies on, for every version that ships. The name of a
 * failing test states what has changed.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import { decodeValue, type Value } from '../vmstate/value.ts';
import { decodeVmstate, encodeVmstate } from '../vmstate/vmstate.ts';
import { tscLag } from './state/tsc.ts';
import { type LabHost, labHost } from './testing/lab-host.ts';
import { type LabRuntime, prepareLab } from './testing/lab-runtime.ts';
import { registerProbe } from './testing/register-probe.ts';
import type { V86Runtime } from './v86-runtime.ts';

const { h64Raw: h64 } = await xxhash();
/** Every import of v86.wasm; the runtime must provide each new one. */
const knownImports = [
  '__indirect_function_table',
  'bring_task',
  'codegen_finalize',
  'console_log_from_wasm',
  'cpu_event_halt',
  'cpu_exception_hook',
  'cr_must_wait',
  'dbg_trace_from_wasm',
  'get_rand_int',
  'io_port_read16',
  'io_port_read32',
  'io_port_read8',
  'io_port_write16',
  'io_port_write32',
  'io_port_write8',
  'irq_must_wait',
  'jit_clear_all_funcs',
  'jit_clear_func',
  'log_from_wasm',
  'memory',
  'memory_grow_post',
  'memory_grow_pre',
  'microtick',
  'mmap_read32',
  'mmap_read8',
  'mmap_write128',
  'mmap_write16',
  'mmap_write32',
  'mmap_write64',
  'mmap_write8',
  'page_is_absent',
  'run_hardware_timers',
  'stop_idling',
];

const usedExports = [
  'allocate_memory',
  'codegen_finalize_finished',
  'full_clear_tlb',
  'jit_clear_cache_js',
  'jit_dirty_cache',
  'main_loop',
  'reset_cpu',
  'rust_init',
  'svga_allocate_memory',
  'svga_fill_pixel_buffer',
];

/** Indices in v86's CPU state: a field that a TLB flush clears, and the counter that advances. */
const changesByItself = { lastVirtualEip: 18, timeStampCounter: 43 } as const;

const probe = registerProbe();

/** Runs the guest for some steps of v86, without the worker's event loop. */
function step(machine: V86Runtime, steps: number): void {
  for (let i = 0; i < steps; i++) machine.core.step();
}

/** Returns device state as a value, without the parts that change while it is read. */
function deviceState(vmstate: Uint8Array): Value {
  const section = decodeVmstate(vmstate, h64).find(({ name }) => name === 'v86.devices');
  const state = decodeValue(section?.bytes ?? new Uint8Array(0)) as {
    cpu: Value[];
    tscLagMs: Value;
  };
  state.tscLagMs = undefined;
  for (const index of Object.values(changesByItself)) state.cpu[index] = undefined;
  return state as unknown as Value;
}

/** Returns all objects and functions that can be reached from `root` through properties. */
function reachable(root: object): Set<object> {
  const seen = new Set<object>([root]);
  const todo: object[] = [root];
  for (let object = todo.pop(); object; object = todo.pop()) {
    if (ArrayBuffer.isView(object)) continue;
    for (const key of Reflect.ownKeys(object)) {
      const member = Reflect.getOwnPropertyDescriptor(object, key)?.value;
      if (member === null || !['object', 'function'].includes(typeof member)) continue;
      if (seen.has(member)) continue;
      seen.add(member);
      todo.push(member);
    }
  }
  return seen;
}

describe.each(v86Packages)('npm package %s', (packageName) => {
  let runtime: LabRuntime;
  let wasmModule: WebAssembly.Module;

  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
    wasmModule = new WebAssembly.Module(runtime.wasm);
  }, 60_000);

  const prepare = (host: LabHost, coldBoot: boolean) => prepareLab(runtime, host, coldBoot);
  const boot = async (host: LabHost) => (await prepare(host, true)).boot() as V86Runtime;

  it('v86.wasm imports nothing that Holdfast does not know', () => {
    const names = WebAssembly.Module.imports(wasmModule).map(({ name }) => name);
    expect(names.filter((name) => !knownImports.includes(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['microtick', 'codegen_finalize']));
  });

  it('v86.wasm still exports every function that Holdfast calls', () => {
    const names = WebAssembly.Module.exports(wasmModule).map(({ name }) => name);
    expect(usedExports.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('v86.wasm can wait for absent pages, and is recognised for it', () => {
    const globals = WebAssembly.Module.exports(wasmModule)
      .filter(({ kind }) => kind === 'global')
      .map(({ name }) => name);
    for (const name of ['absent_pages', 'unrepeatable', 'delivering', 'pdpte_data'])
      expect(globals, `tools/wasm/absent-pages.ts leaves this v86 as it is`).toContain(name);
  });

  it('an instance made over a memory writes nothing there', () => {
    const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true });
    const bytes = new Uint8Array(memory.buffer).fill(0xa5);
    const env: WebAssembly.ModuleImports = { memory };
    for (const { name, kind } of WebAssembly.Module.imports(wasmModule))
      if (kind === 'function') env[name] = () => 0;
    env.__indirect_function_table = new WebAssembly.Table({ element: 'anyfunc', initial: 1924 });
    new WebAssembly.Instance(wasmModule, { env });
    expect(bytes.every((byte) => byte === 0xa5)).toBe(true);
  });

  it('the CPU and device members that Holdfast uses are where it takes them to be', async () => {
    const { core } = await boot(labHost(labFirmware));
    const { cpu, machine, bus } = core;
    for (const name of [
      'wasm_patch',
      'create_jit_imports',
      'init',
      'main_loop',
      'reboot_internal',
      'get_state',
      'set_state',
      'pack_memory',
      'unpack_memory',
      'full_clear_tlb',
      'jit_dirty_cache',
      'allocate_memory',
      'svga_allocate_memory',
    ])
      expect(typeof cpu[name], `cpu.${name} is no longer a function`).toBe('function');
    for (const name of ['next_tick', 'destroy'] as const)
      expect(typeof machine[name], `v86.${name} is no longer a function`).toBe('function');
    expect(typeof bus.register, 'the bus has no register() any more').toBe('function');
    const { vga, ps2, uart0, sb16, pit } = cpu.devices;
    for (const name of [
      'vga_memory',
      'plane0',
      'plane1',
      'plane2',
      'plane3',
      'svga_memory',
    ] as const)
      expect(vga[name], `vga.${name} is no longer a Uint8Array`).toBeInstanceOf(Uint8Array);
    for (const name of ['svga_offset_x', 'svga_offset_y'])
      expect(vga, `the VGA lost ${name}`).toHaveProperty(name);
    for (const name of [
      'next_byte_is_ready',
      'next_byte_is_aux',
      'last_mouse_packet',
      'wheel_movement',
    ])
      expect(ps2, `the PS/2 controller lost ${name}`).toHaveProperty(name);
    for (const name of ['dma_bytes_left', 'sampling_rate'] as const)
      expect(sb16?.[name], `sb16.${name} is no longer a number`).toBeTypeOf('number');
    for (const name of ['mixer_registers', 'irq_triggered'] as const)
      expect(sb16?.[name], `sb16.${name} is no longer a Uint8Array`).toBeInstanceOf(Uint8Array);
    for (const name of ['dma_paused', 'dac_buffers', 'dsp_reset'])
      expect(sb16, `the Sound Blaster lost ${name}`).toHaveProperty(name);
    expect(pit?.counter_reload, 'pit.counter_reload is no longer a Uint16Array').toBeInstanceOf(
      Uint16Array,
    );
    const blaster = sb16 as unknown as Record<string, V86QueueLike>;
    for (const [name, queue] of [
      ['sb16.write_buffer', blaster.write_buffer],
      ['sb16.read_buffer', blaster.read_buffer],
      ['sb16.mpu_read_buffer', blaster.mpu_read_buffer],
      ['ps2.kbd_buffer', ps2.kbd_buffer],
      ['ps2.mouse_buffer', ps2.mouse_buffer],
      ['uart0.input', uart0.input],
    ] as [string, V86QueueLike][]) {
      expect(typeof queue?.push, `${name} is no longer a queue`).toBe('function');
      queue.push(7);
      expect(queue.length, `${name} does not count what it holds`).toBe(1);
      expect(queue.shift(), `${name} does not give back what it got`).toBe(7);
    }
  });

  it('network devices, virtio console and 9p share are where Holdfast takes them to be', async () => {
    const { net, virtio_console, virtio_9p } = (await boot(labHost(labFirmware))).core.cpu.devices;
    for (const name of ['cr', 'pstart', 'pstop', 'curpg', 'boundary'] as const)
      expect(net?.[name], `ne2k.${name} is no longer a number`).toBeTypeOf('number');
    for (const name of ['mac', 'memory'] as const)
      expect(net?.[name], `ne2k.${name} is no longer a Uint8Array`).toBeInstanceOf(Uint8Array);
    expect(
      net?.memory.subarray(0, 12),
      'the ne2k no longer holds each byte of its address twice',
    ).toEqual(Uint8Array.from(Array.from(net?.mac ?? []).flatMap((byte) => [byte, byte])));
    const withVirtio = await boot(labHost(labFirmware, { network: 'virtio' }));
    const { virtio_net } = withVirtio.core.cpu.devices;
    expect(virtio_net?.mac, 'virtio-net has lost its address').toBeInstanceOf(Uint8Array);
    for (const [name, device] of Object.entries({ virtio_net, virtio_console })) {
      const queue = device?.virtio.queues[0];
      for (const method of ['is_configured', 'has_request', 'pop_request'] as const)
        expect(queue?.[method], `a queue of ${name} has no ${method}()`).toBeTypeOf('function');
    }
    expect(virtio_console?.Send, 'the virtio console has no Send()').toBeTypeOf('function');
    expect(virtio_9p?.fids, 'the 9p device has lost its fids').toBeInstanceOf(Array);
    expect(virtio_9p?.replybuffer, 'the 9p device has lost its buffer').toBeInstanceOf(Uint8Array);
    const state = Object.getPrototypeOf(virtio_9p).get_state.call(virtio_9p);
    expect([state[6] === virtio_9p?.replybuffer, state[9] === virtio_9p?.fs]).toEqual([true, true]);
    expect(state[8], 'the fids have moved in the state of the 9p device').toBeInstanceOf(Array);
  });

  it('the VGA state has its memories at the places that Holdfast leaves out', async () => {
    const { core } = await boot(labHost(labFirmware));
    const { vga } = core.cpu.devices;
    const original = Object.getPrototypeOf(vga).get_state.call(vga);
    expect(original[6]).toBe(vga.vga_memory);
    expect(original[39]).toBe(vga.svga_memory);
    expect(original[61]).toBe(vga.pixel_buffer);
  });

  it('after a move nothing of the scratch instance is in use any more', async () => {
    const host = labHost(labFirmware);
    const { core } = await boot(host);
    const own = new Set<unknown>(Object.values(core.cpu.wm.exports));
    const stale = [...reachable(core.machine)].filter(
      (member) =>
        (ArrayBuffer.isView(member) && member.buffer === host.scratch.buffer) ||
        // Exported functions have a number for a name.
        (typeof member === 'function' && /^\d+$/.test(member.name) && !own.has(member)),
    );
    // The CPU's two allocators keep the functions they wrapped; they are never called again.
    expect(stale).toEqual([]);
  });

  it('scratch memory is all zero after a runtime was made ready in it', async () => {
    const host = labHost(labFirmware);
    await boot(host);
    const words = new BigUint64Array(host.scratch.buffer);
    expect(words.findIndex((word) => word !== 0n)).toBe(-1);
  });

  it.each([32, 512])(
    'guest RAM and VGA memory land in their blocks (%i MiB)',
    async (memoryMiB) => {
      const host = labHost(labFirmware, { memoryMiB });
      const { core } = await boot(host);
      const ram = host.blocks.find(({ name }) => name === 'pc.ram');
      expect(core.ramAddress - (ram?.address ?? 0)).toBe(4096);
      expect(core.cpu.mem8.length).toBe(memoryMiB << 20);
      expect(core.cpu.devices.vga.svga_memory.byteOffset).toBe(core.vramAddress);
    },
  );

  it('Linux images are loaded to the addresses that a reset puts them back to', async () => {
    const images = {
      ...labFirmware,
      bzImage: projectFile('public/guests/linux/bzImage'),
      initrd: projectFile(
        `public/guests/linux/${JSON.parse(new TextDecoder().decode(projectFile('public/guests/linux/guest.json'))).initrd}`,
      ),
    };
    const { core } = await boot(labHost(images, { cmdline: 'console=ttyS0' }));
    const { mem8 } = core.cpu;
    const setupBytes = ((images.bzImage[0x1f1] ?? 4) + 1) * 512;
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
    expect(text(mem8.slice(0x100000, 0x100000 + 64))).toBe(
      text(images.bzImage.slice(setupBytes, setupBytes + 64)),
    );
    expect(text(mem8.slice(0x4000000, 0x4000000 + 64))).toBe(text(images.initrd.slice(0, 64)));
    expect(text(mem8.slice(0x8e000, 0x8e000 + 13))).toBe('console=ttyS0');
  });

  it('device state survives a save and a load unchanged', { timeout: 30_000 }, async () => {
    const host = labHost(labFirmware);
    const first = await boot(host);
    step(first, 200);
    const state = first.save();
    const prepared = await prepare(host, false);
    first.park();
    const second = prepared.load(state) as V86Runtime;
    expect(deviceState(second.save())).toEqual(deviceState(state));
    step(second, 50);
    expect(host.crash).toBeUndefined();
  });

  it('BIOS and VGA BIOS areas stay as the guest left them, and a reset brings them back', async () => {
    const host = labHost(labFirmware);
    const first = await boot(host);
    step(first, 100);
    const places = [0xc1234, 0xe5678, 0xffff0];
    for (const address of places) first.commands.writeMemory(address, Uint8Array.of(0xa5));
    const prepared = await prepare(host, false);
    const state = first.save();
    first.park();
    const second = prepared.load(state) as V86Runtime;
    const read = () => places.map((address) => second.commands.readMemory(address, 1)[0]);
    expect(read()).toEqual([0xa5, 0xa5, 0xa5]);
    second.commands.reset();
    expect(read()[2], "the reset vector is not the firmware's").toBe(0xea);
    step(second, 100);
    expect(host.crash).toBeUndefined();
  });

  it('bytes typed just before a hand-over are not lost', async () => {
    const host = labHost(labFirmware);
    const first = await boot(host);
    step(first, 100);
    first.commands.consoleInput('serial0', new TextEncoder().encode('hold'));
    first.commands.scancodes(Uint8Array.of(0x23, 0xa3));
    const queues = ({ core }: V86Runtime) => {
      const { uart0, ps2 } = core.cpu.devices;
      return [uart0.input.length, (ps2.kbd_buffer as V86QueueLike).length];
    };
    const before = queues(first);
    expect(before[0]).toBe(4);
    const prepared = await prepare(host, false);
    const state = first.save();
    expect(queues(first), 'saving took them away').toEqual(before);
    first.park();
    expect(queues(prepared.load(state) as V86Runtime)).toEqual(before);
  });

  it("devices read the machine's clock, as the CPU does", async () => {
    const host = labHost(labFirmware);
    const ownClock = host.clock;
    let reads = 0;
    host.clock = () => {
      reads++;
      return ownClock();
    };
    const first = await boot(host);
    step(first, 1);
    const before = reads;
    // Bit 4 toggles with the memory refresh, so that the port reads the time.
    (first.core.cpu.io as { port_read8(port: number): number }).port_read8(0x61);
    expect(reads - before).toBe(1);
  });

  it('the time-stamp counter keeps its rate, also through a hand-over', async () => {
    const host = labHost(labFirmware);
    const first = await boot(host);
    const lag = ({ core }: V86Runtime) => tscLag(core.cpu, host.clock);
    step(first, 100);
    const before = lag(first);
    step(first, 100);
    expect(lag(first)).toBeCloseTo(before, 1);
    const prepared = await prepare(host, false);
    const state = first.save();
    first.park();
    const until = performance.now() + 50;
    while (performance.now() < until);
    const second = prepared.load(state) as V86Runtime;
    expect(lag(second)).toBeCloseTo(before, 1);
    step(second, 100);
    expect(lag(second)).toBeCloseTo(before, 1);
  });

  it('[SE4] a required section that this runtime does not know is refused, and the guest keeps running', async () => {
    const host = labHost(labFirmware);
    const first = await boot(host);
    step(first, 100);
    const prepared = await prepare(host, false);
    const state = first.save();
    const future = { name: 'future', version: 1, required: true, bytes: new Uint8Array(8) };
    first.park();
    expect(() => prepared.load(encodeVmstate([...decodeVmstate(state, h64), future], h64))).toThrow(
      expect.objectContaining({ code: 'runtime-incompatible' }),
    );
    first.unpark();
    expect(deviceState(first.save())).toEqual(deviceState(state));
    step(first, 100);
    expect(host.crash).toBeUndefined();
  });

  it('registers, screen and power button are where Holdfast takes them to be', async () => {
    const host = labHost({ ...labFirmware, fda: probe.image }, { acpi: true });
    const machine = await boot(host);
    const { commands } = machine;
    const look = () => commands.infoRegisters?.() as CpuRegisters;
    expect(() => commands.systemPowerdown?.()).toThrow(
      expect.objectContaining({ code: 'bad-runstate' }),
    );
    // A step may end in a handler of the BIOS: the timer interrupts the loop.
    const inLoop = ({ general, eip }: CpuRegisters) =>
      general.eax === probe.eax && eip === probe.loopAddress;
    for (let steps = 0; !inLoop(look()); steps++) {
      if (steps > 20_000) throw new Error(`The probe did not run: ${host.serial}`);
      step(machine, 1);
    }
    const { general, eip, eflags, segments, fpu, xmm, cr0, cr4, gdt, idt, cpl } = look();
    expect(general.ebx).toBe(0x12345678);
    expect(eip).toBe(probe.loopAddress);
    expect(eflags & 0x201, 'the carry and interrupt flags').toBe(0x201);
    expect(segments.es).toMatchObject({ selector: 0xb800, base: 0xb8000, limit: 0xffff });
    expect(segments.cs).toMatchObject({ selector: 0, base: 0 });
    expect(fpu).toMatchObject({ controlWord: 0x37f, statusWord: 0x3800, tagWord: 0x80 });
    expect(fpu.registers[7]).toEqual({ mantissa: 1n << 63n, signExponent: 0x3fff });
    expect(xmm[1]).toBe(0x12345678n);
    expect([cr0 & 1, cr4, cpl]).toEqual([0, 0x200, 0]);
    expect({ idt, gdt }).toEqual({ idt: { base: 0, limit: 0x3ff }, gdt: probe.gdt });

    expect(commands.screen?.()).toMatchObject({ mode: 'text', screen: { cols: 80, rows: 25 } });

    commands.systemPowerdown?.();
    for (let steps = 0; host.serial !== 'P'; steps++) {
      if (steps > 1000) throw new Error('The guest did not hear its power button.');
      step(machine, 1);
      await Promise.resolve();
    }
    expect(host.crash).toBeUndefined();
  });

  it('a parked runtime returns after another one wrote over it', async () => {
    const host = labHost(labFirmware);
    const first = await boot(host);
    step(first, 100);
    const prepared = await prepare(host, false);
    const state = first.save();
    first.park();
    step(prepared.load(state) as V86Runtime, 20);
    first.unpark();
    expect(deviceState(first.save())).toEqual(deviceState(state));
    step(first, 100);
    expect(host.crash).toBeUndefined();
  });
});

interface V86QueueLike {
  length: number;
  push(byte: number): void;
  shift(): number;
}
