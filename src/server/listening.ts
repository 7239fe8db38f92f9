/** Address on which the standalone state server listens. */

interface Listening {
  port: number;
  host: string;
  /** All other arguments. */
  others: string[];
}

/** @throws Error with a sentence */
export function readListening(args: readonly string[], environment: NodeJS.ProcessEnv): Listening {
  const others = [...args];
  const take = (name: string) => {
    const at = others.indexOf(name);
    if (at < 0) return undefined;
    const [, value] = others.splice(at, 2);
    if (value === undefined) throw new Error(`${name} is given without a value.`);
    return value;
  };
  const text = take('--port') ?? environment.PORT ?? '8087';
  const host = take('--host') ?? environment.HOST ?? '127.0.0.1';
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new Error(
      `--port (PORT) is ${JSON.stringify(text)}: give a whole number from 0 to 65535.`,
    );
  return { port: Number(text), host, others };
}
