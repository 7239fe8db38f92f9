/** Limits of relay rooms. */
export interface RoomLimits {
  /** Rooms at once; 0: the server has none. */
  maxRooms: number;
  /** Rooms that one client (see client.ts) has opened. */
  maxRoomsPerClient: number;
  /** Longest wait for the second device. */
  roomWaitMs: number;
  /** Time in which nothing arrives at either device. */
  roomIdleMs: number;
  /** Longest time of a room, from its second device on. */
  roomLifeMs: number;
  /** Bytes that a room carries, both directions together. */
  maxRoomBytes: number;
}

/** A frame of a migration, its kind, and the tag of its encryption, with room for more of both. */
export const mostMessageBytes = 65 * 1024;

/** Fragments of a message, and parts in which it arrives. Each takes memory of its own. */
export const mostPieces = 1024;
/** Messages of one device that are read. More wait in its connection. */
export const mostMessagesPerSecond = 4000;

/** Bytes that wait for a slow reader. The other device is not read meanwhile. */
export const waitingBytes = { most: 1 << 20, low: 256 << 10 } as const;

/** Why a room ends, for devices: codes of WebSocket's close event. */
export const roomEnd = {
  /** The room expired. */
  expired: 4408,
  /** There is no such room, or there is none any more. */
  noRoom: 4404,
  /** The room has two devices. */
  full: 4409,
  /** The other device left. */
  left: 4410,
  /** The room has carried what it may. */
  tooMuch: 4413,
  /** The server, or this client, has too many rooms. */
  tooMany: 4429,
  /** A message that a room does not carry: text, or one before the other device is there. */
  badMessage: 1008,
  /** The server ends. */
  shutdown: 1001,
} as const;

export type RoomEnd = (typeof roomEnd)[keyof typeof roomEnd];
