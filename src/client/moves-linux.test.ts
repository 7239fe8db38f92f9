/** A Linux guest moves between hosts, with a real v86 and real WebSockets. */
import { afterEach, expect, test } from 'vitest';
import { type LinuxHosts, linuxHosts, site } from './testing/linux-hosts.ts';

/** Files of a program in Node, which has no kernel. */
const program = 'file:///opt/program/';
const timeoutMs = 120_000;
const patience = { timeout: 2 * timeoutMs };

let hosts: LinuxHosts | undefined;
afterEach(() => hosts?.close());

const numbersIn = (text: string) => [...text.matchAll(/<(\d+)>/g)].map(([, one]) => Number(one));

test(
  '[MI1] [MH1] a shell that counts loses and repeats no line over three hosts',
  patience,
  async () => {
    hosts = await linuxHosts(timeoutMs);
    const { open, start, move } = hosts;
    const [first, second, third] = [await open('a'), await open('b'), await open('c')];
    await start(first);
    await first.console().write('stty -echo; head -c 3000000 /dev/urandom >f; md5sum f >sum\n');
    await first.console().write('i=0; while :; do i=$((i+1)); echo "<$i>"; usleep 2000; done\n');
    await first.console().waitFor(/<50>/, { timeoutMs });
    const { isRelayed } = await move(first, second, program);
    expect(isRelayed).toBeUndefined();
    expect(second.status).toMatchObject({
      runstate: 'running',
      config: { bios: { url: `${program}bios` } },
    });
    const arrived = numbersIn(second.console().text(0)).at(-1) ?? 0;
    await second.console().waitFor(new RegExp(`<${arrived + 50}>`), { timeoutMs });
    await move(second, third, site);
    expect(third.status).toMatchObject({ config: { bios: { url: `${site}bios` } } });
    const console = third.console();
    await console.waitFor(/<\d+>/, { from: console.end, timeoutMs });
    const { end } = console;
    await console.write('\u0003');
    await console.waitFor(/# $/, { from: end, timeoutMs });
    await console.write('md5sum -c sum\n');
    await console.waitFor(/f: OK/, { from: end, timeoutMs });
    const numbers = numbersIn(console.text(0));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(numbers.length).toBeGreaterThan(arrived + 50);
  },
);

const networked = { network: 'virtio', networkBackend: { kind: 'fetch' } } as const;

/** A file whose parts arrive one by one, with each call of `more`. */
class HeldAnswer {
  readonly #parts = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#parts.writable.getWriter();
  readonly part = crypto.getRandomValues(new Uint8Array(60_000));
  requests = 0;

  answer(url: string): Response | undefined {
    if (!url.startsWith('http://far.test/')) return undefined;
    this.requests++;
    const headers = { 'content-length': `${3 * this.part.length}` };
    return new Response(this.#parts.readable, { headers });
  }

  more(): void {
    void this.#writer.write(this.part);
  }

  end(): void {
    void this.#writer.close();
  }
}

test(
  '[MH11] a download continues over three hosts, and its connection ends where it began',
  patience,
  async () => {
    const held = new HeldAnswer();
    hosts = await linuxHosts(timeoutMs, (url) => held.answer(url));
    const { open, start, move } = hosts;
    const [first, second, third] = [await open('a'), await open('b'), await open('c')];
    await start(first, networked);
    await first.execute('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
    held.more();
    await first
      .console()
      .write('(wget -q -O /tmp/f http://far.test/f; echo wget=$? >/tmp/result) &\n');
    const size = async (machine: typeof first, parts: number) => {
      const wanted = parts * held.part.length;
      const command = `until [ $(wc -c </tmp/f) -ge ${wanted - 8192} ]; do usleep 50000; done`;
      await machine.execute(command, { timeoutMs });
    };
    await size(first, 1);
    expect(await move(first, second, program)).toMatchObject({ isRelayed: true });
    held.more();
    await size(second, 2);
    expect((await second.infoNetwork()).connections).toHaveLength(1);
    expect(await move(second, third, site)).toMatchObject({ isRelayed: true });
    held.more();
    held.end();
    const { stdout } = await third.execute(
      'until [ -e /tmp/result ]; do usleep 50000; done; cat /tmp/result; wc -c </tmp/f',
      { timeoutMs },
    );
    expect(stdout).toBe(`wget=0\n${3 * held.part.length}\n`);
    expect(held.requests).toBe(1);
  },
);
