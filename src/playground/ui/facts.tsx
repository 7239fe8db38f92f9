import { shown } from './foreign-text.ts';

/** A line of a list: what something is, and its value. */
export interface Fact {
  what: string;
  value: string;
  /** The value is our sentence, not what somebody else chose. */
  isOurs?: boolean;
}

/** Shows each foreign value as a value of its own, which turns nothing around it. */
export function Facts({ items }: { items: readonly Fact[] }) {
  return (
    <dl class="facts">
      {items.flatMap(({ what, value, isOurs }) => [
        <dt>{what}</dt>,
        <dd>
          {isOurs ? (
            value
          ) : (
            <bdi>
              <code>{shown(value)}</code>
            </bdi>
          )}
        </dd>,
      ])}
    </dl>
  );
}
