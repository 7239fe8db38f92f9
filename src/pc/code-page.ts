/** Code page 437, the characters of a VGA's own font. No DOM. */
const low = '\0☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼';
const high =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»' +
  '░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** Returns the character that a text cell shows, if the guest uses the usual font. */
export function characterOf(code: number): string {
  const index = code & 0xff;
  if (index === 0 || index === 0xff) return ' ';
  if (index < 0x20) return low[index] ?? ' ';
  if (index === 0x7f) return '⌂';
  if (index < 0x80) return String.fromCharCode(index);
  return high[index - 0x80] ?? ' ';
}
