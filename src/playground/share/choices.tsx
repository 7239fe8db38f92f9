export interface Choice<T extends string> {
  value: T;
  label: string;
  detail: string;
  isPossible?: boolean;
}

/** Radio buttons, each with a sentence about it. */
export function Choices<T extends string>({
  name,
  legend,
  choices,
  chosen,
  choose,
}: {
  name: string;
  legend: string;
  choices: readonly Choice<T>[];
  chosen: T;
  choose(value: T): void;
}) {
  return (
    <fieldset class="share-ways">
      <legend>{legend}</legend>
      {choices.map(({ value, label, detail, isPossible = true }) => (
        <p key={value}>
          <label>
            <input
              type="radio"
              name={name}
              value={value}
              checked={value === chosen}
              disabled={!isPossible}
              onChange={() => choose(value)}
            />{' '}
            {label}
          </label>
          <span class="fine">{detail}</span>
        </p>
      ))}
    </fieldset>
  );
}
