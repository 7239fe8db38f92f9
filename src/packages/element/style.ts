import xterm from '@xterm/xterm/css/xterm.css?inline';

/** A page styles the element through its parts and these custom properties. */
const style = `${xterm}
:host {
  --_ground: var(--holdfast-ground, #0e1011);
  --_ink: var(--holdfast-ink, #d6d9db);
  --_line: var(--holdfast-line, #2b2f31);
  display: flex;
  flex-direction: column;
  container-type: inline-size;
  min-width: 260px;
  height: 480px;
  overflow: hidden;
  border: 1px solid var(--_line);
  border-radius: 6px;
  background: var(--_ground);
  color: var(--_ink);
  font: 13px/1.4 system-ui, sans-serif;
}
:host([hidden]) { display: none; }
[hidden] { display: none !important; }
.bar {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 4px 12px;
  padding: 4px 8px;
  border-bottom: 1px solid var(--_line);
}
.state { flex: 1; min-width: 8em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.state::before {
  content: '';
  display: inline-block;
  width: 8px;
  height: 8px;
  margin-right: 6px;
  border-radius: 50%;
  background: #8a9094;
}
.state[data-runstate='running']::before { background: #4fbf9f; }
.state[data-runstate='internal-error']::before { background: #e5694f; }
.keys, .tabs { display: flex; flex-wrap: wrap; gap: 4px; }
button {
  min-width: 28px;
  min-height: 26px;
  padding: 0 7px;
  border: 1px solid var(--_line);
  border-radius: 4px;
  background: transparent;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
button:hover { background: var(--_line); }
button:is([aria-selected='true'], [aria-pressed='true']) { background: var(--_line); }
:focus-visible { outline: 2px solid #4fbf9f; outline-offset: -2px; }
.touch { display: none; }
@media (pointer: coarse) {
  button { min-width: 40px; min-height: 40px; }
  .touch { display: inline-block; }
}
.panes { flex: 1; min-height: 0; display: grid; grid-template: 1fr / 1fr; background: #000; }
.panes > * { grid-area: 1 / 1; min-width: 0; min-height: 0; overflow: hidden; }
.panes[data-pane='screen'] > .terminal, .panes[data-pane='terminal'] > .screen { display: none; }
@container (min-width: 1000px) {
  .tabs { display: none; }
  .panes[data-view='both'] { grid-template-columns: 1fr 1fr; }
  .panes[data-view='both'] > * { display: grid !important; grid-area: auto; }
  .panes[data-view='both'] > .terminal { border-left: 1px solid var(--_line); }
}
.screen { display: grid; place-items: center; position: relative; }
canvas { display: block; outline-offset: 0; }
.input { position: absolute; width: 1px; height: 1px; opacity: 0; border: 0; padding: 0; resize: none; pointer-events: none; }
.terminal { padding: 4px 0 4px 6px; box-sizing: border-box; }
.notice { padding: 8px 10px; border-top: 1px solid #e5694f; background: #3a1d17; color: #ffd9d0; overflow-wrap: anywhere; }
.notice pre { max-height: 160px; overflow: auto; white-space: pre-wrap; user-select: text; }
`;

/**
 * The style sheet of the element's shadow tree. It is constructed, because `style-src 'self'` allows no
 * `<style>`.
 */
export function styleSheet(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  return sheet;
}
