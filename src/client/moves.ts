/** A machine's migrations: to and from ports, other machines and connections to other hosts. */
import { siteUrl } from '../protocol/base-url.ts';
import type {
  MigrateIncomingReport,
  MigrateIncomingRequest,
  MigrateOptions,
  MigrateReport,
} from '../protocol/migration.ts';
import type { RemoteKeeper } from '../protocol/rpc.ts';
import { absoluteRuntimes } from './absolute-urls.ts';
import { BroadcastTransport } from './hosts/broadcast-transport.ts';
import { type HostSocket, isHostSocket, transportOf } from './hosts/host-socket.ts';
import { PortBridge } from './hosts/port-bridge.ts';
import { type LetInOptions, letIn } from './let-in.ts';
import type { OpeningRules } from './state-files.ts';

/** Options of {@link Machine.migrate}. */
export interface MigrateCallOptions extends MigrateOptions {
  /**
   * To another host: TCP connections of the guest continue, and their other ends stay here, for ten minutes at
   * most. The page has to stay open until then. Default: true. With false they end with a reset.
   */
  relayConnections?: boolean;
}

/** Options of {@link Machine.migrateIncoming}. The last three are for a guest of another host. */
export interface MigrateIncomingOptions extends Partial<MigrateIncomingRequest>, LetInOptions {}

/** Another machine of the page, which takes a guest. */
export interface MigrationTarget {
  migrateIncoming(port: MessagePort): Promise<MigrateIncomingReport>;
}

export async function migrate(
  keeper: Pick<RemoteKeeper, 'migrate'>,
  target: MessagePort | BroadcastChannel | HostSocket | MigrationTarget,
  { relayConnections = true, ...options }: MigrateCallOptions,
): Promise<MigrateReport> {
  if (target instanceof MessagePort) return keeper.migrate(target, options);
  if (target instanceof BroadcastChannel) {
    const bridge = new PortBridge(new BroadcastTransport(target));
    return bridge.carry((port) => keeper.migrate(port, options));
  }
  if (isHostSocket(target)) {
    const bridge = new PortBridge(transportOf(target));
    return bridge.carry(
      (port, relay) =>
        relayConnections
          ? keeper.migrate(port, options, siteUrl(), relay)
          : keeper.migrate(port, options, siteUrl()),
      ({ isRelayed }) => isRelayed === true,
    );
  }
  const { port1, port2 } = new MessageChannel();
  const arriving = target.migrateIncoming(port2);
  const leaving = keeper.migrate(port1, options);
  const [left, arrived] = await Promise.allSettled([leaving, arriving]);
  if (left.status === 'rejected') throw left.reason;
  if (arrived.status === 'rejected') throw arrived.reason;
  return left.value;
}

export async function migrateIncoming(
  keeper: Pick<RemoteKeeper, 'migrateIncoming' | 'migrateForeign'>,
  from: MessagePort | BroadcastChannel | HostSocket,
  { runtimes: given, approve, allowPrivate, config, ...rest }: MigrateIncomingOptions,
  { runtimes = [], requirePublic }: OpeningRules,
): Promise<MigrateIncomingReport> {
  const request = { ...rest, runtimes: absoluteRuntimes(given ?? runtimes) };
  if (from instanceof MessagePort) return keeper.migrateIncoming(request, from);
  if (from instanceof BroadcastChannel) {
    const bridge = new PortBridge(new BroadcastTransport(from));
    return bridge.carry((port) => keeper.migrateIncoming(request, port));
  }
  const bridge = new PortBridge(transportOf(from));
  const ask = letIn(
    {
      ...(approve && { approve }),
      ...(allowPrivate && { allowPrivate }),
      ...(config && { config }),
    },
    requirePublic,
  );
  return bridge.carry(
    (port, relay) => keeper.migrateForeign(request, port, ask, relay),
    // The source closes the connection when it relays nothing.
    () => true,
  );
}
