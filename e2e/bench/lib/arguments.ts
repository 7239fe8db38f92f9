import { parseArgs } from 'node:util';

interface BenchArguments {
  /** File for the metrics. */
  json?: string;
  /** Number of repetitions of each measurement. */
  count: number;
}

/** Reads `[--json FILE] [--count N]`, the options of every benchmark. */
export function benchArguments(defaultCount: number): BenchArguments {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, count: { type: 'string' } },
  });
  const count = values.count === undefined ? defaultCount : Number(values.count);
  if (!(Number.isInteger(count) && count > 0)) throw new Error('--count takes a positive number.');
  return { count, ...(values.json !== undefined && { json: values.json }) };
}
