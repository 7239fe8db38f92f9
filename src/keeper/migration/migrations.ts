/** The migrations of one machine to other keepers, one at a time. */
import { HoldfastError } from '../../errors.ts';
import {
  defaultMigrationParameters,
  type MigrateOptions,
  type MigrateReport,
  type MigrationInfo,
  type MigrationParameters,
  noMigration,
} from '../../protocol/migration.ts';
import type { MigrationChannel } from './channel.ts';
import type { MigratingMachine } from './migrating-machine.ts';
import { OutgoingMigration, type OwnedLock } from './outgoing.ts';

/** The way to the destination, and the machine's lock. */
export interface MigrationTarget {
  channel: MigrationChannel;
  /** The Web Lock of this worker. */
  keeperLock?: string | undefined;
  lock: OwnedLock;
  /** Called when the guest has stopped for the switchover. */
  stopped?: (() => void) | undefined;
  /** The destination relays the guest's connections, which stay open here. */
  isRelayed?: boolean | undefined;
  /** Connections stay open here if the destination, on another host, relays them. */
  offersRelay?: boolean | undefined;
  /** Set for a destination on another host: root of this site. */
  siteUrl?: string | undefined;
}

export class Migrations {
  readonly #machine: MigratingMachine;
  #parameters: MigrationParameters = defaultMigrationParameters;
  #last: OutgoingMigration | undefined;
  /** Set while one is under way. */
  #underWay: { migration: OutgoingMigration; ended: Promise<void> } | undefined;

  constructor(machine: MigratingMachine) {
    this.#machine = machine;
  }

  get info(): MigrationInfo {
    return this.#last?.info ?? noMigration;
  }

  /**
   * Resolves when the guest, which stands still to be sent, takes input again. Rejects with `migrated`
   * when it takes it elsewhere. Undefined for a guest that takes input.
   */
  get switchover(): Promise<void> | undefined {
    return this.#underWay?.migration.isSwitching ? this.#underWay.ended : undefined;
  }

  async run(target: MigrationTarget, options: MigrateOptions): Promise<MigrateReport> {
    const parameters = { ...this.#parameters, ...checked(options) };
    const migration = new OutgoingMigration({ machine: this.#machine, parameters, ...target });
    this.#last = migration;
    const running = migration.run();
    const ended = running.then(
      () => {
        throw new HoldfastError(
          'migrated',
          'The guest moved to another keeper. Send this to that.',
        );
      },
      () => {},
    );
    ended.catch(() => {});
    this.#underWay = { migration, ended };
    try {
      return await running;
    } finally {
      this.#underWay = undefined;
    }
  }

  /**
   * Takes the machine's lock for a guest that waits in `postmigrate` and is to run here.
   * @throws HoldfastError `taken-over` if another keeper has the machine
   */
  async holdAgain(): Promise<void> {
    await this.#last?.holdAgain();
  }

  /** @throws HoldfastError `bad-runstate` without a migration that can be cancelled */
  cancel(): void {
    this.#present.cancel();
  }

  /** @throws HoldfastError `bad-runstate` without a migration that waits */
  continue(): void {
    this.#present.continue();
  }

  /** @throws HoldfastError `bad-config` */
  setParameters(parameters: MigrateOptions): void {
    const given = checked(parameters);
    this.#parameters = { ...this.#parameters, ...given };
    this.#underWay?.migration.setParameters(given);
  }

  get #present(): OutgoingMigration {
    if (!this.#underWay) throw new HoldfastError('bad-runstate', 'No migration is under way.');
    return this.#underWay.migration;
  }
}

const isPositive = (value: unknown) => Number.isSafeInteger(value) && Number(value) > 0;
const isFlag = (value: unknown) => typeof value === 'boolean';

const rules: { [K in keyof MigrationParameters]: [(value: unknown) => boolean, string] } = {
  downtimeLimitMs: [isPositive, 'a whole number of milliseconds above 0'],
  maxBandwidth: [
    (value) => value === 0 || isPositive(value),
    'whole bytes a second, 0 for no limit',
  ],
  pauseBeforeSwitchover: [isFlag, 'true or false'],
  autoConverge: [isFlag, 'true or false'],
};

/** @throws HoldfastError `bad-config` naming the parameter */
function checked(parameters: MigrateOptions): MigrateOptions {
  for (const [name, value] of Object.entries(parameters)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof MigrationParameters] : undefined;
    const allowed = rule ? rule[1] : `one of ${Object.keys(rules).join(', ')}`;
    if (!rule?.[0](value))
      throw new HoldfastError('bad-config', `The migration parameter "${name}" may be ${allowed}.`);
  }
  return parameters;
}
