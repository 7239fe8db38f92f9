import { shown } from './foreign-text.ts';

/** A line of a list: a label and a value. */
export interface Fact {
  what: string;
  value: string;
  /** The value is a sentence of this page, not foreign text. */
  isOurs?: boolean;
}

/** Shows each foreign value in isolation, so that it cannot change the text direction around it. */
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
