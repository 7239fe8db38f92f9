import type { Redis } from 'ioredis';
import type { Client } from './client.ts';
import { type Ledger, type LedgerLimits, type Refusal, refusalOf } from './ledger.ts';

/**
 * The whole ledger in one script, which Redis runs atomically: concurrent processes cannot exceed a
 * limit. ARGV has the operation, the upload or state, bytes, and the client and the limits as JSON. Its
 * last item is the time of the last change of a learned upload.
 */
const script = `
local prefix, op, id, bytes = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local client, limits = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
local pending, changed, owners = prefix .. 'pending', prefix .. 'changed', prefix .. 'owners'
local networks, sums, states = prefix .. 'networks', prefix .. 'sums', prefix .. 'states'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function get(key, field) return tonumber(redis.call('HGET', key, field) or 0) end
local function add(key, field, by)
  if redis.call('HINCRBY', key, field, string.format('%d', by)) == 0 then redis.call('HDEL', key, field) end
end
local function forget()
  local had = get(pending, id)
  for _, network in ipairs(cjson.decode(redis.call('HGET', owners, id) or '[]')) do
    add(networks, network.key .. ' uploads', -1)
    add(networks, network.key .. ' bytes', -had)
  end
  add(sums, 'pending', -had)
  redis.call('HDEL', pending, id)
  redis.call('HDEL', owners, id)
  redis.call('ZREM', changed, id)
end
local function enter(of, size, at)
  if redis.call('HEXISTS', pending, id) == 1 then forget() end
  for _, network in ipairs(of) do
    add(networks, network.key .. ' uploads', 1)
    add(networks, network.key .. ' bytes', size)
  end
  add(sums, 'pending', size)
  redis.call('HSET', pending, id, size)
  redis.call('HSET', owners, id, #of > 0 and cjson.encode(of) or '[]')
  redis.call('ZADD', changed, at, id)
end
local function refusal()
  local sum = get(sums, 'pending') + bytes
  if sum > limits.maxPendingBytes then return 'bytes' end
  if get(sums, 'used') + sum > limits.maxTotalBytes then return 'bytes' end
  for _, network in ipairs(client) do
    local most = limits.maxPendingBytesPerClient * network.shares
    if get(networks, network.key .. ' bytes') + bytes > most then return 'client-bytes' end
  end
end

if op == 'begin' then
  if redis.call('HLEN', pending) >= limits.maxPendingUploads then return 'uploads' end
  for _, network in ipairs(client) do
    local most = limits.maxPendingUploadsPerClient * network.shares
    if get(networks, network.key .. ' uploads') >= most then return 'client-uploads' end
  end
  local refused = refusal()
  if refused then return refused end
  enter(client, 0, now)
elseif op == 'arrive' then
  local refused = refusal()
  if refused then return refused end
  enter(client, get(pending, id) + bytes, now)
elseif op == 'correct' then
  if redis.call('HEXISTS', pending, id) == 1 then
    local at = redis.call('ZSCORE', changed, id)
    enter(cjson.decode(redis.call('HGET', owners, id)), bytes, at)
  end
elseif op == 'learn' then
  if redis.call('HEXISTS', pending, id) == 0 then enter({}, bytes, tonumber(ARGV[6])) end
elseif op == 'end' then
  forget()
elseif op == 'idle' then
  return redis.call('ZRANGEBYSCORE', changed, '-inf', now - bytes)
elseif op == 'state' then
  add(sums, 'used', bytes - get(states, id))
  if bytes > 0 then redis.call('HSET', states, id, bytes) else redis.call('HDEL', states, id) end
end
return ''
`;

/** The ledger that several processes share. */
export class RedisLedger implements Ledger {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #limits: string;

  constructor(redis: Redis, prefix: string, limits: LedgerLimits) {
    this.#redis = redis;
    this.#prefix = `${prefix}ledger:`;
    const { maxTotalBytes, maxPendingBytes, maxPendingUploads } = limits;
    const { maxPendingBytesPerClient, maxPendingUploadsPerClient } = limits;
    this.#limits = JSON.stringify({
      maxTotalBytes,
      maxPendingBytes,
      maxPendingUploads,
      maxPendingBytesPerClient,
      maxPendingUploadsPerClient,
    });
  }

  begin(uploadId: string, client: Client, sizeBytes: number): Promise<void> {
    return this.#ask('begin', uploadId, sizeBytes, client);
  }

  arrive(uploadId: string, client: Client, bytes: number): Promise<void> {
    return this.#ask('arrive', uploadId, bytes, client);
  }

  correct(uploadId: string, bytes: number): Promise<void> {
    return this.#ask('correct', uploadId, bytes);
  }

  async knows(uploadId: string): Promise<boolean> {
    return (await this.#redis.hexists(`${this.#prefix}pending`, uploadId)) === 1;
  }

  async learn(uploadId: string, bytes: number, changedAtMs: number): Promise<void> {
    await this.#run('learn', uploadId, bytes, [], changedAtMs);
  }

  end(uploadId: string): Promise<void> {
    return this.#ask('end', uploadId, 0);
  }

  async idle(forMs: number): Promise<string[]> {
    return (await this.#run('idle', '', forMs)) as string[];
  }

  setState(id: string, sizeBytes: number): Promise<void> {
    return this.#ask('state', id, sizeBytes);
  }

  async *states(): AsyncIterable<string> {
    let cursor = '0';
    do {
      const [next, entries] = await this.#redis.hscan(`${this.#prefix}states`, cursor);
      for (let at = 0; at < entries.length; at += 2) yield entries[at] ?? '';
      cursor = next;
    } while (cursor !== '0');
  }

  async usedBytes(): Promise<number> {
    return Number((await this.#redis.hget(`${this.#prefix}sums`, 'used')) ?? 0);
  }

  /** @throws HttpError the script's refusal */
  async #ask(operation: string, id: string, bytes: number, client: Client = []): Promise<void> {
    const refusal = (await this.#run(operation, id, bytes, client)) as Refusal | '';
    if (refusal) throw refusalOf(refusal);
  }

  #run(operation: string, id: string, bytes: number, client: Client = [], changedAtMs = 0) {
    const args = [operation, id, bytes, JSON.stringify(client), this.#limits, changedAtMs];
    return this.#redis.eval(script, 1, this.#prefix, ...args);
  }
}
