/**
 * One socket to the server's `/ws`: joins rooms, tells each event once, resumes where it was after a break, and comes
 * back by itself. Knows nothing of React or of features; the socket, the clock and the dice are given, so tests own them.
 *
 * A connection's life: `connecting` → (welcome) `online` → (close, silence) `waiting`, 0.5 s doubling to 30 s → `connecting`.
 */
export type Connection = "idle" | "connecting" | "online" | "waiting";

export interface RoomEvent {
  room: string;
  topic: string;
  at: string;
  data: unknown;
  /** Where it stands in the installation's stream; null for frames, which are not kept. */
  offset: number | null;
}

export interface Options {
  url: () => string;
  open?: (url: string) => SocketLike;
  random?: () => number;
}

/** The part of `WebSocket` that is used. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(): void;
}

type Listener = (event: RoomEvent) => void;

interface Room {
  /** Joins counted, so that two views may share a room. */
  holders: number;
  /** The last durable event seen; unknown until the server says. */
  offset: number | null;
}

const PING_MS = 25_000;
const SILENCE_MS = 40_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;

export class Realtime {
  #options: Required<Options>;
  #socket: SocketLike | null = null;
  #connection: Connection = "idle";
  #rooms = new Map<string, Room>();
  #listeners = new Set<Listener>();
  #resets = new Set<(room: string) => void>();
  #watchers = new Set<() => void>();
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#options = { open: (url) => new WebSocket(url), random: Math.random, ...options };
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Called when the connection state changes. Returns the way out. */
  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Called with every event and frame of joined rooms. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called when a room's past is no longer kept: whatever was derived from it must be loaded anew. */
  onReset(listener: (room: string) => void): () => void {
    this.#resets.add(listener);
    return () => this.#resets.delete(listener);
  }

  start() {
    if (this.#connection === "idle") this.#connect();
  }

  /** Leaves for good (sign-out): rooms and offsets are forgotten. */
  stop() {
    clearTimeout(this.#retry);
    this.#rooms.clear();
    this.#drop();
    this.#attempt = 0;
    this.#become("idle");
  }

  /** Tries at once instead of waiting out the back-off, when the network is known to be back. */
  wake() {
    if (this.#connection !== "waiting") return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  join(name: string): () => void {
    const room = this.#rooms.get(name) ?? { holders: 0, offset: null };
    room.holders += 1;
    this.#rooms.set(name, room);
    if (room.holders === 1) this.#sendJoin(name, room);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      room.holders -= 1;
      if (room.holders > 0 || this.#rooms.get(name) !== room) return;
      this.#rooms.delete(name);
      this.#send({ type: "leave", room: name });
    };
  }

  #connect() {
    this.#become("connecting");
    const socket = this.#options.open(this.#options.url());
    this.#socket = socket;
    socket.onmessage = (event: { data: unknown }) => {
      if (socket === this.#socket && typeof event.data === "string") this.#receive(event.data);
    };
    socket.onclose = () => socket === this.#socket && this.#lost();
    socket.onerror = () => undefined; // a close always follows
    this.#expectNews();
  }

  #drop() {
    clearInterval(this.#ping);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #lost() {
    this.#drop();
    const base = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    // Half fixed, half random: a restarted server is not met by everybody at once.
    this.#retry = setTimeout(() => this.#connect(), base / 2 + (base / 2) * this.#options.random());
    this.#become("waiting");
  }

  /** A half-dead connection says nothing; after a while that counts as lost. */
  #expectNews() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #receive(text: string) {
    this.#expectNews();
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return;
    }
    const name = typeof message.room === "string" ? message.room : "";
    const room = this.#rooms.get(name);
    const offset = typeof message.offset === "number" ? message.offset : null;
    switch (message.type) {
      case "welcome":
        this.#attempt = 0;
        this.#become("online");
        clearInterval(this.#ping);
        this.#ping = setInterval(() => this.#send({ type: "ping" }), PING_MS);
        for (const [joined, state] of this.#rooms) this.#sendJoin(joined, state);
        break;
      case "joined":
        // On a resume the missed events follow: the head that is told here must not make them look old.
        if (room && room.offset === null) room.offset = offset;
        break;
      case "reset":
        if (room) room.offset = offset;
        this.#resets.forEach((listener) => listener(name));
        break;
      case "event":
        if (!room || (offset !== null && room.offset !== null && offset <= room.offset)) break;
        if (offset !== null) {
          room.offset = offset;
          this.#send({ type: "ack", offset });
        }
        this.#tell(message, name, offset);
        break;
      case "frame":
        if (room) this.#tell(message, name, null);
        break;
    }
  }

  #tell(message: Record<string, unknown>, room: string, offset: number | null) {
    const event = { room, topic: String(message.topic), at: String(message.at), data: message.data, offset };
    this.#listeners.forEach((listener) => listener(event));
  }

  #sendJoin(name: string, room: Room) {
    this.#send({ type: "join", room: name, ...(room.offset === null ? {} : { offset: room.offset }) });
  }

  #send(message: Record<string, unknown>) {
    if (this.#connection === "online") this.#socket?.send(JSON.stringify(message));
  }

  #become(connection: Connection) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#watchers.forEach((watcher) => watcher());
  }
}
