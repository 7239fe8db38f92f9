/** Values as text, as in an address (`?hda.size=64M`) or in the attributes of an element. */

/** Text of another kind stays text, and the schema of the option refuses it with its own words. */
export type FromText = (text: string) => unknown;

export const asNumber: FromText = (text) => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text);
export const asIs: FromText = (text) => text;
export const asList: FromText = (text) => text.split(',').map((part) => part.trim());
/** An attribute without a value is on. */
export const asFlag: FromText = (text) => {
  if (['', 'on', 'true', 'yes', '1'].includes(text)) return true;
  return ['off', 'false', 'no', '0'].includes(text) ? false : text;
};

/** In an address, as v86's own page has it. */
export const allowedSwitch = '1, 0, true or false';
export const asSwitch: FromText = (text) => {
  if (text === '1' || text === 'true') return true;
  return text === '0' || text === 'false' ? false : text;
};

const units: Record<string, number> = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

/** `512`, `1440K`, `64M`, `2G`. @returns bytes, or text that is no size as it is */
export function asSize(text: string): unknown {
  const [, number, unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  return number === undefined ? text : Number(number) * (units[unit.toLowerCase()] ?? 1);
}

/** `cpuidLevel:2,jit:off`. @param members how each is read; names are read without regard to case */
export const asMembers =
  (members: Readonly<Record<string, FromText>>): FromText =>
  (text) =>
    Object.fromEntries(
      text.split(',').map((part) => {
        const [name = '', value = ''] = part.split(':').map((word) => word.trim());
        const known = Object.keys(members).find(
          (each) => each.toLowerCase() === name.toLowerCase(),
        );
        return known === undefined ? [name, value] : [known, members[known]?.(value)];
      }),
    );
