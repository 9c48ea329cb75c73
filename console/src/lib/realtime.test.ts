import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Realtime, type RoomEvent, type SocketLike } from "./realtime";

class FakeSocket implements SocketLike {
  onopen = null;
  onclose: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror = null;
  sent: Record<string, unknown>[] = [];
  closed = false;
  send(data: string) {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
  break() {
    this.onclose?.({} as never);
  }
  joins() {
    return this.sent.filter((message) => message.type === "join");
  }
}

let sockets: FakeSocket[];
let heard: RoomEvent[];
let client: Realtime;
const last = () => sockets.at(-1)!;
const welcome = { type: "welcome", user: "usr_1", offset: 10 };
const event = (offset: number) => ({ type: "event", room: "workspace:1", offset, topic: "surveillance.new_event", at: "", data: { offset } });

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  heard = [];
  client = new Realtime({
    url: () => "ws://x/ws",
    random: () => 1,
    open: () => {
      sockets.push(new FakeSocket());
      return last();
    },
  });
  client.listen((message) => heard.push(message));
});
afterEach(() => vi.useRealTimers());

describe("rooms", () => {
  it("are joined once the server has welcomed us", () => {
    client.join("workspace:1");
    client.start();
    expect(last().sent).toEqual([]);
    last().say(welcome);
    expect(last().joins()).toEqual([{ type: "join", room: "workspace:1" }]);
  });

  it("are shared: left only by the last who holds them", () => {
    client.start();
    last().say(welcome);
    const [one, two] = [client.join("camera:1"), client.join("camera:1")];
    expect(last().joins()).toHaveLength(1);
    one();
    one();
    expect(last().sent.some((message) => message.type === "leave")).toBe(false);
    two();
    expect(last().sent.at(-1)).toEqual({ type: "leave", room: "camera:1" });
  });

  it("that nobody joined are not told of", () => {
    client.start();
    last().say(welcome);
    last().say(event(11));
    expect(heard).toEqual([]);
  });
});

describe("events", () => {
  beforeEach(() => {
    client.join("workspace:1");
    client.start();
    last().say(welcome);
    last().say({ type: "joined", room: "workspace:1", offset: 10, presence: 1 });
  });

  it("are told once, in order, and acknowledged", () => {
    [11, 12, 12, 11, 13].forEach((offset) => last().say(event(offset)));
    expect(heard.map((message) => (message.data as { offset: number }).offset)).toEqual([11, 12, 13]);
    expect(last().sent.filter((message) => message.type === "ack").map((message) => message.offset)).toEqual([11, 12, 13]);
  });

  it("that were missed come after a break, although the head is told first", () => {
    last().say(event(11));
    last().break();
    vi.advanceTimersByTime(500);
    last().say(welcome);
    expect(last().joins()).toEqual([{ type: "join", room: "workspace:1", offset: 11 }]);
    last().say({ type: "joined", room: "workspace:1", offset: 14, presence: 1 });
    [12, 13, 14].forEach((offset) => last().say(event(offset)));
    expect(heard).toHaveLength(4);
  });

  it("that are no longer kept are told as a reset, and the room goes on from there", () => {
    const resets: string[] = [];
    client.onReset((room) => resets.push(room));
    last().say({ type: "reset", room: "workspace:1", offset: 90 });
    expect(resets).toEqual(["workspace:1"]);
    last().say(event(90));
    last().say(event(91));
    expect(heard).toHaveLength(1);
  });

  it("without an offset are frames, which move nothing", () => {
    last().say({ type: "frame", room: "workspace:1", topic: "surveillance.frame_update", at: "", data: {} });
    last().say(event(11));
    expect(heard.map((message) => message.topic)).toEqual(["surveillance.frame_update", "surveillance.new_event"]);
  });

  it("survive nonsense in between", () => {
    last().onmessage?.({ data: "not json" } as never);
    last().say({ type: "novelty" });
    last().say(event(11));
    expect(heard).toHaveLength(1);
  });
});

describe("connection", () => {
  it("comes back after 0.5, 1, 2 … 30 seconds, and at once after a good one", () => {
    client.start();
    for (const wait of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      last().break();
      const count = sockets.length;
      vi.advanceTimersByTime(wait - 1);
      expect(sockets).toHaveLength(count);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(count + 1);
    }
    last().say(welcome);
    last().break();
    const count = sockets.length;
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(count + 1);
  });

  it("that says nothing for 40 seconds counts as lost; answers to pings keep it", () => {
    client.start();
    last().say(welcome);
    vi.advanceTimersByTime(25_000);
    expect(last().sent.at(-1)).toEqual({ type: "ping" });
    last().say({ type: "pong" });
    vi.advanceTimersByTime(39_000);
    expect(client.connection).toBe("online");
    vi.advanceTimersByTime(1000);
    expect(client.connection).toBe("waiting");
    expect(sockets[0]!.closed).toBe(true);
  });

  it("ends at sign-out, for good", () => {
    client.join("workspace:1");
    client.start();
    last().say(welcome);
    client.stop();
    expect(last().closed).toBe(true);
    last().break();
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
    expect(client.connection).toBe("idle");
  });

  it("is tried at once when the network is back", () => {
    client.start();
    last().break();
    client.wake();
    expect(sockets).toHaveLength(2);
  });
});
