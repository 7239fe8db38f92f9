/** Size at which a guest's picture is shown. No DOM. */

export interface Size {
  width: number;
  height: number;
}

interface Scale extends Size {
  /** Whether guest pixels keep hard edges; otherwise the browser smooths them. */
  pixelated: boolean;
}

/** An exact multiple is sharper. It is used if it keeps at least this share of the size. */
const leastShare = 0.75;

/**
 * Fits a picture into a space. Guest pixels are square. Pictures more than twice as wide as high
 * (640x200) are the exception: their pixels were drawn twice as high.
 * @param room CSS pixels
 * @param ratio device pixels in a CSS pixel
 * @param exact prefer whole multiples of device pixels even if the picture is smaller
 * @returns CSS pixels
 */
export function fitPicture(picture: Size, room: Size, ratio: number, exact: boolean): Scale {
  const tall = picture.width / picture.height > 2 ? 2 : 1;
  const { width } = picture;
  const height = picture.height * tall;
  const largest = Math.min((room.width * ratio) / width, (room.height * ratio) / height);
  const whole = Math.floor(largest);
  const scale = exact && whole >= 1 && whole / largest >= leastShare ? whole : largest;
  return {
    width: (width * scale) / ratio,
    height: (height * scale) / ratio,
    // From twice the size on, uneven edges are less visible than blurred ones.
    pixelated: scale === whole || scale >= 2,
  };
}
