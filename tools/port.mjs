/**
 * @param {string} text
 * @param {string} name of the setting, to show to users
 */
export function readPort(text, name) {
  const port = Number(text);
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new Error(`${name} is "${text}": give a whole number from 0 to 65535.`);
}
