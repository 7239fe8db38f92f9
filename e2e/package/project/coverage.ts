/** Records the used members of a library, by the names of its types. */

/** Type of the object that a member returns, which is followed as well. */
const given: Record<string, string> = {
  createMachine: 'Machine',
  connect: 'Machine',
  createMonitor: 'Monitor',
  'StateFile.read': 'StateFile',
  'Machine.storage': 'MachineStorage',
  'Machine.console': 'GuestConsole',
  'Machine.connectTcp': 'GuestSocket',
  'HoldfastError.from': 'HoldfastError',
};
/** Original of each stand-in: private members need it. */
const targets = new WeakMap<object, object>();

export const isA = { called: new Set<string>() };

/** Returns the module, whose members are recorded as they are used. */
export function covered<T extends object>(module: T): T {
  return follow(module, '');
}

function follow<T>(value: T, type: string): T {
  if (value instanceof Promise) return value.then((settled) => follow(settled, type)) as T;
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
  const standIn = new Proxy(value as object, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof name === 'symbol') return bound(member, target);
      const path = type ? `${type}.${name}` : name;
      isA.called.add(path);
      if (typeof member !== 'function') return given[path] ? follow(member, given[path]) : member;
      // A class of the module: its static members, and instances.
      if (/^[A-Z]/.test(name)) return follow(member, name);
      return (...args: unknown[]) => {
        const result: unknown = member.apply(target, args.map(original));
        return given[path] ? follow(result, given[path]) : result;
      };
    },
    set: (target, name, to) => {
      isA.called.add(`${type}.${String(name)}`);
      return Reflect.set(target, name, to, target);
    },
    construct: (target, args) => follow(Reflect.construct(target as never, args), type),
  });
  targets.set(standIn, value as object);
  return standIn as T;
}

/** Returns the original of a stand-in, because the document accepts no others. */
export const original = <T>(value: T): T =>
  ((typeof value === 'object' && value !== null && targets.get(value)) || value) as T;

const bound = (member: unknown, target: object) =>
  typeof member === 'function' ? member.bind(target) : member;
